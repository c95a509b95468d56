"""How the state machine is driven: names of executions, starting them, waking them, and when to look next."""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from suno_jobs.errors import Conflict
from suno_jobs.history import Cause
from suno_jobs.models import Job

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient

    from suno_jobs.store import JobStore

GROWTH = 1.5
"""Each wait is half as long again as the one before, up to the longest."""


@dataclass(frozen=True, slots=True)
class Step:
    """What Create Task and Check Task answer to the state machine."""

    job_id: str
    next: Literal["wait", "submit", "store", "finish"]
    wait_seconds: int = 1
    tracks: tuple[str, ...] = ()

    def to_payload(self) -> dict[str, Any]:
        return {"job_id": self.job_id, "next": self.next, "wait_seconds": self.wait_seconds, "tracks": list(self.tracks)}


@dataclass(frozen=True, slots=True)
class Pace:
    """When to look at a job. All figures in seconds."""

    first_check: int
    interval: int
    longest: int

    def step(self, job: Job) -> int:
        """Growing with the number of checks."""
        return min(self.longest, round(self.interval * GROWTH ** min(job.checks, 20)))

    def turn(self, job: Job, free_in: float) -> int:
        """When to ask for a slot again: the longer jobs have waited the more they are spread, so that no herd comes at once."""
        spread = min(self.longest, 1 << min(job.checks, 10))
        return math.ceil(free_in) + zlib.crc32(f"{job.job_id}{job.checks}".encode()) % spread

    def wait(self, job: Job, now: int) -> int:
        """Until a running task is looked at again: not before its callback is overdue, and never past the deadline."""
        overdue_in = (job.submitted_at or job.created_at) + self.first_check - now
        return max(1, min(max(self.step(job), overdue_in), job.deadline_at - now))

    @property
    def slack(self) -> int:
        return slack(self.longest)


def slack(longest_interval: int) -> int:
    """How many seconds after its expected next step a job counts as stuck."""
    return 2 * longest_interval


class ExecutionState(StrEnum):
    RUNNING = "RUNNING"
    ENDED = "ENDED"
    MISSING = "MISSING"


class Executions:
    """The executions of one state machine, each named after its job, so that starting one twice starts it once."""

    def __init__(self, client: SFNClient, state_machine_arn: str, pause_seconds: int) -> None:
        """``pause_seconds``: how long an execution waits when its first step breaks before it could say how long."""
        self._client = client
        self._arn = state_machine_arn
        self._pause_seconds = pause_seconds

    @staticmethod
    def name(job_id: str, number: int) -> str:
        return f"{job_id}-{number}" if number else job_id

    def start(self, job_id: str, number: int = 0) -> None:
        """Starts the execution unless one of that name was ever started."""
        given = json.dumps({"job_id": job_id, "wait_seconds": self._pause_seconds})
        try:
            self._client.start_execution(stateMachineArn=self._arn, name=self.name(job_id, number), input=given)
        except self._client.exceptions.ExecutionAlreadyExists:
            return

    def state(self, job_id: str, number: int) -> ExecutionState:
        arn = f"{self._arn.replace(':stateMachine:', ':execution:')}:{self.name(job_id, number)}"
        try:
            status = self._client.describe_execution(executionArn=arn)["status"]
        except self._client.exceptions.ExecutionDoesNotExist:
            return ExecutionState.MISSING
        return ExecutionState.RUNNING if status == "RUNNING" else ExecutionState.ENDED

    def wake(self, task_token: str) -> None:
        """Ends the wait of whoever holds the token. One that waits no longer is no error: it is looking already."""
        gone = self._client.exceptions
        try:
            self._client.send_task_success(taskToken=task_token, output="{}")
        except (gone.TaskTimedOut, gone.TaskDoesNotExist, gone.InvalidToken):
            return


def take_on(
    jobs: JobStore, executions: Executions, job: Job, cause: Cause, *, now: int, due_at: int
) -> Literal["woken", "started", "left"]:
    """Gets a job going: an execution that runs is woken, one that ended or never began is followed by the next of its line.

    The number is claimed before the start, so that whoever dies between the two leaves a name that was never used, and the next
    one starts exactly that. Of several at once, one starts it. ``due_at`` is when a sweep looks again.
    """
    state = executions.state(job.job_id, job.execution)
    if state is ExecutionState.RUNNING:
        jobs.postpone(job.job_id, due_at=due_at)
        signalled = jobs.signal(job.job_id, cause, now=now)
        if signalled and signalled.task_token:
            executions.wake(signalled.task_token)
        return "woken"
    number = job.execution + (1 if state is ExecutionState.ENDED else 0)
    try:
        jobs.claim_execution(job.job_id, cause, before=job.execution, number=number, now=now, due_at=due_at)
    except Conflict:
        return "left"
    executions.start(job.job_id, number)
    return "started"
