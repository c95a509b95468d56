"""Two songs of a task that have the same bytes: a CDN may serve the first file for both until the second one is ready.

The second song is not stored while its own file may still arrive, since a stored file is never replaced (I3).
"""

from __future__ import annotations

from collections.abc import Collection

from suno_jobs.catalog.results import Result
from suno_jobs.errors import AssetIdentical, ErrorCode, Fault
from suno_jobs.jobs.history import Entry
from suno_jobs.jobs.record import Job, JobView, Track, TrackState
from suno_jobs.jobs.states import JobState
from suno_jobs.lifecycle.recovery import HURRY_SECONDS, recoverable_until
from suno_jobs.media import lengths

IDENTICAL_SECONDS = 300
"""How long an open job waits for the own file of its second song before it succeeds without it. Recovery goes on."""

UNKNOWN_SECONDS = 6 * 3600
"""How long a file waits for the earlier songs of its task, whose bytes it may have, if nothing shows that it is its own."""

LAST_CHANCE_SECONDS = 2 * HURRY_SECONDS
"""This long before its end, a run of recovery may be the last one."""


def require_own_bytes(view: JobView, track: Track, kind: str, sha256: str, now: int) -> None:
    """Raises AssetIdentical if an earlier song of the same task has these bytes, and there is still time.

    In the last run of recovery, any file is stored: that two songs are one is then shown (``identical_to``).
    """
    for each in _earlier_songs(view, track, now):
        if any((asset.kind, asset.sha256) == (kind, sha256) for asset in each.assets):
            raise AssetIdentical(Fault(ErrorCode.ASSET_IDENTICAL, f"the file is that of track {each.track_id}", retryable=True))


def require_own_clip(view: JobView, track: Track, named: Collection[str], now: int) -> None:
    """Raises AssetIdentical if the file names the clip of another song of the same task, and there is still time.

    ``named`` are the clips that the file names. This also holds before the other song is stored.
    """
    others = [each.track_id for each in view.tracks if each.attempt == track.attempt and each.track_id != track.track_id]
    for track_id in others:
        if track_id.lower() in named and not _is_last_chance(view, now):
            raise AssetIdentical(Fault(ErrorCode.ASSET_IDENTICAL, f"the file is that of track {track_id}", retryable=True))


def require_earlier_songs(view: JobView, track: Track, seconds: float | None, now: int) -> None:
    """Raises AssetIdentical while an earlier song of the same task is not stored: the file may have its bytes.

    ``seconds`` is the length of the file; None: it is not downloaded yet. After IDENTICAL_SECONDS, the lengths that the gateway
    reports may show that the file is its own. That is assumed if a check after UNKNOWN_SECONDS did not get the earlier song: a
    check fetches it several times, and the next attempt may get it.
    """
    since = _storing_since(view.job, now)
    waited = now - since
    for each in _earlier_songs(view, track, now) if view.job.changed_before < since + UNKNOWN_SECONDS else ():
        if each.state is not TrackState.READY:
            continue
        distinct = lengths.are_distinct(track.duration_seconds, each.duration_seconds)
        own = seconds is None or lengths.is_about(seconds, track.duration_seconds)
        if not (waited >= IDENTICAL_SECONDS and distinct and own):
            message = f"whether the file is that of track {each.track_id} is unknown until that one is stored"
            raise AssetIdentical(Fault(ErrorCode.ASSET_IDENTICAL, message, retryable=True))


def _earlier_songs(view: JobView, track: Track, now: int) -> list[Track]:
    """Those of the same task whose bytes the file of the track must not have, as long as there is time to fetch it again."""
    if view.job.expects is not Result.TRACKS or _is_last_chance(view, now):
        return []
    return [each for each in view.tracks if each.attempt == track.attempt and each.position < track.position]


def may_end_without_twins(view: JobView, now: int) -> bool:
    """Whether a job with a stored song has waited long enough: what it lacks is only songs that were another one each time."""
    lacking = [each.fault for each in view.tracks if each.state is TrackState.READY]
    if not all(fault and fault.code is ErrorCode.ASSET_IDENTICAL for fault in lacking):
        return False
    stored = any(each.state is TrackState.STORED for each in view.tracks)
    return stored and now >= _storing_since(view.job, now) + IDENTICAL_SECONDS


def _storing_since(job: Job, now: int) -> int:
    """When the first files were there. A job may have ended before."""
    entries = map(Entry.read, job.history)
    return next((entry.at for entry in entries if entry.state is JobState.STORING), job.ended_at or now)


def _is_last_chance(view: JobView, now: int) -> bool:
    """Whether this may be the last run of recovery. How long that lasts is not known before the job's end is announced."""
    job = view.job
    # After a reported failure, recovery lasts longer once a song has appeared.
    until = recoverable_until(view, job.state, now) if job.state is JobState.FAILED else job.recoverable_until
    return job.terminal and not job.event_pending and (until is None or now + LAST_CHANCE_SECONDS >= until)
