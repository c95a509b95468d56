"""The executions of the state machine: their names, starting them, waking them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from suno_jobs.errors import ExecutionsThrottled, SubmissionDue

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient


def execution_name(job_id: str, number: int) -> str:
    """Named after the job, so that starting an execution twice starts it once."""
    return f"{job_id}-{number}" if number else job_id


class ExecutionState(StrEnum):
    RUNNING = "RUNNING"
    ENDED = "ENDED"
    MISSING = "MISSING"


class TaskTokens:
    """Answers states that wait for their task token. Each method may be repeated, and returns False if its state no longer
    waits."""

    def __init__(self, client: SFNClient) -> None:
        self._client = client

    def succeed(self, task_token: str, output: Mapping[str, Any]) -> bool:
        errors = self._client.exceptions
        try:
            self._client.send_task_success(taskToken=task_token, output=json.dumps(output))
        except (errors.TaskTimedOut, errors.TaskDoesNotExist, errors.InvalidToken):
            return False
        return True

    def fail(self, task_token: str, error: str, cause: str) -> bool:
        """``error`` is the name that the state machine catches."""
        errors = self._client.exceptions
        try:
            self._client.send_task_failure(taskToken=task_token, error=error, cause=cause)
        except (errors.TaskTimedOut, errors.TaskDoesNotExist, errors.InvalidToken):
            return False
        return True


class Executions(TaskTokens):
    def __init__(self, client: SFNClient, state_machine_arn: str, pause_seconds: int) -> None:
        """``pause_seconds``: how long an execution waits if its first step fails before it returns a time to wait."""
        super().__init__(client)
        self._arn = state_machine_arn
        self._pause_seconds = pause_seconds

    def start(self, job_id: str, number: int = 0) -> None:
        """Starts the execution unless one of that name exists. May be repeated."""
        # As after a decision of Check Task: Create Task comes first.
        decision = {"Error": SubmissionDue.__name__, "Cause": str(self._pause_seconds)}
        payload = json.dumps({"job_id": job_id, "decision": decision})
        try:
            self._client.start_execution(stateMachineArn=self._arn, name=execution_name(job_id, number), input=payload)
        except self._client.exceptions.ExecutionAlreadyExists:
            return

    def state(self, job_id: str, number: int) -> ExecutionState:
        """Its quota is small, and all state machines of the AWS account share it. Raises ExecutionsThrottled."""
        arn = f"{self._arn.replace(':stateMachine:', ':execution:')}:{execution_name(job_id, number)}"
        try:
            status = self._client.describe_execution(executionArn=arn)["status"]
        except self._client.exceptions.ExecutionDoesNotExist:
            return ExecutionState.MISSING
        except self._client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] == "ThrottlingException":
                raise ExecutionsThrottled("DescribeExecution") from error
            raise
        return ExecutionState.RUNNING if status == "RUNNING" else ExecutionState.ENDED

    def wake(self, task_token: str) -> bool:
        """Ends the wait of the execution that holds the token. False: it no longer waits. It is checking its job, or has
        ended."""
        return self.succeed(task_token, {})
