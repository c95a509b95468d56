"""The sweep: sets jobs going again that are past their due time (I6). Two at once do no harm; one that dies costs only time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from suno_jobs import telemetry
from suno_jobs.history import Cause
from suno_jobs.store import JobStore
from suno_jobs.workflow import Executions, take_on


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
        job = self.jobs.get(job_id)
        if job is None:
            return
        now = int(self.clock())
        match take_on(self.jobs, self.executions, job, Cause.SWEEP, now=now, due_at=now + self.slack_seconds):
            case "woken":
                swept.woken.append(job_id)
            case "started":
                swept.started.append(job_id)
