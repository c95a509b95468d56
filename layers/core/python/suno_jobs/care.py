"""What is still done for a job that has ended: as long as the gateway keeps its files, what was paid for may be saved.

A job that timed out may still succeed or fail, and a job that succeeded may still get a file that was missing. Both stay in the
due index, and are looked at in growing intervals.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from suno_jobs.gateways import GATEWAYS
from suno_jobs.models import Job, JobView, Track, TrackState
from suno_jobs.transitions import JobState

DAY_SECONDS = 86_400
LINK_DAYS = 3.0
"""Where a gateway promises nothing: the shortest life of a link that was seen, but for kie's documented day."""

SOONEST_SECONDS = 300
LONGEST_SECONDS = 43_200


def link_days(gateway: str, host: str = "*") -> float:
    """How long a link of this gateway to this host can be relied on."""
    known = GATEWAYS[gateway].link_days
    return known.get(host) or known.get("*") or LINK_DAYS


def unsaved(track: Track) -> bool:
    """Whether the track has a link to something that does not lie in the bucket and may still be fetched."""
    return track.state is TrackState.READY or (track.state is TrackState.STORED and bool(track.missing))


def care_until(view: JobView, state: JobState, now: int) -> int | None:
    """Until when a job that ends as ``state`` is looked after. None: nothing can be saved any more."""
    job = view.job
    if state is JobState.TIMED_OUT and job.submitted_at is not None:
        until = job.deadline_at + int(link_days(job.gateway) * DAY_SECONDS)
    elif state is JobState.SUCCEEDED and any(map(unsaved, view.tracks)):
        until = links_end(view)
    else:
        return None
    return until if until > now else None


def links_end(view: JobView) -> int:
    """When the last link of what is not saved ends, as the gateway documents it. Links are as old as the job at most."""
    job = view.job
    hosts = {urlsplit(link.url).hostname or "*" for track in view.tracks if unsaved(track) for link in track.links}
    return job.created_at + int(max(link_days(job.gateway, host) for host in hosts or {"*"}) * DAY_SECONDS)


def next_care(job: Job, now: int) -> int:
    """When to look next: the older the end, the longer the interval."""
    age = now - (job.ended_at or now)
    return now + min(max(age, SOONEST_SECONDS), LONGEST_SECONDS)
