import json
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from suno_jobs.errors import ExecutionsThrottled
from suno_jobs.runtime.executions import Executions, ExecutionState, TaskTokens, execution_name


def test_an_execution_is_started_only_once(state_machine: str) -> None:
    client = boto3.client("stepfunctions")
    executions = Executions(client, state_machine, 60)
    assert executions.state("job_a", 0) is ExecutionState.MISSING
    for _ in range(3):
        executions.start("job_a")
    [listed] = client.list_executions(stateMachineArn=state_machine)["executions"]
    assert listed["name"] == "job_a"
    given = client.describe_execution(executionArn=listed["executionArn"])["input"]
    assert json.loads(given) == {"job_id": "job_a", "decision": {"Error": "SubmissionDue", "Cause": "60"}}
    assert executions.state("job_a", 0) is ExecutionState.RUNNING
    client.stop_execution(executionArn=listed["executionArn"])
    assert executions.state("job_a", 0) is ExecutionState.ENDED
    executions.start("job_a")
    assert executions.state("job_a", 0) is ExecutionState.ENDED
    executions.start("job_a", 1)
    assert executions.state("job_a", 1) is ExecutionState.RUNNING


@pytest.mark.parametrize("name", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_waking_with_an_expired_task_token_is_not_an_error(state_machine: str, name: str) -> None:
    client: Any = boto3.client("stepfunctions")

    class Refusing:
        exceptions = client.exceptions

        def send_task_success(self, **_: str) -> None:
            raise getattr(client.exceptions, name)({"Error": {"Code": name}}, "SendTaskSuccess")

        def send_task_failure(self, **_: str) -> None:
            raise getattr(client.exceptions, name)({"Error": {"Code": name}}, "SendTaskFailure")

    refusing: Any = Refusing()
    assert not Executions(refusing, state_machine, 60).wake("gone")
    assert not TaskTokens(refusing).fail("gone", "JobDecided", "1")


def test_a_state_that_waits_is_answered() -> None:
    given: list[dict[str, str]] = []
    client: Any = SimpleNamespace(
        exceptions=None,
        send_task_success=lambda **arguments: given.append(arguments),
        send_task_failure=lambda **arguments: given.append(arguments),
    )
    assert TaskTokens(client).succeed("t", {"wait_seconds": 3})
    assert TaskTokens(client).fail("t", "JobDecided", "1")
    assert given == [
        {"taskToken": "t", "output": '{"wait_seconds": 3}'},
        {"taskToken": "t", "error": "JobDecided", "cause": "1"},
    ]


@pytest.mark.parametrize(("code", "error"), [("ThrottlingException", ExecutionsThrottled), ("AccessDenied", ClientError)])
def test_a_throttled_description_has_an_error_of_its_own(state_machine: str, code: str, error: type[Exception]) -> None:
    client: Any = boto3.client("stepfunctions")

    class Refusing:
        exceptions = client.exceptions

        def describe_execution(self, **_: str) -> None:
            raise ClientError({"Error": {"Code": code}}, "DescribeExecution")

    refusing: Any = Refusing()
    with pytest.raises(error):
        Executions(refusing, state_machine, 60).state("job_a", 0)


def test_names_of_executions_are_deterministic() -> None:
    assert [execution_name("job_a", number) for number in range(3)] == ["job_a", "job_a-1", "job_a-2"]
