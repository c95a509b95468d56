"""The sweep: sets jobs going again that are past their due time (I6). Two at once do no harm; one that dies costs only time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from suno_jobs import telemetry
from suno_jobs.errors import Conflict
from suno_jobs.store import JobStore
from suno_jobs.workflow import Executions, ExecutionState


@dataclass(slots=True)
class Swept:
    """What one sweep did."""

    started: list[str] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeper:
    jobs: JobStore
    executions: Executions
    slack_seconds: int
    clock: Callable[[], float]

    def __call__(self, time_left: Callable[[], bool]) -> Swept:
        """Works until nothing is due or ``time_left`` says stop; the next sweep goes on from there.

        Raises an ExceptionGroup at the end when jobs could not be settled; all others were.
        """
        swept = Swept()
        for job_id in self.jobs.due_jobs(int(self.clock())):
            if not time_left():
                swept.complete = False
                break
            try:
                self._settle(job_id, swept)
            except Exception as error:  # noqa: BLE001 - raised below: no job may starve those behind it
                error.add_note(job_id)
                swept.errors.append(error)
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

    def _settle(self, job_id: str, swept: Swept) -> None:
        """An execution that runs is woken; one that ended or never began is followed by the next of its line.

        The number is claimed before the start, so that a sweep that dies between the two leaves a name that was never used,
        and the next sweep starts exactly that.
        """
        job = self.jobs.get(job_id)
        if job is None:
            return
        now = int(self.clock())
        due_at = now + self.slack_seconds
        state = self.executions.state(job.job_id, job.execution)
        if state is ExecutionState.RUNNING:
            self.jobs.postpone(job.job_id, due_at=due_at)
            signalled = self.jobs.signal(job.job_id, now=now)
            if signalled and signalled.task_token:
                self.executions.wake(signalled.task_token)
            swept.woken.append(job.job_id)
            return
        number = job.execution + (1 if state is ExecutionState.ENDED else 0)
        try:
            self.jobs.claim_execution(job.job_id, before=job.execution, number=number, due_at=due_at)
        except Conflict:
            return
        self.executions.start(job.job_id, number)
        swept.started.append(job.job_id)
