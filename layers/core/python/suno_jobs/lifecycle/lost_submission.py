"""Settling a submission whose answer was lost: finding its task, waiting for it, or giving it up.

It is never blindly submitted again (I1). A task is found by an authentic callback, or by a stored reply of the gateway.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways.protocol import Accepted, GatewayReply, ReadFailed, TaskReport
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.schedule import PollingSchedule
from suno_jobs.lifecycle.task_reader import SLOW_READ_SECONDS, TaskReader
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import ReceiptStore

SUBMIT_SECONDS = 60
"""An older intent counts as lost. If its function is still running after all, its answer is still recorded."""

LONG_SUBMIT_SECONDS = 330
"""The same for a synchronous operation: longer than the function that sends it can run."""

LOST = Fault(
    ErrorCode.AMBIGUOUS,
    "The gateway's answer to the submission was lost. A song may have been generated and charged.",
)


def intent_seconds(job: Job) -> int:
    """How long the answer to this job's intent is awaited."""
    return LONG_SUBMIT_SECONDS if GATEWAYS[job.gateway].kinds[job.kind].synchronous else SUBMIT_SECONDS


@dataclass(frozen=True, slots=True)
class TaskFound:
    """The task of the submission, as its gateway reports it; ``job`` now contains its id."""

    job: Job
    report: TaskReport


@dataclass(frozen=True, slots=True)
class TaskNotRead:
    """A task is named, but could not be read this time."""

    job: Job
    failed: ReadFailed


@dataclass(frozen=True, slots=True)
class ResultFound:
    """A synchronous operation was answered and its result recorded, but not in the job. ``job`` is now done."""

    job: Job
    has_tracks: bool


@dataclass(frozen=True, slots=True)
class Undecided:
    """The answer or a callback may still arrive until ``until`` (seconds since 1970)."""

    until: int


@dataclass(frozen=True, slots=True)
class MayResubmit:
    """Nothing arrived in time, and the client has allowed a second submission."""

    job: Job


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Nothing arrived in time."""

    job: Job


Evidence = TaskFound | TaskNotRead | ResultFound
Settlement = Evidence | Undecided | MayResubmit | GivenUp


@dataclass(frozen=True, slots=True, kw_only=True)
class LostSubmissions:
    jobs: JobStore
    receipts: ReceiptStore
    reader: TaskReader
    schedule: PollingSchedule
    grace_seconds: int
    clock: Callable[[], float]

    def settle(self, job: Job) -> Settlement:
        """Settles a submission that has an intent or a grace period. May be repeated. Raises Conflict and NoSlot."""
        now = self._now()
        if job.intent_at is not None:
            # The function that wrote the intent may still be running, or it has died.
            lost_at = job.intent_at + intent_seconds(job)
            if now < lost_at:
                return self.find_task(job) or Undecided(lost_at)
            until = min(now + self.grace_seconds, job.deadline_at)
            due_at = until + self.schedule.slack
            job = self.jobs.lose_submission(job, LOST, grace_until=until, now=now, due_at=due_at)
        return self.find(job) or self._without_evidence(job)

    def _without_evidence(self, job: Job) -> Undecided | MayResubmit | GivenUp:
        now, until = self._now(), job.grace_until or 0
        if now < until:
            return Undecided(until)
        if job.resubmit and not job.resubmitted and now < job.deadline_at and not self._called_back(job):
            return MayResubmit(self.jobs.allow_resubmission(job, now=now))
        return GivenUp(job)

    def _called_back(self, job: Job) -> bool:
        """Even a callback that names no task proves that there is one."""
        return any(True for _ in self.receipts.callbacks(job.job_id))

    def find(self, job: Job) -> Evidence | None:
        return self._find_result(job) or self.find_task(job)

    def _find_result(self, job: Job) -> ResultFound | None:
        """The function recorded a synchronous answer and died before it updated the job."""
        view = self.jobs.view(job.job_id)
        if view is None or not (view.tracks or view.result):
            return None
        now = self._now()
        job = self.jobs.accept_task(job, None, now=now, due_at=now + self.schedule.slack, done=True)
        return ResultFound(job, bool(view.tracks))

    def find_task(self, job: Job) -> TaskFound | TaskNotRead | None:
        """The task that an authentic callback or a stored reply names; None when neither names one.

        The name is only a hint (I8): the gateway has to know the task.
        """
        failed, began = None, self._now()
        for task_id in self._named_tasks(job):
            if self._now() >= began + SLOW_READ_SECONDS:
                break
            reading = self.reader.read_task(job, task_id)
            if isinstance(reading, TaskReport):
                now = self._now()
                due_at = now + self.schedule.longest + self.schedule.slack
                return TaskFound(self.jobs.accept_task(job, task_id, now=now, due_at=due_at), reading)
            failed = reading
        return TaskNotRead(job, failed) if failed else None

    def _named_tasks(self, job: Job) -> list[str]:
        gateway = GATEWAYS[job.gateway]
        replies = [GatewayReply(status, body) for status, body in self.receipts.submissions(job.job_id)]
        answers = [gateway.read_submission(job.kind, reply) for reply in replies]
        named = {answer.task_id for answer in answers if isinstance(answer, Accepted)}
        named |= {task_id for body in self.receipts.callbacks(job.job_id) if (task_id := gateway.read_callback(body))}
        return sorted(named)

    def _now(self) -> int:
        return int(self.clock())
