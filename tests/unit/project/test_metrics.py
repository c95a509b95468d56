"""Alarms and dashboard watch what the code emits, under the same names and dimensions."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterator
from typing import Any

from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.states import TERMINAL, JobState
from suno_jobs.runtime.telemetry import NAMESPACE
from tests.unit.project.test_docs import COSTS, priced
from tests.unit.project.test_template import RESOURCES, of_type
from tests.world import ROOT

Metric = tuple[str, frozenset[str]]
"""A name, and the names of its dimensions."""


def emitted() -> set[Metric]:
    """What the core and the metric filters of the template emit."""
    found = set()
    for path in (ROOT / "layers/core/python/suno_jobs").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            match call:
                case ast.Call(
                    ast.Attribute(ast.Name("telemetry"), "count" | "seconds"), [ast.Constant(str(name)), *_], keywords
                ):
                    found.add((name, frozenset(each.arg or "" for each in keywords)))
    for metric_filter in of_type("AWS::Logs::MetricFilter").values():
        found |= {(each["MetricName"], frozenset()) for each in metric_filter["MetricTransformations"]}
    return found


def in_query(query: str) -> Metric:
    """Of a query of CloudWatch Metrics Insights."""
    [(name, dimensions)] = re.findall(r"^SELECT \w+\((\w+)\) FROM SCHEMA\(SunoJobs, ([\w, ]+)\)", query)
    return name, frozenset(dimensions.split(", "))


def watched(alarm: dict[str, Any]) -> Iterator[Metric]:
    for each in alarm.get("Metrics", ()):
        if each.get("Expression", "").startswith("SELECT"):
            yield in_query(each["Expression"])
    if alarm.get("Namespace") == NAMESPACE:
        yield alarm["MetricName"], frozenset(each["Name"] for each in alarm.get("Dimensions", ()))


def shown() -> Iterator[Metric]:
    body = json.loads(RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    for widget in body["widgets"]:
        for first, *rest in widget["properties"]["metrics"]:
            if isinstance(first, dict):
                [(dimensions, name)] = re.findall(rf"{{{NAMESPACE},([\w,]+)}} MetricName=\"(\w+)\"", first["expression"])
                yield name, frozenset(dimensions.split(","))
            elif first == NAMESPACE:
                name, *pairs = (each for each in rest if isinstance(each, str))
                yield name, frozenset(pairs[::2])


def test_every_alarm_watches_a_metric_that_is_emitted() -> None:
    alarms = of_type("AWS::CloudWatch::Alarm")
    assert {name: metric for name, alarm in alarms.items() for metric in watched(alarm) if metric not in emitted()} == {}


def test_the_dashboard_shows_metrics_that_are_emitted() -> None:
    metrics = set(shown())
    assert metrics
    assert metrics <= emitted()


def test_the_dashboard_shows_each_gateway_and_what_waits() -> None:
    """Submissions, outcomes, duration, callbacks, balance and rate of each gateway, and the queues."""
    by_gateway = {name for name, dimensions in shown() if "gateway" in dimensions}
    assert by_gateway >= {"Submissions", "JobsFinished", "JobSeconds", "FoundByPolling", "Balance", "RateInUse", "JobsQueued"}
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    [seconds] = [each["properties"] for each in json.loads(body)["widgets"] if "JobSeconds" in json.dumps(each)]
    assert re.findall(r"'(p\d+)'", json.dumps(seconds)) == ["p50", "p95"]
    assert set(re.findall(r"\$\{(\w+)\.QueueName\}", body)) == set(of_type("AWS::SQS::Queue"))


def test_what_is_emitted_is_watched_or_shown() -> None:
    seen = {metric for alarm in of_type("AWS::CloudWatch::Alarm").values() for metric in watched(alarm)} | set(shown())
    assert emitted() - seen == {("AssetsAtRisk", frozenset({"scope"}))}


def test_the_cost_of_metrics_counts_every_combination() -> None:
    values = {
        "gateway": len(GATEWAYS),
        "state": len(TERMINAL - {JobState.CANCELLED}),
        "scope": 1,
        "account": 1,
        "outcome": len(TERMINAL),
    }
    most = sum(math.prod(values[name] for name in dimensions) for _, dimensions in emitted())
    _, count, price, usd = priced("metrics")
    assert count.endswith(f" {most}")
    assert usd.endswith(f" {most * float(price):.2f}")


def test_the_cost_of_alarms_counts_them() -> None:
    alarms = of_type("AWS::CloudWatch::Alarm").values()
    queries = [alarm for alarm in alarms if "SELECT" in json.dumps(alarm)]
    _, count, price, usd = priced("alarms")
    assert count.split(", ")[0] == str(len(alarms) - len(queries))
    assert f" {len(queries)} that" in count
    lowest = (len(alarms) - len(queries)) * 0.10 + 0.50
    assert usd == f"{lowest:.2f} to {lowest + len(queries) * len(GATEWAYS) * 0.10:.2f}", price


def test_watching_costs_less_than_15_dollars_at_rest_and_the_page_says_how_much() -> None:
    at_rest = sum(float(priced(item)[3].split()[0]) for item in ("CloudWatch alarms", "dashboard", "metrics"))
    assert at_rest < 15
    assert f"together cost {at_rest:.2f} per month" in COSTS
    assert len(of_type("AWS::CloudWatch::Dashboard")) == 1


POLLS = 650_000
"""Of one queue in a month: Lambda polls an empty one as well, with five long polls of 20 s at a time."""


def test_the_fixed_costs_count_the_queues_that_lambda_polls_and_the_secrets() -> None:
    queues = len(of_type("AWS::Lambda::EventSourceMapping"))
    _, count, price, usd = priced("polling")
    assert count == f"about {queues * POLLS:,} requests"
    assert usd == f"{queues * POLLS * float(price.split()[0]) / 1e6:.2f}"
    secrets = len(of_type("AWS::SecretsManager::Secret"))
    _, count, price, usd = priced("Secrets Manager")
    assert (count, usd) == (f"{secrets} secrets", f"{secrets * float(price):.2f}")


def test_every_alarm_reaches_the_topic_and_is_silent_without_data_unless_silence_is_the_outage() -> None:
    for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
        assert alarm["AlarmActions"]["Fn::If"][0] == "HasAlarmTopic"
        assert alarm["TreatMissingData"] == ("breaching" if name == "SweepMissingAlarm" else "notBreaching")


def test_the_alarm_for_money_at_risk_names_alarms_of_the_template() -> None:
    rule = RESOURCES["MoneyAtRiskAlarm"]["Properties"]["AlarmRule"]["Fn::Sub"]
    named = set(re.findall(r"\$\{(\w+)\}", rule))
    assert named <= of_type("AWS::CloudWatch::Alarm").keys()
    # The song of a lost submission is found by its callback only, and a dead letter is not delivered again.
    assert {"AmbiguousEndsAlarm", "AssetsAtRiskAlarm", "JobOverdueAlarm", "FailedCallbacksAlarm"} <= named
