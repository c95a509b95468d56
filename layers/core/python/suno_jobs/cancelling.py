"""Cancelling a job: from then on nobody waits for it, and nothing more is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from suno_jobs.errors import Conflict, ErrorCode, Fault, WrongState
from suno_jobs.history import Cause
from suno_jobs.models import Job, JobView
from suno_jobs.reading import own_view
from suno_jobs.store import JobStore
from suno_jobs.transitions import JobState
from suno_jobs.workflow import Executions


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceller:
    jobs: JobStore
    executions: Executions
    clock: Callable[[], float]

    def __call__(self, tenant: str, job_id: str) -> JobView:
        """Ends the job as CANCELLED, unless it has ended otherwise; repeating it changes nothing.

        The gateway knows nothing of it: what was submitted is paid for. Raises JobNotFound, WrongState.
        """
        while not (view := own_view(self.jobs, tenant, job_id)).job.terminal:
            try:
                return replace(view, job=self._cancel(view.job))
            except Conflict:
                # The job went on meanwhile: it was submitted, or has ended.
                continue
        if view.job.state is JobState.CANCELLED and view.job.event_pending:
            self._wake(job_id)
        if view.job.state is not JobState.CANCELLED:
            raise WrongState(f"Only a job that has not ended can be cancelled; this one is {view.job.state}.")
        return view

    def _cancel(self, job: Job) -> Job:
        submitted = job.submitted_at is not None
        cost = "What was submitted may be charged." if submitted else "It was not submitted, and nothing is charged."
        fault = Fault(ErrorCode.CANCELLED, f"Cancelled by the client. {cost}", retryable=True)
        now = int(self.clock())
        job = self.jobs.finish(job, JobState.CANCELLED, fault, partial=False, now=now, cause=Cause.CLIENT)
        self._wake(job.job_id)
        return job

    def _wake(self, job_id: str) -> None:
        signalled = self.jobs.signal(job_id, Cause.CLIENT, now=int(self.clock()))
        if signalled and signalled.task_token:
            self.executions.wake(signalled.task_token)
