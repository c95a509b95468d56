"""Store Track: from the gateway's link to a checked file in the user's own bucket (I3, I4).

The file is downloaded to disk, checked there and only then uploaded, in one conditional request. A damaged file leaves no asset
and is kept in quarantine (I11), and a second writer can never replace the first.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs.catalog.results import Link, Media, Result
from suno_jobs.errors import (
    AssetError,
    AssetExpired,
    AssetIdentical,
    AssetNotReady,
    AssetTooLarge,
    ErrorCode,
    Fault,
    JobNotFound,
)
from suno_jobs.jobs.record import Job, JobView, QuarantinedFile, Track, TrackState
from suno_jobs.lifecycle.asset_files import AssetFiles, Stored, asset_key
from suno_jobs.lifecycle.one_song_twice import require_earlier_songs, require_own_bytes, require_own_clip
from suno_jobs.media.content import raise_other_format
from suno_jobs.media.identity import Identity, judge_identity, named_clips
from suno_jobs.media.inspection import MediaFile, inspect
from suno_jobs.media.lengths import contradicts, is_shorter
from suno_jobs.network.download import Downloaded, Downloader
from suno_jobs.storage.deletions import DELETED, Deleted, Tombstone
from suno_jobs.storage.jobs import JobStore

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

DOWNLOAD_SECONDS = 240
"""For all files together; the function has a minute more for the last upload."""

WAV = "wav"
"""The only asset kind that requires a certain container; other audio may have any supported one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackStorer:
    """``max_bytes`` is the largest file of each medium. ``stopwatch`` counts seconds and never goes back; ``clock`` may."""

    jobs: JobStore
    s3: S3Client
    bucket: str
    downloader: Downloader
    max_bytes: Mapping[Media, int]
    storage_class: str
    clock: Callable[[], float]
    stopwatch: Callable[[], float]

    def store_tracks(self, job_id: str) -> dict[str, TrackState | Deleted]:
        """Stores the files of every track of the job that lacks one, and returns the states of these tracks. Of a deleted
        job it stores nothing.

        One track at a time, in constant memory. Each has an equal share of the time that is left, so a slow one takes none from
        the others; a further run has its whole time for what is missing. Runs after different checks begin with different
        tracks, so that none is the last one every time; but a track whose file may be that of another one comes after the
        others. Raises as ``store_track``, after all tracks were tried.
        """
        view = self.jobs.read(job_id)
        if isinstance(view, Tombstone):
            return {}
        if view is None:
            raise JobNotFound(f"no job {job_id}")
        waiting = _in_turn(view)
        ends_at = self.stopwatch() + DOWNLOAD_SECONDS
        states: dict[str, TrackState | Deleted] = {}
        failed: list[Exception] = []
        for number, track in enumerate(waiting):
            share = (ends_at - self.stopwatch()) / (len(waiting) - number)
            try:
                states[track.track_id] = self.store_track(job_id, track.track_id, share)
            except (AssetNotReady, AwsError, BotoCoreError) as error:
                failed.append(error)
        if failed:
            raise min(failed, key=_retry_rank)
        return states

    def store_track(self, job_id: str, track_id: str, seconds: float = DOWNLOAD_SECONDS) -> TrackState | Deleted:
        """Stores the files of one track; a second run changes nothing.

        An optional file never fails the track and is fetched last. The track records it as missing, and a later run fetches it
        alone, also after the end of the job. A file over the size limit is downloaded again only under a higher limit.

        Raises AssetNotReady when the same call may succeed later; it then continues with the remaining files. Raises
        JobNotFound when there is no such track. Of a deleted job, nothing is fetched.
        """
        found = self._find(job_id, track_id)
        if isinstance(found, Tombstone):
            return DELETED
        view, track = found
        if not track.unsaved or not track.links:
            return track.state
        ends_at = self.stopwatch() + seconds
        stored = [Stored(asset, None) for asset in track.assets]
        missing: dict[str, Fault] = {}
        for link in sorted(track.links, key=lambda each: not each.required):
            if any(link.name == each.asset.kind for each in stored):
                continue
            try:
                stored.append(self._store(view, track, link, ends_at - self.stopwatch()))
            except AssetError as error:
                if link.required:
                    return self._fail(job_id, track_id, error, stored)
                missing[link.name] = error.fault
        duration = next((each.duration_seconds for each in stored if each.duration_seconds is not None), None)
        assets = [each.asset for each in stored]
        if track.state is TrackState.STORED:
            self.jobs.tracks.add_assets(job_id, track, assets, missing)
        else:
            doubtful = track.duration_seconds if contradicts(duration, track.duration_seconds) else None
            identity = next((each.identity for each in stored if each.identity), None)
            marks = {"reported_seconds": doubtful, "identity": identity}
            self.jobs.tracks.store_track(job_id, track_id, assets, missing, duration, marks)
        return TrackState.STORED

    def _fail(self, job_id: str, track_id: str, error: AssetError, stored: Sequence[Stored]) -> TrackState:
        final = isinstance(error, AssetTooLarge)
        self.jobs.tracks.fail_track(job_id, track_id, error.fault, [each.asset for each in stored], final=final)
        if final:
            return TrackState.FAILED
        raise error

    def _find(self, job_id: str, track_id: str) -> tuple[JobView, Track] | Tombstone:
        view = self.jobs.read(job_id)
        if isinstance(view, Tombstone):
            return view
        for track in view.tracks if view else ():
            if view and track.track_id == track_id:
                return view, track
        raise JobNotFound(f"no track {track_id} of job {job_id}")

    def _store(self, view: JobView, track: Track, link: Link, seconds: float) -> Stored:
        if seconds <= 0:
            raise AssetNotReady(Fault(ErrorCode.ASSET_UNAVAILABLE, "no time was left to fetch the file", retryable=True))
        limit = self.max_bytes[link.media]
        known = track.fault if link.required else track.missing.get(link.name)
        if known and known.limit_bytes is not None and limit <= known.limit_bytes:
            raise AssetTooLarge(known)
        if known and known.code is ErrorCode.ASSET_IDENTICAL:
            require_earlier_songs(view, track, None, int(self.clock()))
        with tempfile.TemporaryFile() as file:
            past_expiry = link.expires_at is not None and self.clock() >= link.expires_at
            downloaded = self.downloader.fetch(link.url, file, max_bytes=limit, seconds=seconds, past_expiry=past_expiry)
            try:
                found = inspect(file, link.media)
                if link.media is Media.AUDIO:
                    _check_audio(view.job, track, link, found)
                    found = replace(found, identity=judge_identity(file, track.track_id, link.url))
                    if found.identity is Identity.MISMATCH:
                        require_own_clip(view, track, named_clips(file), int(self.clock()))
                    if found.identity is not Identity.MATCH:
                        require_own_bytes(view, track, link.name, downloaded.sha256, int(self.clock()))
                        require_earlier_songs(view, track, found.duration_seconds or 0.0, int(self.clock()))
            except AssetError as error:
                self._quarantine(view, track, link, downloaded, error.fault, file)
                raise
            key = asset_key(view.job, track.track_id, link.name, found.extension)
            return self._files().put_asset(file, key, link.name, downloaded, found)

    def _quarantine(
        self, view: JobView, track: Track, link: Link, downloaded: Downloaded, fault: Fault, file: IO[bytes]
    ) -> None:
        refused = QuarantinedFile(
            track_id=track.track_id,
            kind=link.name,
            reason=fault.code,
            message=fault.message,
            bytes=downloaded.bytes,
            sha256=downloaded.sha256,
            source_host=downloaded.host,
            stored_at=int(self.clock()),
        )
        self._files().put_quarantined(self.jobs, view, refused, file)

    def _files(self) -> AssetFiles:
        return AssetFiles(s3=self.s3, bucket=self.bucket, storage_class=self.storage_class, clock=self.clock)


def _in_turn(view: JobView) -> list[Track]:
    """The tracks that lack a file.

    The first run is in the order of the songs, since each is compared with the ones before it. Later, a song whose file may be
    that of another one comes last.
    """
    waiting = [track for track in view.tracks if track.unsaved and track.links]
    retried = all(track.fault for track in waiting)
    first = view.job.checks % max(1, len(waiting)) if retried else 0
    rotated = [*waiting[first:], *waiting[:first]]
    return sorted(rotated, key=lambda track: track.position if _may_be_of_another(track) else -1)


def _may_be_of_another(track: Track) -> bool:
    return track.fault is not None and track.fault.code is ErrorCode.ASSET_IDENTICAL


def _retry_rank(error: Exception) -> int:
    """Of several errors, the one with the lowest rank decides how the state machine repeats the state.

    A call that AWS refused is repeated more often than a download, and its file is complete. What needs time or a new link is
    not repeated at once.
    """
    if not isinstance(error, AssetNotReady):
        return 0
    return 2 if isinstance(error, AssetExpired | AssetIdentical) else 1


def _check_audio(job: Job, track: Track, link: Link, found: MediaFile) -> None:
    """What the file alone cannot show: whether it is the audio that was ordered."""
    if link.name == WAV and found.extension != WAV:
        raise_other_format(found.content_type, "a WAV")
    # A stem may be silent: not every song has drums.
    if found.silent and job.expects is not Result.STEMS:
        raise AssetNotReady(Fault(ErrorCode.ASSET_SILENT, "the file contains nothing but digital silence", retryable=True))
    # A stream may be the preview of a song that is still being generated. A final file is stored whatever length is reported.
    if link.provisional and is_shorter(found.duration_seconds, track.duration_seconds):
        message = f"the audio lasts {found.duration_seconds:.1f} s, but the gateway reports {track.duration_seconds:.1f} s"
        raise AssetNotReady(Fault(ErrorCode.ASSET_TRUNCATED, message, retryable=True))
