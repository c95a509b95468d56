"""From what a gateway reports to what stands in the table."""

from __future__ import annotations

from suno_jobs.gateways.base import TaskReport, TaskStatus, TaskTrack
from suno_jobs.models import Job, Track, TrackState
from suno_jobs.store import JobStore

ENDED = (TaskStatus.SUCCEEDED, TaskStatus.FAILED)

MAX_TRACKS = 64
MAX_LINKS = 32
"""No kind of task has more; a longer list is not worth an item or an event that AWS refuses."""


def record_report(jobs: JobStore, job: Job, report: TaskReport) -> None:
    """While the task runs only what is ready: other tracks may not have the names yet that they will have."""
    ended = report.status in ENDED
    for position, track in enumerate(report.tracks[:MAX_TRACKS]):
        if track.ready or ended:
            jobs.record_track(job.job_id, _track(position, track))
        if track.lyrics and ended:
            jobs.record_lyrics(job.job_id, track.track_id, track.lyrics)
    if report.result and ended:
        jobs.record_result(job.job_id, report.result)


def _track(position: int, track: TaskTrack) -> Track:
    return Track(
        track_id=track.track_id,
        position=position,
        state=TrackState.READY if track.ready else TrackState.FAILED,
        title=track.title,
        model=track.model,
        duration_seconds=track.duration_seconds,
        links=track.links[:MAX_LINKS],
        fault=track.fault,
    )
