"""Store Track: from the gateway's link to a checked file in the user's own bucket (I3, I4).

The file is fetched to disk, measured there and only then put, in one conditional request: a short or broken body leaves no
object, and a second writer can never replace the first.
"""

from __future__ import annotations

import base64
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from botocore.exceptions import ClientError as AwsError

from suno_jobs.audio import AudioFile, inspect
from suno_jobs.download import Downloaded, Downloader
from suno_jobs.errors import AssetError, AssetNotReady, AssetRefused, ErrorCode, Fault, JobNotFound
from suno_jobs.models import Asset, Job, Track, TrackState
from suno_jobs.store import JobStore

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

AUDIO = "audio"
DOWNLOAD_SECONDS = 240
"""Cap for one download; the function has a minute more for the upload."""

SHORTER_SHARE = 0.05
SHORTER_SECONDS = 2.0
"""A file may be shorter than the gateway says by this share and these seconds: figures are rounded, and silence is trimmed."""


def asset_key(job: Job, track_id: str, kind: str, extension: str) -> str:
    return f"{job.tenant}/{job.job_id}/{track_id}/{kind}.{extension}"


def _check_duration(track: Track, audio: AudioFile) -> None:
    """A file that was cut between two frames is a valid shorter song; only the gateway's own figure tells."""
    expected = track.duration_seconds or 0.0
    if audio.duration_seconds < expected * (1 - SHORTER_SHARE) - SHORTER_SECONDS:
        message = f"the audio lasts {audio.duration_seconds:.1f} s, and the gateway says {expected:.1f} s"
        raise AssetNotReady(Fault(ErrorCode.ASSET_TRUNCATED, message, retryable=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackStorer:
    jobs: JobStore
    s3: S3Client
    bucket: str
    downloader: Downloader
    max_bytes: int

    def __call__(self, job_id: str, track_id: str) -> TrackState:
        """Stores the audio of one track; a second run changes nothing.

        Raises AssetNotReady when the same call may succeed later, JobNotFound when there is no such track.
        """
        job, track = self._find(job_id, track_id)
        if track.state is TrackState.STORED or job.terminal or not track.source_url:
            return track.state
        try:
            asset, duration = self._store(job, track, track.source_url)
        except AssetError as error:
            final = isinstance(error, AssetRefused)
            self.jobs.fail_track(job_id, track_id, error.fault, final=final)
            if final:
                return TrackState.FAILED
            raise
        self.jobs.store_track(job_id, track_id, asset, duration)
        return TrackState.STORED

    def _find(self, job_id: str, track_id: str) -> tuple[Job, Track]:
        view = self.jobs.view(job_id)
        for track in view[1] if view else ():
            if view and track.track_id == track_id:
                return view[0], track
        raise JobNotFound(f"no track {track_id} of job {job_id}")

    def _store(self, job: Job, track: Track, url: str) -> tuple[Asset, float]:
        """The asset and its duration in seconds, as measured in the file that lies in the bucket."""
        with tempfile.TemporaryFile() as file:
            downloaded = self.downloader.fetch(url, file, max_bytes=self.max_bytes, seconds=DOWNLOAD_SECONDS)
            file.seek(0)
            audio = inspect(file)
            _check_duration(track, audio)
            file.seek(0)
            key = asset_key(job, track.track_id, AUDIO, audio.extension)
            return self._put(file, key, downloaded, audio)

    def _put(self, file: IO[bytes], key: str, downloaded: Downloaded, audio: AudioFile) -> tuple[Asset, float]:
        """One PUT, so that the object is there whole or not at all; S3 checks the digest before it shows the object."""
        try:
            self.s3.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=file,
                ContentLength=downloaded.bytes,
                ContentType=audio.content_type,
                ChecksumSHA256=base64.b64encode(bytes.fromhex(downloaded.sha256)).decode(),
                IfNoneMatch="*",
                Metadata={"sha256": downloaded.sha256, "duration-seconds": repr(audio.duration_seconds)},
            )
        except AwsError as error:
            match error.response["Error"]["Code"]:
                case "PreconditionFailed":
                    return self._existing(key)
                case "ConditionalRequestConflict":
                    raise AssetNotReady(Fault(ErrorCode.ASSET_UNAVAILABLE, "another writer stores this track")) from error
            raise
        asset = Asset(kind=AUDIO, key=key, content_type=audio.content_type, bytes=downloaded.bytes, sha256=downloaded.sha256)
        return asset, audio.duration_seconds

    def _existing(self, key: str) -> tuple[Asset, float]:
        """An earlier run put the object and died before it said so. What lies there stays, and passed the same gate."""
        head = self.s3.head_object(Bucket=self.bucket, Key=key)
        asset = Asset(
            kind=AUDIO,
            key=key,
            content_type=head["ContentType"],
            bytes=head["ContentLength"],
            sha256=head["Metadata"]["sha256"],
        )
        return asset, float(head["Metadata"]["duration-seconds"])
