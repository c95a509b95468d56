"""Whether a job may have a task that it does not know: as long as it may, no other tenant adopts that task."""

from __future__ import annotations

from suno_jobs.jobs.identifiers import Mode
from suno_jobs.jobs.record import DAY_SECONDS, Job
from suno_jobs.storage.deletions import UnknownTask

LONGEST_SECONDS = 15 * DAY_SECONDS
"""For how long recovery lasts at the gateway where it lasts longest. A deletion loads no adapter, so the figure is here."""


def unknown_task(job: Job) -> UnknownTask | None:
    """None: nothing shows that there is one. A job in test mode has no task that can be adopted."""
    if job.mode is Mode.TEST:
        return None
    if job.unread_callbacks:
        # The callback may be of a gateway that has refused the job before, where it may have another account.
        return UnknownTask(None, None, job.deadline_at + LONGEST_SECONDS)
    return UnknownTask(job.gateway, job.account, job.tasks_kept_until) if job.lost else None
