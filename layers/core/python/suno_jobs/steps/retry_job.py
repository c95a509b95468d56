"""Retry Job: repeats a failed job as a new job. Only a client can request it, because it costs money."""

from __future__ import annotations

from dataclasses import dataclass, replace

from suno_jobs.errors import WrongState
from suno_jobs.intake.creation import JobCreator
from suno_jobs.jobs.identifiers import derived_job_id
from suno_jobs.jobs.record import JobView
from suno_jobs.lifecycle.ownership import tenant_view


@dataclass(frozen=True, slots=True)
class JobRetrier:
    creator: JobCreator

    def retry_job(self, tenant: str, job_id: str) -> tuple[JobView, bool]:
        """The job that repeats a failed one with the same request, and whether this call created it.

        It is a separate job, so that a late result still reaches the first one. Repeating the call returns the same job.
        Raises JobNotFound and WrongState.
        """
        jobs = self.creator.jobs
        old = tenant_view(jobs, tenant, job_id).job
        new_id = derived_job_id(tenant, f"{job_id} retried")  # no client's key contains a space
        if old.retried_as is None and not jobs.mark_retried(old, new_id, now=int(self.creator.clock())):
            state = tenant_view(jobs, tenant, job_id).job.state
            raise WrongState(f"Only a job that is FAILED or TIMED_OUT can be retried; this one is {state}.")
        if known := jobs.view(new_id):
            return known, False
        item = jobs.request(job_id)
        job = self.creator.new_job(tenant, new_id, old.fingerprint, item["gateways"], old.kind)
        job = replace(job, resubmit=old.resubmit, metadata=old.metadata, retry_of=job_id)
        if self.creator.create_job(job, item):
            return JobView(job), True
        return tenant_view(jobs, tenant, new_id), False
