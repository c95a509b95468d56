"""Store Track: from the gateway's link to a checked file in the user's own bucket (I3, I4).

The file is downloaded to disk, checked there and only then uploaded, in one conditional request. A short or damaged body
leaves no object, and a second writer can never replace the first.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from botocore.exceptions import ClientError as AwsError

from suno_jobs.catalog.results import Link, Media, Result
from suno_jobs.errors import AssetError, AssetNotReady, AssetRefused, ErrorCode, Fault, JobNotFound
from suno_jobs.jobs.record import Asset, Job, Track, TrackState
from suno_jobs.jobs.states import JobState
from suno_jobs.media.inspection import MediaFile, inspect
from suno_jobs.network.download import Downloaded, Downloader
from suno_jobs.storage.jobs import JobStore

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.literals import StorageClassType

DOWNLOAD_SECONDS = 240
"""For all files of a track together; the function has a minute more for the last upload."""

SHORTER_SHARE = 0.05
SHORTER_SECONDS = 2.0
"""A file may be shorter than the gateway reports by this share plus these seconds: figures are rounded, silence is trimmed."""

LONGER_SHARE = 0.5
LONGER_SECONDS = 10.0
"""It may be longer by more, since then nothing was cut off. A file twice as long, however, is not the generated song."""

WAV = "wav"
"""The only asset kind that requires a certain container; other audio may have any supported one."""

DURATION = "duration-seconds"
SOURCE = "source-host"
"""Metadata of the object, for an invocation that finds it already stored."""


def asset_key(job: Job, track_id: str, kind: str, extension: str) -> str:
    return f"{job.tenant}/{job.job_id}/{track_id}/{kind}.{extension}"


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

    def store_track(self, job_id: str, track_id: str) -> TrackState:
        """Stores the files of one track; a second run changes nothing.

        An optional file never fails the track and is fetched last. The track records it as missing, and a later run fetches it
        alone, also after the end of the job. Raises AssetNotReady when the same call may succeed later; it then continues with
        the remaining files. Raises JobNotFound when there is no such track.
        """
        job, track = self._find(job_id, track_id)
        if not track.unsaved or not track.links or job.state in (JobState.FAILED, JobState.CANCELLED):
            return track.state
        ends_at = self.stopwatch() + DOWNLOAD_SECONDS
        stored = [Stored(asset, None) for asset in track.assets]
        missing: dict[str, Fault] = {}
        for link in sorted(track.links, key=lambda each: not each.required):
            if any(link.name == each.asset.kind for each in stored):
                continue
            try:
                stored.append(self._store(job, track, link, ends_at - self.stopwatch()))
            except AssetError as error:
                if link.required:
                    return self._fail(job_id, track_id, error, stored)
                missing[link.name] = error.fault
        duration = next((each.duration_seconds for each in stored if each.duration_seconds is not None), None)
        assets = [each.asset for each in stored]
        if track.state is TrackState.STORED:
            self.jobs.add_assets(job_id, track, assets, missing)
        else:
            self.jobs.store_track(job_id, track_id, assets, missing, duration)
        return TrackState.STORED

    def _fail(self, job_id: str, track_id: str, error: AssetError, stored: Sequence[Stored]) -> TrackState:
        final = isinstance(error, AssetRefused)
        self.jobs.fail_track(job_id, track_id, error.fault, [each.asset for each in stored], final=final)
        if final:
            return TrackState.FAILED
        raise error

    def _find(self, job_id: str, track_id: str) -> tuple[Job, Track]:
        view = self.jobs.view(job_id)
        for track in view.tracks if view else ():
            if view and track.track_id == track_id:
                return view.job, track
        raise JobNotFound(f"no track {track_id} of job {job_id}")

    def _store(self, job: Job, track: Track, link: Link, seconds: float) -> Stored:
        if seconds <= 0:
            raise AssetNotReady(Fault(ErrorCode.ASSET_UNAVAILABLE, "no time was left to fetch the file", retryable=True))
        with tempfile.TemporaryFile() as file:
            limit = self.max_bytes[link.media]
            past_expiry = link.expires_at is not None and self.clock() >= link.expires_at
            downloaded = self.downloader.fetch(link.url, file, max_bytes=limit, seconds=seconds, past_expiry=past_expiry)
            found = inspect(file, link.media)
            if link.media is Media.AUDIO:
                _check_audio(job, track, link, found)
            return self._put(file, asset_key(job, track.track_id, link.name, found.extension), link.name, downloaded, found)

    def _put(self, file: IO[bytes], key: str, kind: str, downloaded: Downloaded, found: MediaFile) -> Stored:
        """One PUT, so the object exists completely or not at all. S3 checks the digest before the object becomes visible."""
        stored_at = int(self.clock())
        measured = {} if found.duration_seconds is None else {DURATION: repr(found.duration_seconds)}
        try:
            self.s3.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=file,
                ContentLength=downloaded.bytes,
                ContentType=found.content_type,
                StorageClass=cast("StorageClassType", self.storage_class),
                ChecksumSHA256=base64.b64encode(bytes.fromhex(downloaded.sha256)).decode(),
                IfNoneMatch="*",
                Metadata={"sha256": downloaded.sha256, SOURCE: downloaded.host, **measured},
            )
        except AwsError as error:
            match error.response["Error"]["Code"]:
                case "PreconditionFailed":
                    return self._existing(key, kind)
                case "ConditionalRequestConflict":
                    raise AssetNotReady(Fault(ErrorCode.ASSET_UNAVAILABLE, "another invocation stores this file")) from error
            raise
        asset = Asset(
            kind=kind,
            key=key,
            content_type=found.content_type,
            bytes=downloaded.bytes,
            sha256=downloaded.sha256,
            source_host=downloaded.host,
            stored_at=stored_at,
        )
        return Stored(asset, found.duration_seconds)

    def _existing(self, key: str, kind: str) -> Stored:
        """An earlier run stored the object and died before it recorded that. The object passed the same checks and stays."""
        head = self.s3.head_object(Bucket=self.bucket, Key=key)
        metadata = head["Metadata"]
        asset = Asset(
            kind=kind,
            key=key,
            content_type=head["ContentType"],
            bytes=head["ContentLength"],
            sha256=metadata["sha256"],
            source_host=metadata.get(SOURCE),
            stored_at=int(head["LastModified"].timestamp()),
        )
        return Stored(asset, float(metadata[DURATION]) if DURATION in metadata else None)


@dataclass(frozen=True, slots=True)
class Stored:
    asset: Asset
    duration_seconds: float | None


def _check_audio(job: Job, track: Track, link: Link, found: MediaFile) -> None:
    """What the file alone cannot show: whether it is the audio that was ordered."""
    if link.name == WAV and found.extension != WAV:
        raise AssetRefused(Fault(ErrorCode.ASSET_WRONG_TYPE, f"the file is {found.content_type}, not a WAV"))
    # A stem may be silent: not every song has drums.
    if found.silent and job.expects is not Result.STEMS:
        raise AssetNotReady(Fault(ErrorCode.ASSET_SILENT, "the file contains nothing but digital silence", retryable=True))
    _check_duration(track.duration_seconds, found.duration_seconds)


def _check_duration(expected: float | None, seconds: float | None) -> None:
    """A file cut between two frames is a valid shorter song; only the duration that the gateway reports reveals it."""
    if not expected or not seconds:
        return
    message = f"the audio lasts {seconds:.1f} s, but the gateway reports {expected:.1f} s"
    if seconds < expected * (1 - SHORTER_SHARE) - SHORTER_SECONDS:
        raise AssetNotReady(Fault(ErrorCode.ASSET_TRUNCATED, message, retryable=True))
    if seconds > expected * (1 + LONGER_SHARE) + LONGER_SECONDS:
        raise AssetNotReady(Fault(ErrorCode.ASSET_WRONG_LENGTH, message, retryable=True))
