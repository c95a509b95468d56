"""Reconcile Jobs: the sweep, which resumes jobs past their due time (I6).

Two concurrent sweeps do no harm, and a sweep that dies only costs time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from suno_jobs.jobs.record import Job
from suno_jobs.jobs.states import Cause
from suno_jobs.lifecycle.recovery import next_recovery_at
from suno_jobs.lifecycle.resuming import resume_job
from suno_jobs.runtime import telemetry
from suno_jobs.runtime.executions import Executions, ExecutionState
from suno_jobs.storage.jobs import JobStore

Returned = TypeVar("Returned")

BATCH = 50
"""How many jobs are read from the table before their tasks are read in batches."""


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
    """``find_running`` returns the ids of the jobs whose task is certainly still running, as far as a batch read shows it."""

    jobs: JobStore
    executions: Executions
    find_running: Callable[[Sequence[Job]], Collection[str]]
    slack_seconds: int
    clock: Callable[[], float]

    def reconcile_jobs(self, time_left: Callable[[], bool]) -> SweepResult:
        """Works until nothing is due or ``time_left`` returns False; the next sweep continues from there.

        If some jobs could not be resumed, raises an ExceptionGroup at the end; all others were resumed.
        """
        swept = SweepResult()
        due = self.jobs.due_jobs(int(self.clock()))
        while swept.complete and (job_ids := list(islice(due, BATCH))):
            self._resume_batch(job_ids, swept, time_left)
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

    def _resume_batch(self, job_ids: Sequence[str], swept: SweepResult, time_left: Callable[[], bool]) -> None:
        jobs = [job for job_id in job_ids if (job := swept.attempt(job_id, self.jobs.get, job_id))]
        waiting = [job for job in jobs if self._may_wait(job)]
        running = swept.attempt("batch read", self.find_running, waiting) or ()
        for job in jobs:
            if not time_left():
                swept.complete = False
                return
            swept.attempt(job.job_id, self._resume, job, swept, running)

    def _may_wait(self, job: Job) -> bool:
        """Whether there is nothing to do for the job while its task is running."""
        if job.terminal:
            return not job.event_pending and (job.recoverable_until or 0) > self.clock()
        return self.clock() < job.deadline_at

    def _resume(self, job: Job, swept: SweepResult, running: Collection[str]) -> None:
        now = int(self.clock())
        due_at = now + self.slack_seconds
        if job.job_id in running and job.terminal:
            self.jobs.postpone(job.job_id, due_at=next_recovery_at(job, now))
        elif job.job_id in running and self.executions.state(job.job_id, job.execution) is ExecutionState.RUNNING:
            self.jobs.postpone(job.job_id, due_at=due_at)
        else:
            match resume_job(self.jobs, self.executions, job.job_id, job.execution, Cause.SWEEP, now=now, due_at=due_at):
                case "woken":
                    swept.woken.append(job.job_id)
                case "started":
                    swept.started.append(job.job_id)
