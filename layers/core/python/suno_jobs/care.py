"""What is still done for a job that has ended: as long as the gateway keeps its files, what was paid for may be saved.

A job that timed out may still succeed or fail, and a job that succeeded may still get a file that was missing. Both stay in the
due index, and are looked at in growing intervals.
"""

from __future__ import annotations

from suno_jobs.gateways import GATEWAYS
from suno_jobs.gateways.base import LinkRecovery
from suno_jobs.lifetimes import DAY_SECONDS, dies_at
from suno_jobs.models import Job, JobView
from suno_jobs.transitions import JobState

LINK_DAYS = 3.0
"""How long a job is looked after where its gateway promises nothing."""

SOONEST_SECONDS = 300
LONGEST_SECONDS = 43_200


def care_until(view: JobView, state: JobState, now: int) -> int | None:
    """Until when a job that ends as ``state`` is looked after. None: nothing can be saved any more.

    Where the gateway can renew links, there is a day more, in which it is asked to.
    """
    job = view.job
    late = state is JobState.TIMED_OUT or (state is JobState.SUCCEEDED and job.unfinished)
    if late and job.submitted_at is not None:
        until = job.deadline_at + int((GATEWAYS[job.gateway].link_days["*"] or LINK_DAYS) * DAY_SECONDS)
    elif state is JobState.SUCCEEDED and any(track.unsaved for track in view.tracks):
        until = links_end(view)
    else:
        return None
    if isinstance(GATEWAYS[job.gateway], LinkRecovery):
        until += DAY_SECONDS
    return until if until > now else None


def links_end(view: JobView) -> int:
    """When the last link of what is not saved may be dead."""
    job = view.job
    unknown = job.created_at + LINK_DAYS * DAY_SECONDS
    links = [link for track in view.tracks if track.unsaved for link in track.links]
    return int(max((dies_at(job, link) or unknown for link in links), default=unknown))


def at_risk(view: JobView) -> int:
    """How many files are lost when their links die."""
    return sum(len(track.links) - len(track.assets) for track in view.tracks if track.unsaved)


def next_care(job: Job, now: int) -> int:
    """When to look next: the older the end, the longer the interval."""
    age = now - (job.ended_at or now)
    return now + min(max(age, SOONEST_SECONDS), LONGEST_SECONDS)
