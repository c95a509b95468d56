"""Cancel Job: ends a job at its client's request. Afterwards nothing is submitted; recovery stores a song that was paid for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from suno_jobs.errors import Conflict, ErrorCode, Fault, WrongState
from suno_jobs.jobs.record import Job, JobView
from suno_jobs.jobs.states import Cause, Charged, JobState
from suno_jobs.lifecycle.ownership import tenant_view
from suno_jobs.runtime.executions import Executions
from suno_jobs.storage.jobs import JobStore


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCanceller:
    jobs: JobStore
    executions: Executions
    clock: Callable[[], float]

    def cancel_job(self, tenant: str, job_id: str) -> JobView:
        """Ends the job as CANCELLED unless it has already ended. A repetition changes nothing.

        The gateway is not informed, so a submitted task may be charged. Raises JobNotFound and WrongState.
        """
        while not (view := tenant_view(self.jobs, tenant, job_id)).job.terminal:
            try:
                return replace(view, job=self._cancel(view.job))
            except Conflict:
                # The job changed meanwhile: it was submitted, or it has ended.
                continue
        if view.job.state is JobState.CANCELLED and view.job.event_pending:
            self._wake(job_id)
        if view.job.state is not JobState.CANCELLED:
            raise WrongState(f"Only a job that has not ended can be cancelled; this one is {view.job.state}.")
        return view

    def _cancel(self, job: Job) -> Job:
        submitted = job.submitted_at is not None or job.charged is not Charged.NO
        cost = "It was submitted and may be charged." if submitted else "It was not submitted, and nothing is charged."
        fault = Fault(ErrorCode.CANCELLED, f"Cancelled by the client. {cost}", retryable=True)
        now = int(self.clock())
        job = self.jobs.finish(job, JobState.CANCELLED, fault, now=now, cause=Cause.CLIENT)
        self._wake(job.job_id)
        return job

    def _wake(self, job_id: str) -> None:
        signalled = self.jobs.signals.signal(job_id, Cause.CLIENT)
        if signalled and signalled.task_token:
            self.executions.wake(signalled.task_token)
