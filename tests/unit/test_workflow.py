import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from suno_jobs.workflow import Executions, ExecutionState, Pace
from tests.unit.test_finishing import JOB
from tests.world import START

ROLE = "arn:aws:iam::123456789012:role/unused"
REST = '{"StartAt": "Rest", "States": {"Rest": {"Type": "Succeed"}}}'
PACE = Pace(first_check=120, interval=20, longest=60)


@pytest.fixture
def machine(aws: SimpleNamespace) -> str:
    created = boto3.client("stepfunctions").create_state_machine(name="m", definition=REST, roleArn=ROLE)
    return created["stateMachineArn"]


def test_an_execution_is_started_once_however_often_it_is_asked_for(machine: str) -> None:
    client = boto3.client("stepfunctions")
    executions = Executions(client, machine, 60)
    assert executions.state("job_a", 0) is ExecutionState.MISSING
    for _ in range(3):
        executions.start("job_a")
    [listed] = client.list_executions(stateMachineArn=machine)["executions"]
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
def test_a_token_that_nobody_waits_with_is_no_error(machine: str, name: str) -> None:
    client: Any = boto3.client("stepfunctions")

    class Refusing:
        exceptions = client.exceptions

        def send_task_success(self, **_: str) -> None:
            raise getattr(client.exceptions, name)({"Error": {"Code": name}}, "SendTaskSuccess")

    refusing: Any = Refusing()
    Executions(refusing, machine, 60).wake("gone")


def test_waits_grow_up_to_the_longest() -> None:
    assert [PACE.step(replace(JOB, checks=checks)) for checks in (0, 1, 2, 3, 1000)] == [20, 30, 45, 60, 60]


@pytest.mark.parametrize(("after", "wait"), [(0, 120), (30, 90), (110, 20), (1190, 10), (1199, 1), (5000, 1)])
def test_a_running_task_is_left_alone_until_its_callback_is_overdue(after: int, wait: int) -> None:
    assert PACE.wait(replace(JOB, submitted_at=START), START + after) == wait


def test_jobs_that_wait_for_a_slot_are_spread_the_longer_they_wait() -> None:
    def turns(checks: int) -> set[int]:
        return {PACE.turn(replace(JOB, job_id=f"job_{number}", checks=checks), 0.5) for number in range(500)}

    assert turns(0) == {1}
    assert turns(3) == set(range(1, 9))
    assert turns(1000) == set(range(1, 61))
