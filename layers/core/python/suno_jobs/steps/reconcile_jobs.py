"""Reconcile Jobs: the sweep, which resumes jobs past their due time (I6).

Two concurrent sweeps do no harm, and a sweep that dies only costs time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from suno_jobs.errors import ExecutionsThrottled
from suno_jobs.jobs.identifiers import Mode, mode_of_job
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.states import Cause
from suno_jobs.lifecycle.erasure import JobEraser
from suno_jobs.lifecycle.recovery import next_recovery_at
from suno_jobs.lifecycle.resuming import resume_job, wake_job
from suno_jobs.runtime import log_context, telemetry
from suno_jobs.runtime.executions import Executions, ExecutionState
from suno_jobs.storage.jobs import JobStore

Returned = TypeVar("Returned")

DESCRIBED_AT_ONCE = 50
DESCRIBED_A_SECOND = 5
"""DescribeExecution has a quota of 10 to 15 a second for the whole AWS account, and a sweep is not alone there."""

Groups = Iterable[tuple[Sequence[Job], Collection[str]]]
"""Groups of jobs, each with the ids of those whose task is certainly still running."""


@dataclass(slots=True)
class SweepResult:
    """What one sweep did that began at ``began``. ``throttled``: Step Functions describes no more executions.

    ``lag``: for how many seconds the first job was due by then. ``overdue``: how many seconds ago a job should have ended. Jobs
    in test mode count for neither.
    """

    began: float
    lag: float = 0
    overdue: float = 0
    started: list[str] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    complete: bool = True
    described: int = 0
    throttled: bool = False

    def attempt_job(self, job_id: str, action: Callable[..., Returned], *arguments: object) -> Returned | None:
        """The same for one job, whose log lines carry its id."""
        with log_context.about_job(job_id):
            return self.attempt(job_id, action, *arguments)

    def attempt(self, description: str, action: Callable[..., Returned], *arguments: object) -> Returned | None:
        """None if it failed. Its error is raised at the end of the sweep, so that no job blocks the jobs after it."""
        try:
            return action(*arguments)
        except Exception as error:  # noqa: BLE001
            telemetry.log.warning("not swept", error=type(error).__name__)
            error.add_note(description)
            self.errors.append(error)
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReconciler:
    """A job with a task token is woken directly. The execution of any other is described first, within a budget.

    ``find_running`` divides jobs into groups and reads the tasks of each group when it is asked for, as far as a gateway can
    report many tasks in one request. ``send_webhooks``, ``count_accounts`` and ``read_balances`` come after the jobs, as long
    as their argument returns True."""

    jobs: JobStore
    executions: Executions
    eraser: JobEraser
    send_webhooks: Callable[[Callable[[], bool]], None]
    find_running: Callable[[Sequence[Job]], Groups]
    count_accounts: Callable[[Callable[[], bool]], None]
    read_balances: Callable[[Callable[[], bool]], None]
    slack_seconds: int
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def reconcile_jobs(self, time_left: Callable[[], bool]) -> SweepResult:
        """Works until nothing is due or ``time_left`` returns False; the next sweep continues from there. It also does if Step
        Functions describes no more executions.

        Webhooks, and jobs that need no answer of a gateway, come first, so that a gateway in trouble delays none of them. If
        some jobs could not be resumed, raises an ExceptionGroup at the end; all others were resumed.
        """
        swept = SweepResult(self.clock())
        waiting: list[Job] = []
        unknown: list[Job] = []
        for job_id, job in self._due_jobs(swept, time_left):
            if job and self._may_wait(job):
                waiting.append(job)
            elif job and not swept.attempt_job(job.job_id, self._resume_waiting, job, swept, ()):
                unknown.append(job)
            elif job is None:
                swept.attempt_job(job_id, self._end_deletion, job_id)
        self._describe(unknown, swept, time_left)
        swept.attempt("webhooks", self.send_webhooks, time_left)
        if swept.complete:
            self._resume_unless_running(waiting, swept, time_left)
        if swept.complete:
            self.count_accounts(time_left)
            self.read_balances(time_left)
        _report(swept)
        if swept.errors:
            raise ExceptionGroup("jobs that could not be resumed", swept.errors)
        return swept

    def _due_jobs(self, swept: SweepResult, time_left: Callable[[], bool]) -> Iterator[tuple[str, Job | None]]:
        """The due jobs; None for one that is gone or cannot be read."""
        for job_id, due_at in self.jobs.due_index.due_jobs(int(self.clock())):
            live = mode_of_job(job_id) is Mode.LIVE
            if live:
                swept.lag = max(swept.lag, swept.began - due_at)
            swept.complete = time_left()
            if not swept.complete:
                return
            job = swept.attempt_job(job_id, self.jobs.get, job_id)
            if live and job and not job.terminal:
                swept.overdue = max(swept.overdue, swept.began - job.deadline_at)
            yield job_id, job

    def _end_deletion(self, job_id: str) -> None:
        """Erases what a running function has still written after the deletion. The job may also be gone from the index."""
        if tombstone := self.jobs.deletions.tombstone(job_id):
            self.eraser.erase_content(tombstone)
            self.jobs.deletions.end_deletion(tombstone, now=int(self.clock()))

    def _resume_unless_running(self, waiting: Sequence[Job], swept: SweepResult, time_left: Callable[[], bool]) -> None:
        """Resumes jobs that may be postponed if their task is running."""
        for group, running in self._with_running(waiting, swept):
            unknown: list[Job] = []
            for job in group:
                if not time_left():
                    swept.complete = False
                    return
                if not swept.attempt_job(job.job_id, self._resume_waiting, job, swept, running):
                    unknown.append(job)
            self._describe(unknown, swept, time_left, running)
            if not (swept.complete or swept.throttled):
                return

    def _with_running(self, waiting: Sequence[Job], swept: SweepResult) -> Iterator[tuple[Sequence[Job], Collection[str]]]:
        """Groups with each job once, and the ids of those that are running. If a batch read breaks, the others follow."""
        left = {job.job_id: job for job in waiting}
        groups = iter(swept.attempt("batch read", self.find_running, waiting) or ())
        while group := swept.attempt("batch read", next, groups, None):
            yield [left.pop(job.job_id) for job in group[0]], group[1]
        yield [*left.values()], ()

    def _may_wait(self, job: Job) -> bool:
        """Whether the job has one task, and there is nothing to do for it while that task is running."""
        if len(job.attempts) != 1 or not job.tasks or job.attempts[0].answered:
            return False
        if job.terminal:
            return not job.event_pending and (job.recoverable_until or 0) > self.clock()
        return self.clock() < job.deadline_at

    def _resume_waiting(self, job: Job, swept: SweepResult, running: Collection[str]) -> bool:
        """Wakes or postpones the job if that needs no description of its execution. False: it does."""
        log_context.note_job(job)
        now = int(self.clock())
        due_at = now + self.slack_seconds
        if job.job_id in running and job.terminal:
            self.jobs.signals.postpone(job.job_id, due_at=next_recovery_at(job, now) or due_at)
        elif job.job_id in running and job.task_token:
            # If the execution has died, the sweep after the end of the task wakes it in vain.
            self.jobs.signals.postpone(job.job_id, due_at=due_at)
        elif job.task_token and wake_job(self.jobs.signals, self.executions, job.job_id, Cause.SWEEP, now=now, due_at=due_at):
            swept.woken.append(job.job_id)
            telemetry.log.info("job woken")
        else:
            return False
        return True

    def _describe(
        self, unknown: Sequence[Job], swept: SweepResult, time_left: Callable[[], bool], running: Collection[str] = ()
    ) -> None:
        """Resumes jobs whose executions may have ended, as far as the budget of descriptions allows."""
        for job in unknown:
            if swept.throttled or not time_left():
                swept.complete = False
                return
            wait = swept.began + (swept.described - DESCRIBED_AT_ONCE) / DESCRIBED_A_SECOND - self.clock()
            if wait > 0:
                self.sleep(wait)
            swept.described += 1
            swept.attempt_job(job.job_id, self._resume, job, swept, running)

    def _resume(self, job: Job, swept: SweepResult, running: Collection[str]) -> None:
        log_context.note_job(job)
        due_at = int(self.clock()) + self.slack_seconds
        try:
            if job.job_id in running and self.executions.state(job.job_id, job.execution) is ExecutionState.RUNNING:
                self.jobs.signals.postpone(job.job_id, due_at=due_at)
                return
            resumed = resume_job(self.jobs.signals, self.executions, job.job_id, job.execution, Cause.SWEEP, due_at=due_at)
        except ExecutionsThrottled:
            swept.throttled, swept.complete = True, False
            return
        telemetry.log.info("job resumed", result=resumed)
        match resumed:
            case "woken":
                swept.woken.append(job.job_id)
            case "started":
                swept.started.append(job.job_id)


def _report(swept: SweepResult) -> None:
    telemetry.seconds("SweepLag", swept.lag, scope="bundle")
    telemetry.seconds("JobOverdue", swept.overdue, scope="bundle")
    telemetry.log.info(
        "sweep",
        started=len(swept.started),
        woken=len(swept.woken),
        failed=len(swept.errors),
        complete=swept.complete,
    )
