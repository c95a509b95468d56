"""Links that are no final files by what is known: streams, and hosts where other clients found a song.

They are used when the time for the final links is over, and their files have to pass the same checks as any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from suno_jobs.catalog.results import Link
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.protocol import TaskReport, TaskStatus, TaskTrack
from suno_jobs.jobs.record import Job, JobView, Track
from suno_jobs.storage.jobs import JobStore


def with_last_resort(jobs: JobStore, job: Job, report: TaskReport, *, now: int) -> TaskReport:
    """``report``, in which each track without a final link has one of its alternatives, if the job's deadline has passed.

    Each run of recovery tries the next alternative. A final link that arrives meanwhile replaces it.
    """
    lacking = [track for track in report.tracks if track.last_resort and _has_no_audio(track)]
    if now < job.deadline_at or not report.status.ended or not lacking:
        return report
    recorded = {track.track_id: track for track in (jobs.view(job.job_id) or JobView(job)).tracks}
    tracks = tuple(
        _next_alternative(track, recorded.get(track.track_id)) if track in lacking else track for track in report.tracks
    )
    if not any(track.ready for track in tracks):
        return report
    return replace(report, status=TaskStatus.SUCCEEDED, tracks=tracks, fault=None)


def _has_no_audio(track: TaskTrack) -> bool:
    return track.fault is not None and track.fault.code is ErrorCode.NO_AUDIO


def _next_alternative(track: TaskTrack, recorded: Track | None) -> TaskTrack:
    """The alternative after the one that is recorded, and the first one after the last one.

    A track with any other recorded link is not changed: that link was a final one, and it may work again.
    """
    files = [_file(links) for links in track.last_resort]
    used = recorded.links if recorded else ()
    if used and not used[0].provisional:
        return track
    following = files.index(_file(used)) + 1 if used and _file(used) in files else 0
    return replace(track, links=track.last_resort[following % len(files)], fault=None)


def _file(links: Sequence[Link]) -> str:
    """The file behind the first link. The query may contain a signature, which is another one in each reply."""
    return links[0].url.partition("?")[0]
