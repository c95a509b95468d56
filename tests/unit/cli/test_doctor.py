"""A stack is checked line by line. What is wrong has its remedy, and what cannot be read is a warning."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from suno_jobs.cli import doctor
from suno_jobs.cli.checks import Check, State
from suno_jobs.cli.main import main
from suno_jobs.cli.problems import ExitCode
from suno_jobs.cli.stack import Stack
from suno_jobs.cli.stack_checks import CLOCK_SECONDS, NEEDED_OUTPUTS, StackChecks, contradictions
from suno_jobs.network.http import httpx
from tests.builders import timed_out
from tests.unit.cli.conftest import Describe
from tests.world import DEADLINE, TABLE, World, template

ANSWERED = 1_795_780_800
"""What the header Date of the described stack says."""

ENOUGH = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}
FEW = {**ENOUGH, "UnreservedConcurrentExecutions": 49}
QUIET = [("songs-SweepFailedAlarm-1AB", "OK"), ("songs-money-at-risk", "OK"), ("songs-dev-SweepFailedAlarm-1AB", "ALARM")]


class Pages:
    def __init__(self, page: Mapping[str, Any]) -> None:
        self.page = page

    def get_paginator(self, _: str) -> Pages:
        return self

    def paginate(self, **_: Any) -> list[Mapping[str, Any]]:
        return [self.page]


def alarms(*states: tuple[str, str]) -> Pages:
    return Pages({"MetricAlarms": [{"AlarmName": name, "StateValue": state} for name, state in states]})


def subscribed(*arns: str) -> Pages:
    return Pages({"Subscriptions": [{"SubscriptionArn": arn} for arn in arns]})


def denied(*_: Any, **__: Any) -> Any:
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetAccountSettings")


Run = Callable[..., dict[str, list[Check]]]


@pytest.fixture
def run(world: World, described: Describe) -> Run:
    """The checks of a healthy stack, by their subjects. ``given`` replaces clients, parts of its description and the answer."""
    sqs = boto3.client("sqs")
    queues = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in NEEDED_OUTPUTS if name.endswith("QueueUrl")}
    healthy = {
        "lambda": SimpleNamespace(get_account_settings=lambda: {"AccountLimit": ENOUGH}),
        "apigatewayv2": SimpleNamespace(get_stage=lambda **_: {"DefaultRouteSettings": {"ThrottlingRateLimit": 100.0}}),
        "cloudwatch": alarms(*QUIET),
        "sns": subscribed("PendingConfirmation", "arn:aws:sns:us-east-1:1:t:1"),
        "sqs": sqs,
        "dynamodb": world.dynamodb,
    }

    def checks(
        *, clock: float = ANSWERED, answer: int | str = 200, parameters: Mapping[str, str] | None = None, **given: Any
    ) -> dict[str, list[Check]]:
        description: dict[str, Any] = {name: given.pop(name) for name in ("StackStatus", "Outputs") if name in given}
        outputs = {**dict.fromkeys(NEEDED_OUTPUTS, "o"), **queues, "ApiUrl": "https://api.example", "JobsTable": TABLE}
        values = parameters or {"AlarmTopicArn": "arn:aws:sns:us-east-1:1:t"}
        pairs = [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]
        whole: dict[str, Any] = {"Outputs": outputs, "Parameters": pairs, "Resources": {"HttpApi": "api"}, **description}
        described(**whole)
        clients = {**healthy, **given}
        found = StackChecks(Stack("songs"), lambda: clock, clients.__getitem__, lambda _: answer).check_stack()
        by_subject: dict[str, list[Check]] = {}
        for check in found:
            by_subject.setdefault(check.subject, []).append(check)
        return by_subject

    return checks


def wrong(found: Mapping[str, list[Check]]) -> list[tuple[str, State]]:
    return [(check.subject, check.state) for checks in found.values() for check in checks if check.state is not State.OK]


def test_a_healthy_stack_has_ok_lines_only(world: World, run: Run) -> None:
    world.clock.now = ANSWERED
    world.generating()
    found = run()
    assert wrong(found) == []
    assert found["jobs"][0].finding == "open: 1, the oldest since 2026-11-27T12:00:00Z"
    assert len(found["queues"]) == 3


@pytest.mark.parametrize(
    ("given", "subject", "state", "words"),
    [
        ({"StackStatus": "UPDATE_IN_PROGRESS"}, "stack", State.WARNING, "Repeat the command after the deployment."),
        ({"StackStatus": "UPDATE_ROLLBACK_FAILED"}, "stack", State.FAILED, "Deploy again."),
        ({"clock": ANSWERED + CLOCK_SECONDS + 1}, "clock", State.FAILED, "61 s ahead of AWS Set its clock"),
        ({"clock": ANSWERED - CLOCK_SECONDS - 1}, "clock", State.FAILED, "61 s behind AWS Set its clock"),
        ({"answer": 404}, "callbacks", State.FAILED, "answered a callback with 404. Gateways must reach this address"),
        ({"answer": "ConnectError"}, "callbacks", State.FAILED, "answered a callback with ConnectError."),
        (
            {"lambda": SimpleNamespace(get_account_settings=lambda: {"AccountLimit": FEW})},
            "quotas",
            State.WARNING,
            "49 of 1000 concurrent executions of Lambda are not reserved. Ask AWS",
        ),
        ({"lambda": SimpleNamespace(get_account_settings=denied)}, "quotas", State.WARNING, "cannot be checked: "),
        ({"cloudwatch": alarms(("songs-SweepFailedAlarm-1AB", "ALARM"))}, "alarms", State.FAILED, "docs/runbook.md"),
        ({"cloudwatch": alarms(*QUIET[2:])}, "alarms", State.WARNING, "there is none."),
        ({"sns": subscribed("PendingConfirmation")}, "subscribers", State.FAILED, "Subscribe the person on call"),
        ({"parameters": {"AlarmTopicArn": ""}}, "subscribers", State.WARNING, "Set AlarmTopicArn"),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value),
)
def test_what_is_wrong_has_one_line_with_the_remedy(
    run: Run, given: dict[str, Any], subject: str, state: State, words: str
) -> None:
    found = run(**given)
    assert wrong(found) == [(subject, state)]
    assert any(words in check.describe() for check in found[subject])


def test_outputs_that_are_missing_are_named(run: Run) -> None:
    assert "Deploy the current version." in run(Outputs={"ApiUrl": "u"})["stack"][0].describe()


def test_the_api_may_have_no_limit_of_its_own(run: Run) -> None:
    api = SimpleNamespace(get_stage=lambda **_: {})
    assert run(apigatewayv2=api)["quotas"][1].finding == "the API has the limit of the account"


@pytest.mark.parametrize(
    ("queue", "count", "state"),
    [
        ("FailedCallbacksQueue", 1, State.FAILED),
        ("FailedSweepsQueue", 1, State.FAILED),
        ("CallbackQueue", 100, State.OK),
        ("CallbackQueue", 101, State.WARNING),
    ],
)
def test_queues_that_are_not_empty_are_named(run: Run, queue: str, count: int, state: State) -> None:
    def get_queue_attributes(*, QueueUrl: str, **_: Any) -> Any:  # noqa: N803
        messages = count if f"/{queue}Url" in QueueUrl else 0
        return {"Attributes": {"ApproximateNumberOfMessages": str(messages)}}

    found = run(sqs=SimpleNamespace(get_queue_attributes=get_queue_attributes))
    assert wrong(found) == ([] if state is State.OK else [("queues", state)])


def test_jobs_that_are_stuck_are_counted(world: World, run: Run) -> None:
    world.clock.now = ANSWERED - 2 * DEADLINE
    world.generating()
    assert run()["jobs"][0].describe().endswith("; stuck: 1. See suno-jobs stuck.")


def test_a_job_in_recovery_is_not_open(world: World, run: Run) -> None:
    world.clock.now = ANSWERED - DEADLINE
    timed_out(world)
    assert run()["jobs"][0].finding == "none is open"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"FirstCheckSeconds": "60", "JobDeadlineSeconds": "30"}, "FirstCheckSeconds is longer than JobDeadlineSeconds."),
        ({"AmbiguousSubmitGraceSeconds": "60", "JobDeadlineSeconds": "30"}, "AmbiguousSubmitGraceSeconds is longer"),
        ({"CheckIntervalSeconds": "61", "MaxCheckIntervalSeconds": "60"}, "CheckIntervalSeconds is longer"),
        ({"PublicBaseUrl": "http://api.example"}, "PublicBaseUrl is not encrypted."),
        ({"AssetsDomain": "files.example"}, "AssetsDomain has no effect."),
        ({"AutoGateways": "kie,suno"}, "AutoGateways names suno."),
    ],
)
def test_parameters_that_do_not_fit_together_are_named(run: Run, parameters: dict[str, str], words: str) -> None:
    [(finding, remedy)] = contradictions(parameters)
    assert words in finding
    assert remedy
    found = run(parameters={**parameters, "AlarmTopicArn": "arn:aws:sns:us-east-1:1:t"})
    assert wrong(found) == [("configuration", State.WARNING)]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"FirstCheckSeconds": "30", "JobDeadlineSeconds": "30"},
        {"PublicBaseUrl": "http://127.0.0.1:1"},
        {"AutoGateways": "kie"},
    ],
)
def test_parameters_that_fit_together_are_not(parameters: dict[str, str]) -> None:
    assert [*contradictions(parameters)] == []


def test_the_defaults_of_the_template_fit_together() -> None:
    assert [*contradictions({name: str(each["Default"]) for name, each in template()["Parameters"].items()})] == []


def test_the_command_checks_stack_and_accounts(
    world: World, described: Describe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    boto3.client("secretsmanager").create_secret(Name="accounts", SecretString='{"suno/default": {}}')
    outputs = {"ApiUrl": "https://api.example", "GatewayAccountsSecretArn": "accounts", "JobsTable": TABLE}
    cloudformation = described(Outputs=outputs)
    monkeypatch.setattr(doctor, "post_forged", lambda _: "ConnectError")
    assert main(["doctor", "--stack", "songs", "--json"]) == ExitCode.NOT_DONE
    found = json.loads(capsys.readouterr().out)
    assert [found[0]["subject"], found[-1]["subject"]] == ["stack", "suno/default"]
    assert found[-1]["state"] == "failed"
    assert cloudformation.calls == 1


def test_a_warning_does_not_fail_the_command(
    monkeypatch: pytest.MonkeyPatch, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    boto3.client("secretsmanager").create_secret(Name="accounts", SecretString="{}")
    monkeypatch.setattr(doctor, "check_accounts", lambda _: [Check("alarms", "there is none.", "Deploy.", warning=True)])
    assert main(["doctor", "--secret", "accounts", "--table", TABLE]) == ExitCode.DONE
    assert capsys.readouterr().out.split() == ["alarms", "warning", "there", "is", "none.", "Deploy."]


@pytest.mark.parametrize(("answer", "expected"), [(httpx.Response(200), 200), (httpx.ConnectError("no route"), "ConnectError")])
def test_the_forged_callback_is_a_post(monkeypatch: pytest.MonkeyPatch, answer: Any, expected: int | str) -> None:
    def post(url: str, **_: Any) -> Any:
        assert url == "https://api.example/"
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(httpx, "post", post)
    assert doctor.post_forged("https://api.example/") == expected
