"""Writing to the assets bucket: an asset once under its key (I3), and refused bytes once in quarantine (I11)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import AssetNotReady, ErrorCode, Fault
from suno_jobs.jobs.record import Asset, Job, JobView, QuarantinedFile
from suno_jobs.media.inspection import MediaFile
from suno_jobs.network.download import Downloaded
from suno_jobs.storage.jobs import JobStore

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.literals import StorageClassType

DURATION = "duration-seconds"
SOURCE = "source-host"
IDENTITY = "identity"
"""Metadata of the object, for an invocation that finds it already stored."""

QUARANTINE = "quarantine"
"""The prefix of refused bytes. No tenant may have this name. The template expires what is below it."""

QUARANTINED_PER_JOB = 16
QUARANTINED_PER_FILE = 4
SMALL_BYTES = 64 * 1024
SMALL_PER_FILE = 2
"""A server may send another error page at each download. Such pages leave room for a song."""


def asset_key(job: Job, track_id: str, kind: str, extension: str) -> str:
    return f"{job.tenant}/{job.job_id}/{track_id}/{kind}.{extension}"


def quarantine_key(job: Job, track_id: str, sha256: str) -> str:
    return f"{QUARANTINE}/{job.tenant}/{job.job_id}/{track_id}/{sha256}"


@dataclass(frozen=True, slots=True)
class Stored:
    asset: Asset
    duration_seconds: float | None
    identity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFiles:
    """Each file is one PUT, so the object exists completely or not at all. S3 checks the digest before it becomes visible."""

    s3: S3Client
    bucket: str
    storage_class: str
    clock: Callable[[], float]

    def put_asset(self, file: IO[bytes], key: str, kind: str, downloaded: Downloaded, found: MediaFile) -> Stored:
        """Stores the file, or finds the one that is stored under this key. Raises AssetNotReady during another upload."""
        stored_at = int(self.clock())
        measured = {} if found.duration_seconds is None else {DURATION: repr(found.duration_seconds)}
        measured |= {IDENTITY: found.identity} if found.identity else {}
        try:
            self.s3.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=file,
                ContentLength=downloaded.bytes,
                ContentType=found.content_type,
                StorageClass=cast("StorageClassType", self.storage_class),
                ChecksumSHA256=_checksum(downloaded.sha256),
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
        return Stored(asset, found.duration_seconds, found.identity)

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
        seconds = float(metadata[DURATION]) if DURATION in metadata else None
        return Stored(asset, seconds, metadata.get(IDENTITY))

    def put_quarantined(self, jobs: JobStore, view: JobView, refused: QuarantinedFile, file: IO[bytes]) -> None:
        """Keeps refused bytes, once per track and digest, and lists them in the job, unless there are too many."""
        if not has_room(view, refused):
            return
        try:
            self.s3.put_object(
                Bucket=self.bucket,
                Key=quarantine_key(view.job, refused.track_id, refused.sha256),
                Body=file,
                ContentLength=refused.bytes,
                ChecksumSHA256=_checksum(refused.sha256),
                IfNoneMatch="*",
            )
        except AwsError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
        # Only now, so that what is listed is in the bucket.
        jobs.tracks.record_quarantined(view.job.job_id, refused)


def has_room(view: JobView, refused: QuarantinedFile) -> bool:
    """Whether these bytes are to be kept: they are in no asset and no copy yet, and there are not too many copies."""
    copies = view.quarantine
    if any(asset.sha256 == refused.sha256 for track in view.tracks for asset in track.assets):
        return False
    if any((each.track_id, each.sha256) == (refused.track_id, refused.sha256) for each in copies):
        return False
    of_file = [each for each in copies if (each.track_id, each.kind) == (refused.track_id, refused.kind)]
    small = sum(each.bytes < SMALL_BYTES for each in of_file)
    room = len(copies) < QUARANTINED_PER_JOB and len(of_file) < QUARANTINED_PER_FILE
    return room and (refused.bytes >= SMALL_BYTES or small < SMALL_PER_FILE)


def _checksum(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()
