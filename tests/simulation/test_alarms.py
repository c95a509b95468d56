"""Each outage makes the metric appear that its alarm watches, and a calm world makes none appear."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from tests.simulation.crashes import CrashInjector
from tests.simulation.faults import TENANT, busy
from tests.simulation.lambdas import FunctionError, Invocation
from tests.simulation.network import KEYS
from tests.simulation.test_crashes import ALWAYS, LOST, JobPath, run
from tests.simulation.webhook_receivers import Receiver
from tests.simulation.world import START, World
from tests.unit.project.test_metrics import watched
from tests.unit.project.test_template import of_type

OUTAGES: Mapping[str, JobPath] = {
    "AmbiguousEndsAlarm": JobPath("TIMED_OUT", faults={"garbled_answer": ALWAYS, **LOST}, deadline=400),
    "UnsuccessfulJobsAlarm": JobPath("FAILED", faults={"failed_task": ALWAYS}),
    "AccountEmptyAlarm": JobPath("FAILED", "anyint", faults={"quota_exhausted": ALWAYS}),
    "BreakerOpenedAlarm": JobPath("TIMED_OUT", faults={"dropped_connection": ALWAYS}, at=(0.0,) * 6, deadline=400),
    "UnknownStatusWordAlarm": JobPath("SUCCEEDED", faults={"unknown_status": 2, **LOST}),
    "CallbacksMissingAlarm": JobPath("SUCCEEDED", faults=LOST),
    "QuarantineAlarm": JobPath("TIMED_OUT", faults={"damaged_audio": ALWAYS}, deadline=400),
    # The links of this gateway expire after a day.
    "AssetsAtRiskAlarm": JobPath("SUCCEEDED", "kie", faults={"one_file_for_both": ALWAYS}),
}
OTHER_OUTAGES = {"CallbacksRefusedAlarm", "JobOverdueAlarm", "KeyRefusedAlarm", "LowBalanceAlarm", "SweepLagAlarm"}
SWEEP_SECONDS = 1200
"""Two intervals between sweeps in these worlds."""
ALARMS = of_type("AWS::CloudWatch::Alarm")


def values(world: World) -> dict[str, list[float]]:
    """What the output of all functions has for each metric."""
    found: dict[str, list[float]] = {}
    for line in world.logs.getvalue().splitlines():
        read = json.loads(line) if line.startswith("{") else {}
        for each in read.get("_aws", {}).get("CloudWatchMetrics", ()):
            for metric in each["Metrics"]:
                found.setdefault(metric["Name"], []).extend(read[metric["Name"]])
    return found


def counted(world: World) -> dict[str, float]:
    """The sum of each metric."""
    return {name: sum(each) for name, each in values(world).items()}


def metric_of(alarm: str) -> str:
    [(name, _)] = watched(ALARMS[alarm])
    return name


def test_every_alarm_about_a_metric_of_ours_has_an_outage() -> None:
    assert {name for name, alarm in ALARMS.items() if [*watched(alarm)]} == OUTAGES.keys() | OTHER_OUTAGES


@pytest.mark.parametrize("alarm", OUTAGES)
def test_an_outage_makes_the_metric_of_its_alarm_appear(alarm: str) -> None:
    assert counted(run(OUTAGES[alarm], CrashInjector()))[metric_of(alarm)] > 0


def test_a_revoked_key_makes_the_metric_of_its_alarm_appear() -> None:
    world = JobPath("FAILED").world(CrashInjector())
    with world.open():
        world.network.keys.revoke("ttapi", KEYS["ttapi"])
        world.run()
    assert counted(world)[metric_of("KeyRefusedAlarm")] > 0


def test_a_file_whose_link_is_about_to_expire_is_below_the_limit_of_its_alarm() -> None:
    hours = values(run(OUTAGES["AssetsAtRiskAlarm"], CrashInjector()))[metric_of("AssetsAtRiskAlarm")]
    assert min(hours) < ALARMS["AssetsAtRiskAlarm"]["Threshold"]


class NothingRuns(CrashInjector):
    """Lambda starts neither checks nor sweeps for two hours."""

    def begin(self, invocation: Invocation) -> bool:
        if invocation.function in ("CheckTaskFunction", "ReconcileJobsFunction") and invocation.began < START + 7200:
            raise FunctionError("Lambda.TooManyRequestsException", "not started")
        return True


def test_a_sweep_that_comes_late_shows_how_late_it_is_and_for_how_long_a_job_is_overdue() -> None:
    world = JobPath("TIMED_OUT", faults=LOST, deadline=400).world(NothingRuns())
    with world.open():
        world.run()
        world.loop.run(START + 7200 + SWEEP_SECONDS)
    for alarm in ("SweepLagAlarm", "JobOverdueAlarm"):
        assert max(values(world)[metric_of(alarm)]) > ALARMS[alarm]["Threshold"], alarm


def test_a_balance_below_the_limit_of_the_account_makes_the_metric_of_its_alarm_appear() -> None:
    world = JobPath("SUCCEEDED", "sunoapi").world(CrashInjector())
    world.accounts["sunoapi/default"]["low_balance"] = 10**9
    with world.open():
        world.run()
    assert max(values(world)[metric_of("LowBalanceAlarm")]) == 1


def test_a_forged_callback_is_a_line_that_the_metric_filter_counts() -> None:
    world = JobPath("SUCCEEDED").world(CrashInjector())
    with world.open():
        world.run()
        [job_id] = world.jobs()
        assert refused_lines(world) == 0
        world.deliver(f"/v1/callbacks/ttapi/{job_id}/{'0' * 64}", {"content-type": "application/json"}, b"{}")
        world.loop.run(world.loop.now + 60)
    assert refused_lines(world) == 1


def refused_lines(world: World) -> int:
    """The lines that the metric filter counts: their message begins with its pattern."""
    [metric_filter] = of_type("AWS::Logs::MetricFilter").values()
    [transformation] = metric_filter["MetricTransformations"]
    assert transformation["MetricName"] == metric_of("CallbacksRefusedAlarm")
    [begin] = re.findall(r'message = "(.*)\*"', metric_filter["FilterPattern"])
    lines = [json.loads(line) for line in world.logs.getvalue().splitlines() if line.startswith("{")]
    return sum(str(line.get("message", "")).startswith(begin) for line in lines)


FAILING = {
    "CallbacksFailedAlarm": "ReceiveCallbackFunction",
    "CreateTaskFailedAlarm": "CreateTaskFunction",
    "SweepFailedAlarm": "ReconcileJobsFunction",
    "WebhooksFailedAlarm": "DeliverWebhookFunction",
}
"""Alarms about errors of functions, which Lambda counts."""


@dataclass(slots=True)
class TableRefuses(CrashInjector):
    """DynamoDB throttles every call of one function."""

    function: str = ""

    def before(self, invocation: Invocation, label: str) -> None:
        if invocation.function == self.function and label.startswith("dynamodb"):
            invocation.refused = True
            raise busy(label)


def test_errors_by_design_raise_no_alarm() -> None:
    errors = {name: each for name, each in ALARMS.items() if each.get("MetricName") == "Errors"}
    watched_functions = {name: each["Dimensions"][0]["Value"]["Ref"] for name, each in errors.items()}
    assert watched_functions.items() >= FAILING.items()
    # A file that is not ready, a track that is not stored, a decision.
    assert not {"CheckTaskFunction", "FinishJobFunction", "StoreTrackFunction"} & set(watched_functions.values())


@pytest.mark.parametrize("alarm", FAILING)
def test_a_function_that_cannot_work_raises_errors_as_often_as_its_alarm_needs(alarm: str) -> None:
    """It neither hides them nor waits so long that too few are counted."""
    properties = ALARMS[alarm]
    receivers = (Receiver(TENANT, 0, "works", 0.0),)
    world = JobPath("TIMED_OUT", at=(0.0,) * 6, receivers=receivers).world(TableRefuses(function=FAILING[alarm]))
    with world.open():
        world.run()
        began = [each.began for each, _ in world.lambdas.raised if each.function == FAILING[alarm]]
    periods = Counter((moment - START) // properties["Period"] for moment in began)
    breaching = [period for period, errors in periods.items() if errors >= properties["Threshold"]]
    assert len(breaching) >= properties.get("DatapointsToAlarm", 1)


def test_a_calm_world_raises_none_of_them() -> None:
    sums = counted(run(JobPath("SUCCEEDED"), CrashInjector()))
    assert {alarm: sums[metric] for alarm in OUTAGES if sums.get(metric := metric_of(alarm))} == {}
    assert sums["JobsUnsuccessful"] == sums["FoundByPolling"] == 0
