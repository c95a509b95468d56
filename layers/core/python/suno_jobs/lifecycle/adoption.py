"""Taking over a task that was created elsewhere: nothing is submitted and nothing is charged.

The job is GENERATING only after its gateway has reported the task. A task that one of our own submissions created belongs to
the job of that submission, also if its answer was lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from suno_jobs.errors import Conflict, ErrorCode, Fault
from suno_jobs.gateways.protocol import ReadFailed, TaskReport
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.schedule import PollingSchedule
from suno_jobs.jobs.states import JobState
from suno_jobs.lifecycle.task_reader import TaskReader
from suno_jobs.storage.jobs import JobStore

UNKNOWN_READS = 3
UNKNOWN_PAUSE_SECONDS = 20
"""Some gateways do not know a new task at once. Three reads take less than a minute."""

NEVER_READ = Fault(
    ErrorCode.DEADLINE_EXCEEDED, "The task could not be read before the job's deadline. Nothing was charged.", retryable=True
)

FOUND_SECONDS = 3600
"""For how long the sweep may complete a job that had already left recovery."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    job: Job
    report: TaskReport


@dataclass(frozen=True, slots=True)
class NotYet:
    """The task could not be read, or is not known yet. It is read again in ``wait`` seconds."""

    wait: int


@dataclass(frozen=True, slots=True)
class NotAdopted:
    """The job ends."""

    state: JobState
    fault: Fault


@dataclass(frozen=True, slots=True)
class Adoption:
    jobs: JobStore
    reader: TaskReader
    schedule: PollingSchedule
    clock: Callable[[], float]

    def take_over(self, job: Job, task_id: str) -> TakenOver | NotYet | NotAdopted:
        """Reads the task and makes it the job's. May be repeated. Raises Conflict and NoSlot."""
        if self._now() >= job.deadline_at:
            return NotAdopted(JobState.TIMED_OUT, NEVER_READ)
        if self.jobs.owners.owner(job.gateway, job.account, task_id) != job.job_id:
            return _unknown("The task belongs to another job.")
        reading = self.reader.read_task(job, task_id)
        if isinstance(reading, ReadFailed):
            return self._not_read(job, reading)
        if reading.submitted_by not in (None, job.job_id):
            return self._leave_to_submitter(job, task_id, reading.submitted_by or "")
        now = self._now()
        due_at = self.schedule.overdue_at(job, now + self.schedule.longest)
        try:
            return TakenOver(self.jobs.submissions.accept_task(job, task_id, now=now, due_at=due_at), reading)
        except Conflict:
            # Another check of this job was faster, or the job of a lost submission has claimed its task.
            return NotYet(1)

    def _not_read(self, job: Job, failed: ReadFailed) -> NotYet | NotAdopted:
        if not _says_unknown(failed):
            return NotYet(self.schedule.pause(job, failed.retry_after_seconds, may_retry=failed.may_retry))
        if self.jobs.submissions.record_unknown_task(job, now=self._now()) >= UNKNOWN_READS:
            return _unknown(f"The gateway does not know this task. ({failed.fault.message})", failed.fault)
        return NotYet(UNKNOWN_PAUSE_SECONDS)

    def _leave_to_submitter(self, job: Job, task_id: str, submitter_id: str) -> NotAdopted:
        """The task has the callback URL of another job of ours. If the answer to its submission was lost, it gets the task."""
        submitter = self.jobs.get(submitter_id)
        if submitter and (submitter.gateway, submitter.account) == (job.gateway, job.account):
            now = self._now()
            if submitter.lost and task_id not in submitter.tasks:
                submitter = self.jobs.submissions.accept_task(submitter, task_id, now=now, due_at=now)
                self.jobs.reopen(submitter, until=now + FOUND_SECONDS, now=now)
            if submitter.tenant == job.tenant:
                return _unknown(f"The task belongs to the job {submitter_id}.")
        return _unknown("The task belongs to another job.")

    def _now(self) -> int:
        return int(self.clock())


def _says_unknown(failed: ReadFailed) -> bool:
    """The family of sunoapi.org has no code of its own for an unknown task."""
    refused = failed.fault.code is ErrorCode.INVALID_REQUEST and not failed.may_retry
    return refused or failed.fault.code is ErrorCode.NOT_FOUND


def _unknown(message: str, cause: Fault | None = None) -> NotAdopted:
    fault = Fault(ErrorCode.NOT_FOUND, message)
    known = replace(fault, gateway_code=cause.gateway_code, trace_id=cause.trace_id) if cause else fault
    return NotAdopted(JobState.FAILED, known)
