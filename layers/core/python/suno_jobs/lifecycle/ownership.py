"""Tenant isolation: a job is found by its own tenant only."""

from __future__ import annotations

import re

from suno_jobs.errors import JobDeleted, JobNotFound
from suno_jobs.jobs.identifiers import JOB_ID_PATTERN
from suno_jobs.jobs.record import JobView
from suno_jobs.jobs.views import iso_time
from suno_jobs.storage.deletions import Tombstone
from suno_jobs.storage.jobs import JobStore


def tenant_view(jobs: JobStore, tenant: str, job_id: str) -> JobView:
    """Raises JobNotFound, also for a job of another tenant, and JobDeleted."""
    return not_deleted(tenant_record(jobs, tenant, job_id))


def tenant_record(jobs: JobStore, tenant: str, job_id: str) -> JobView | Tombstone:
    """Raises JobNotFound, also for a job of another tenant."""
    found = jobs.read(job_id) if re.fullmatch(JOB_ID_PATTERN, job_id) else None
    owner = found.job.tenant if isinstance(found, JobView) else found and found.tenant
    if found is None or owner != tenant:
        raise JobNotFound("No job of yours has this id.")
    return found


def not_deleted(found: JobView | Tombstone) -> JobView:
    """Raises JobDeleted."""
    if isinstance(found, Tombstone):
        raise JobDeleted(f"This job was deleted at {iso_time(found.deleted_at)}. A new job needs a new Idempotency-Key.")
    return found
