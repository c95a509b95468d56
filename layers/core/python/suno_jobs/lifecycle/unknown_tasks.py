"""Whether a job may have a task that it does not know: as long as it may, no other tenant adopts that task."""

from __future__ import annotations

from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.identifiers import Mode
from suno_jobs.jobs.record import Job
from suno_jobs.lifecycle.link_lifetimes import file_terms
from suno_jobs.storage.deletions import UnknownTask

LONGEST_SECONDS = max(terms.kept_seconds + terms.renewal_seconds for terms in map(file_terms, GATEWAYS.values()))


def unknown_task(job: Job) -> UnknownTask | None:
    """None: nothing shows that there is one. A job in test mode has no task that can be adopted."""
    if job.mode is Mode.TEST:
        return None
    if job.unread_callbacks:
        # The callback may be of a gateway that has refused the job before, where it may have another account.
        return UnknownTask(None, None, job.deadline_at + LONGEST_SECONDS)
    return UnknownTask(job.gateway, job.account, job.tasks_kept_until) if job.lost else None
