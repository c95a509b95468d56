"""Recording what a gateway reports about a task."""

from __future__ import annotations

from suno_jobs.gateways.protocol import TaskReport, TaskTrack
from suno_jobs.jobs.record import Job, Track, TrackState
from suno_jobs.lifecycle.link_lifetimes import with_expiry
from suno_jobs.storage.jobs import JobStore

MAX_TRACKS = 64
MAX_LINKS = 32
"""No kind of task has more. A longer list would exceed the size of an item or an event."""


def record_report(jobs: JobStore, job: Job, report: TaskReport) -> None:
    """May be repeated. While the task is running, only ready tracks are recorded: others may not have their final ids yet."""
    ended = report.status.ended
    for position, track in enumerate(report.tracks[:MAX_TRACKS]):
        if track.ready or ended:
            jobs.record_track(job.job_id, _track(job, position, track))
        if track.lyrics and ended:
            jobs.record_lyrics(job.job_id, track.track_id, track.lyrics)
    if report.result and ended:
        jobs.record_result(job.job_id, report.result)


def _track(job: Job, position: int, track: TaskTrack) -> Track:
    return Track(
        track_id=track.track_id,
        position=position,
        state=TrackState.READY if track.ready else TrackState.FAILED,
        title=track.title,
        model=track.model,
        duration_seconds=track.duration_seconds,
        links=with_expiry(job, track.links[:MAX_LINKS]),
        fault=track.fault,
    )
