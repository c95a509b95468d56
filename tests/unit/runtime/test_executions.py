import json
from typing import Any

import boto3
import pytest

from suno_jobs.runtime.executions import Executions, ExecutionState, execution_name


def test_an_execution_is_started_only_once(state_machine: str) -> None:
    client = boto3.client("stepfunctions")
    executions = Executions(client, state_machine, 60)
    assert executions.state("job_a", 0) is ExecutionState.MISSING
    for _ in range(3):
        executions.start("job_a")
    [listed] = client.list_executions(stateMachineArn=state_machine)["executions"]
    assert listed["name"] == "job_a"
    given = client.describe_execution(executionArn=listed["executionArn"])["input"]
    assert json.loads(given) == {"job_id": "job_a", "wait_seconds": 60}
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

    refusing: Any = Refusing()
    Executions(refusing, state_machine, 60).wake("gone")


def test_names_of_executions_are_deterministic() -> None:
    assert [execution_name("job_a", number) for number in range(3)] == ["job_a", "job_a-1", "job_a-2"]
