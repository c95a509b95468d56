"""Jobs that a later version of the code wrote, during an update or after one was taken back."""

from __future__ import annotations

from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.states import LEGAL


def is_known(job: Job) -> bool:
    """Whether this version knows what to do with the job."""
    gateway = GATEWAYS.get(job.gateway)
    return job.state in LEGAL and gateway is not None and job.kind in gateway.kinds
