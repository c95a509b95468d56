"""Tenant isolation: a job is found by its own tenant only."""

from __future__ import annotations

import re

from suno_jobs.errors import JobNotFound
from suno_jobs.jobs.identifiers import JOB_ID_PATTERN
from suno_jobs.jobs.record import JobView
from suno_jobs.storage.jobs import JobStore


def tenant_view(jobs: JobStore, tenant: str, job_id: str) -> JobView:
    """Raises JobNotFound, also for a job of another tenant."""
    found = jobs.view(job_id) if re.fullmatch(JOB_ID_PATTERN, job_id) else None
    if found is None or found.job.tenant != tenant:
        raise JobNotFound("No job of yours has this id.")
    return found
