"""Recovery: as long as the gateway keeps its files, what was paid for can be saved after the job has ended.

A job that timed out may still succeed or fail, and a job that succeeded may still get a missing file. Both stay in the due
index and are checked at growing intervals.
"""

from __future__ import annotations

from suno_jobs.jobs.record import DAY_SECONDS, DEFAULT_LINK_DAYS, Job, JobView
from suno_jobs.jobs.states import JobState

SHORTEST_INTERVAL_SECONDS = 300
LONGEST_INTERVAL_SECONDS = 43_200


def recoverable_until(view: JobView, state: JobState, now: int) -> int | None:
    """Until when recovery continues for a job that ends as ``state``. None: nothing can be saved any more.

    If the gateway can renew links, recovery has one more day to ask for that.
    """
    job = view.job
    late = state is JobState.TIMED_OUT or (state is JobState.SUCCEEDED and job.unfinished)
    if late and job.submitted_at is not None:
        until = job.deadline_at + job.file_terms.kept_seconds
    elif state is JobState.SUCCEEDED and any(track.unsaved for track in view.tracks):
        until = links_end(view)
    else:
        return None
    if job.file_terms.renewable:
        until += DAY_SECONDS
    return until if until > now else None


def links_end(view: JobView) -> int:
    """When the last link to an unsaved file may expire."""
    unknown = view.job.created_at + int(DEFAULT_LINK_DAYS * DAY_SECONDS)
    links = [link for track in view.tracks if track.unsaved for link in track.links]
    return max((link.expires_at or unknown for link in links), default=unknown)


def files_at_risk(view: JobView) -> int:
    """How many files are lost if their links expire."""
    return sum(len(track.links) - len(track.assets) for track in view.tracks if track.unsaved)


def next_recovery_at(job: Job, now: int) -> int:
    """When recovery runs next: the longer ago the job ended, the longer the interval."""
    age = now - (job.ended_at or now)
    return now + min(max(age, SHORTEST_INTERVAL_SECONDS), LONGEST_INTERVAL_SECONDS)
