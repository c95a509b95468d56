"""Recording what a gateway reports about a task."""

from __future__ import annotations

from dataclasses import replace

from suno_jobs.catalog.results import POSITIONAL_TRACK_ID
from suno_jobs.gateways.protocol import TaskReport, TaskStatus, TaskTrack
from suno_jobs.jobs.record import Job, JobView, TaskEnd, Track, TrackState
from suno_jobs.jobs.states import Progress
from suno_jobs.lifecycle.link_lifetimes import with_expiry
from suno_jobs.storage.jobs import JobStore

PROGRESS = {
    TaskStatus.PENDING: Progress.QUEUED,
    TaskStatus.TEXT_READY: Progress.TEXT,
    TaskStatus.FIRST_READY: Progress.FIRST,
}
"""The progress of a job whose task has not ended."""

MAX_TRACKS = 64
MAX_LINKS = 32
"""No kind of task has more. A longer list would exceed the size of an item or an event."""


def with_distinct_ids(jobs: JobStore, job: Job, attempt: int, report: TaskReport) -> TaskReport:
    """The report of that attempt, in which no track has the id of another attempt's track.

    A renamed track has a positional id, which no gateway knows. It gets the same one each time, since its assets are stored
    under that id (I3).
    """
    if len(job.attempts) < 2:
        return report
    owners = {track.track_id: track.attempt for track in (jobs.view(job.job_id) or JobView(job)).tracks}
    tracks = []
    for position, track in enumerate(report.tracks, 1):
        own = owners.get(track.track_id, attempt) == attempt
        if own and not (attempt and POSITIONAL_TRACK_ID.fullmatch(track.track_id)):
            tracks.append(track)
        else:
            tracks.append(replace(track, track_id=f"track-{100 * (attempt + 1) + position}"))
    return replace(report, tracks=tuple(tracks))


def answer_end(report: TaskReport) -> TaskEnd:
    """How a task ended that its gateway will report nothing else about."""
    if report.status is not TaskStatus.FAILED:
        return TaskEnd.COMPLETE
    return TaskEnd.REFUNDED if report.fault and report.fault.refunded else TaskEnd.INCOMPLETE


def record_report(jobs: JobStore, job: Job, attempt: int, report: TaskReport) -> None:
    """May be repeated. While the task is running, only ready tracks are recorded: others may not have their final ids yet."""
    ended = report.status.ended
    for position, track in enumerate(report.tracks[:MAX_TRACKS]):
        if track.ready or ended:
            jobs.tracks.record_track(job.job_id, _track(job, attempt, position, track))
        if track.lyrics and ended:
            jobs.tracks.record_lyrics(job.job_id, track.track_id, track.lyrics)
    if report.result and ended:
        jobs.tracks.record_result(job.job_id, report.result)


def _track(job: Job, attempt: int, position: int, track: TaskTrack) -> Track:
    return Track(
        track_id=track.track_id,
        attempt=attempt,
        position=position,
        state=TrackState.READY if track.ready else TrackState.FAILED,
        title=track.title,
        model=track.model,
        gateway_model=track.gateway_model,
        duration_seconds=track.duration_seconds,
        links=with_expiry(job, track.links[:MAX_LINKS]),
        fault=track.fault,
    )
