"""Doing a failed job over: explicit, because it costs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from suno_jobs.acceptance import derived_job_id
from suno_jobs.errors import WrongState
from suno_jobs.models import JobView
from suno_jobs.reading import own_view
from suno_jobs.starting import Starter


@dataclass(frozen=True, slots=True)
class Retrier:
    starter: Starter

    def __call__(self, tenant: str, job_id: str) -> tuple[JobView, bool]:
        """The job that does a failed one over, with the same request, and whether this call created it.

        It is a job of its own: whatever still comes for the first one finds that one. Repeating the call gives the same job.
        Raises JobNotFound, WrongState.
        """
        old = own_view(self.starter.jobs, tenant, job_id).job
        new_id = derived_job_id(tenant, f"{job_id} retried")  # no client's key has a space
        if old.retried_as is None and not self.starter.jobs.mark_retried(old, new_id, now=int(self.starter.clock())):
            state = own_view(self.starter.jobs, tenant, job_id).job.state
            raise WrongState(f"Only a job that is FAILED or TIMED_OUT can be retried; this one is {state}.")
        if known := self.starter.jobs.view(new_id):
            return known, False
        item = self.starter.jobs.request(job_id)
        job = self.starter.new_job(tenant, new_id, old.fingerprint, item["gateways"], old.kind)
        job = replace(job, resubmit=old.resubmit, metadata=old.metadata, retry_of=job_id)
        if self.starter.begin(job, item):
            return JobView(job), True
        return own_view(self.starter.jobs, tenant, new_id), False
