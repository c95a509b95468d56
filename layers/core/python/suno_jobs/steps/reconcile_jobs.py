"""Reconcile Jobs: the sweep, which resumes jobs past their due time (I6).

Two concurrent sweeps do no harm, and a sweep that dies only costs time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from suno_jobs.jobs.record import Job
from suno_jobs.jobs.states import Cause
from suno_jobs.lifecycle.recovery import next_recovery_at
from suno_jobs.lifecycle.resuming import resume_job
from suno_jobs.runtime import telemetry
from suno_jobs.runtime.executions import Executions, ExecutionState
from suno_jobs.storage.jobs import JobStore

Returned = TypeVar("Returned")

Groups = Iterable[tuple[Sequence[Job], Collection[str]]]
"""Groups of jobs, each with the ids of those whose task is certainly still running."""


@dataclass(slots=True)
class SweepResult:
    """What one sweep did."""

    started: list[str] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    complete: bool = True

    def attempt(self, description: str, action: Callable[..., Returned], *arguments: object) -> Returned | None:
        """None if it failed. Its error is raised at the end of the sweep, so that no job blocks the jobs after it."""
        try:
            return action(*arguments)
        except Exception as error:  # noqa: BLE001
            error.add_note(description)
            self.errors.append(error)
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReconciler:
    """``find_running`` divides jobs into groups and reads the tasks of each group when it is asked for, as far as a gateway can
    report many tasks in one request."""

    jobs: JobStore
    executions: Executions
    find_running: Callable[[Sequence[Job]], Groups]
    slack_seconds: int
    clock: Callable[[], float]

    def reconcile_jobs(self, time_left: Callable[[], bool]) -> SweepResult:
        """Works until nothing is due or ``time_left`` returns False; the next sweep continues from there.

        Jobs that need no answer of a gateway come first, so that a gateway in trouble delays none of them. If some jobs could
        not be resumed, raises an ExceptionGroup at the end; all others were resumed.
        """
        swept = SweepResult()
        waiting: list[Job] = []
        for job_id in self.jobs.due_index.due_jobs(int(self.clock())):
            swept.complete = time_left()
            if not swept.complete:
                break
            job = swept.attempt(job_id, self.jobs.get, job_id)
            if job and self._may_wait(job):
                waiting.append(job)
            elif job:
                swept.attempt(job.job_id, self._resume, job, swept, ())
        if swept.complete:
            self._resume_waiting(waiting, swept, time_left)
        telemetry.log.info(
            "sweep",
            started=len(swept.started),
            woken=len(swept.woken),
            failed=len(swept.errors),
            complete=swept.complete,
        )
        if swept.errors:
            raise ExceptionGroup("jobs that could not be resumed", swept.errors)
        return swept

    def _resume_waiting(self, waiting: Sequence[Job], swept: SweepResult, time_left: Callable[[], bool]) -> None:
        """Resumes jobs that may be postponed if their task is running."""
        for job, running in self._with_running(waiting, swept):
            swept.complete = time_left()
            if not swept.complete:
                return
            swept.attempt(job.job_id, self._resume, job, swept, running)

    def _with_running(self, waiting: Sequence[Job], swept: SweepResult) -> Iterator[tuple[Job, Collection[str]]]:
        """Each job once, with the ids of the running jobs of its group. If a batch read breaks, the remaining jobs follow."""
        left = {job.job_id: job for job in waiting}
        groups = iter(swept.attempt("batch read", self.find_running, waiting) or ())
        while group := swept.attempt("batch read", next, groups, None):
            for job in group[0]:
                yield left.pop(job.job_id), group[1]
        for job in left.values():
            yield job, ()

    def _may_wait(self, job: Job) -> bool:
        """Whether the job has one task, and there is nothing to do for it while that task is running."""
        if len(job.attempts) != 1 or not job.tasks or job.attempts[0].answered:
            return False
        if job.terminal:
            return not job.event_pending and (job.recoverable_until or 0) > self.clock()
        return self.clock() < job.deadline_at

    def _resume(self, job: Job, swept: SweepResult, running: Collection[str]) -> None:
        now = int(self.clock())
        due_at = now + self.slack_seconds
        if job.job_id in running and job.terminal:
            self.jobs.signals.postpone(job.job_id, due_at=next_recovery_at(job, now) or due_at)
        elif job.job_id in running and self.executions.state(job.job_id, job.execution) is ExecutionState.RUNNING:
            self.jobs.signals.postpone(job.job_id, due_at=due_at)
        else:
            match resume_job(self.jobs.signals, self.executions, job.job_id, job.execution, Cause.SWEEP, due_at=due_at):
                case "woken":
                    swept.woken.append(job.job_id)
                case "started":
                    swept.started.append(job.job_id)
