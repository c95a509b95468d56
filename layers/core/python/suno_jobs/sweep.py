"""The sweep: sets jobs going again that are past their due time (I6). Two at once do no harm; one that dies costs only time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from suno_jobs import telemetry
from suno_jobs.care import next_care
from suno_jobs.history import Cause
from suno_jobs.models import Job
from suno_jobs.store import JobStore
from suno_jobs.workflow import Executions, ExecutionState, take_on

Made = TypeVar("Made")

AT_ONCE = 50
"""So many jobs are read before their tasks are asked for together."""


@dataclass(slots=True)
class Swept:
    """What one sweep did."""

    started: list[str] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    complete: bool = True

    def attempt(self, note: str, act: Callable[..., Made], *given: object) -> Made | None:
        """None when it failed. What fails is raised in the end: nothing may starve what comes behind it."""
        try:
            return act(*given)
        except Exception as error:  # noqa: BLE001
            error.add_note(note)
            self.errors.append(error)
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeper:
    """``still_running`` says of which jobs the task certainly still runs, as far as that can be asked of many at once."""

    jobs: JobStore
    executions: Executions
    still_running: Callable[[Sequence[Job]], Collection[str]]
    slack_seconds: int
    clock: Callable[[], float]

    def __call__(self, time_left: Callable[[], bool]) -> Swept:
        """Works until nothing is due or ``time_left`` says stop; the next sweep goes on from there.

        Raises an ExceptionGroup at the end when jobs could not be settled; all others were.
        """
        swept = Swept()
        due = self.jobs.due_jobs(int(self.clock()))
        while swept.complete and (job_ids := list(islice(due, AT_ONCE))):
            self._settle_together(job_ids, swept, time_left)
        telemetry.log.info(
            "sweep",
            started=len(swept.started),
            woken=len(swept.woken),
            failed=len(swept.errors),
            complete=swept.complete,
        )
        if swept.errors:
            raise ExceptionGroup("jobs that could not be settled", swept.errors)
        return swept

    def _settle_together(self, job_ids: Sequence[str], swept: Swept, time_left: Callable[[], bool]) -> None:
        jobs = [job for job_id in job_ids if (job := swept.attempt(job_id, self.jobs.get, job_id))]
        resting = [job for job in jobs if self._may_rest(job)]
        running = swept.attempt("tasks read together", self.still_running, resting) or ()
        for job in jobs:
            if not time_left():
                swept.complete = False
                return
            swept.attempt(job.job_id, self._settle, job, swept, running)

    def _may_rest(self, job: Job) -> bool:
        """Whether there is nothing to do for the job as long as its task runs."""
        if job.terminal:
            return not job.event_pending and (job.care_until or 0) > self.clock()
        return self.clock() < job.deadline_at

    def _settle(self, job: Job, swept: Swept, running: Collection[str]) -> None:
        now = int(self.clock())
        due_at = now + self.slack_seconds
        if job.job_id in running and job.terminal:
            self.jobs.postpone(job.job_id, due_at=next_care(job, now))
        elif job.job_id in running and self.executions.state(job.job_id, job.execution) is ExecutionState.RUNNING:
            self.jobs.postpone(job.job_id, due_at=due_at)
        else:
            match take_on(self.jobs, self.executions, job, Cause.SWEEP, now=now, due_at=due_at):
                case "woken":
                    swept.woken.append(job.job_id)
                case "started":
                    swept.started.append(job.job_id)
