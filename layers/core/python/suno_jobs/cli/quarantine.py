"""``suno-jobs quarantine``: the files of a job that did not pass the checks, and the release of one of them."""

from __future__ import annotations

import mimetypes
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, BinaryIO

from cyclopts import App, Parameter

from suno_jobs.catalog.results import Media
from suno_jobs.cli import aws
from suno_jobs.cli.options import AsJson, AssetsBucket, JobId, JobsTable, show
from suno_jobs.cli.problems import CommandError, NotFound, WrongArgument
from suno_jobs.cli.stack import NO_STACK, StackOption
from suno_jobs.errors import AssetError, ErrorCode, Fault
from suno_jobs.jobs.record import Asset, JobView, QuarantinedFile, Track, TrackState
from suno_jobs.jobs.views import iso_time
from suno_jobs.lifecycle.asset_files import AssetFiles, Stored, asset_key, quarantine_key
from suno_jobs.media.audio import AudioFile, container
from suno_jobs.media.content import STRUCTURE_BYTES, Source
from suno_jobs.media.inspection import MediaFile, inspect
from suno_jobs.media.lengths import contradicts
from suno_jobs.network.download import Downloaded
from suno_jobs.storage.jobs import JobStore

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

RECOVERY_SECONDS = 3600
"""For how long the sweep may complete a job that had already left recovery."""

app = App(name="quarantine", help="List files that did not pass the checks, or release one.")


@app.command(name="list")
def print_files(job_id: JobId, /, *, stack: StackOption = NO_STACK, table: JobsTable = None, as_json: AsJson = False) -> None:
    """Print the files in quarantine.

    ```
    suno-jobs quarantine list job_0123456789abcdefghijklmnop --stack suno-jobs-dev
    ```
    """
    if (view := JobStore(aws.dynamodb(), stack.output("JobsTable", table)).view(job_id)) is None:
        raise NotFound(f"no job {job_id}")
    lines = listed(view) if view.quarantine else [f"No file of {job_id} is in quarantine."]
    show([asdict(file) for file in view.quarantine], lines, as_json=as_json)


@app.command(name="release")
def release_file(  # noqa: PLR0913 - the options of a command
    job_id: JobId,
    sha256: Annotated[str, Parameter(help="the SHA-256 of the file, or its beginning")],
    /,
    *,
    stack: StackOption = NO_STACK,
    table: JobsTable = None,
    bucket: AssetsBucket = None,
    extension: Annotated[str | None, Parameter(help="of a file whose content does not show its format, such as mp3")] = None,
    as_json: AsJson = False,
) -> None:
    """Make one of the files an asset of its track.

    ```
    suno-jobs quarantine release job_0123456789abcdefghijklmnop 60303ae2 --stack suno-jobs-dev
    ```
    """
    if extension is not None and not (extension.isascii() and extension.isalnum() and len(extension) <= 8):
        raise WrongArgument("--extension has 1 to 8 letters and digits")
    jobs = JobStore(aws.dynamodb(), stack.output("JobsTable", table))
    bucket = stack.output("AssetsBucket", bucket)
    released = QuarantineReleaser(jobs=jobs, s3=aws.s3(), bucket=bucket, clock=time.time).release_file(
        job_id, sha256, extension
    )
    show({"key": released}, [f"released as {released}", "The next sweep completes the job."], as_json=as_json)


def listed(view: JobView) -> Iterator[str]:
    for file in view.quarantine:
        released = f", released {iso_time(file.released_at)}" if file.released_at else ""
        yield f"{file.sha256}  {file.bytes:>12} bytes  {iso_time(file.stored_at)}{released}"
        yield f"  {file.kind} of track {file.track_id}"
        yield f"  {file.reason}: {file.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineReleaser:
    jobs: JobStore
    s3: S3Client
    bucket: str
    clock: Callable[[], float]

    def release_file(self, job_id: str, digest: str, extension: str | None) -> str:
        """Makes a refused file an asset of its track and the job due, so that the next sweep completes it. Returns the key.

        ``digest`` is the start of its SHA-256. ``extension`` replaces the format that the content shows. May be repeated.

        Raises NotFound when there is no such file, CommandError when the track already has another one of its kind (I3),
        AssetError when its format is unknown, and Conflict when the job was changed meanwhile.
        """
        view = self.jobs.view(job_id)
        if view is None:
            raise NotFound(f"no job {job_id}")
        file = _find(view, digest)
        track = next(each for each in view.tracks if each.track_id == file.track_id)
        asset = next((each for each in track.assets if each.kind == file.kind), None)
        if asset is None:
            asset = self._add(view, track, file, extension)
        if not asset.released or asset.sha256 != file.sha256:
            raise CommandError(f"track {track.track_id} has its {file.kind} already: {asset.key}")
        now = int(self.clock())
        self.jobs.tracks.mark_released(job_id, file, now=now)
        self.jobs.reopen(view.job, until=now + RECOVERY_SECONDS, now=now)
        return asset.key

    def _add(self, view: JobView, track: Track, file: QuarantinedFile, extension: str | None) -> Asset:
        """The asset that is under the regular key now. It is only recorded if it has the released bytes."""
        stored = self._copy(view, file, _media(track, file.kind), extension)
        asset = replace(stored.asset, released=True)
        if asset.sha256 == file.sha256:
            self._record(view.job.job_id, track, asset, stored.duration_seconds)
        return asset

    def _copy(self, view: JobView, file: QuarantinedFile, media: Media, extension: str | None) -> Stored:
        """From quarantine to the regular key, under the same conditions as any asset."""
        key = quarantine_key(view.job, file.track_id, file.sha256)
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"], copy)
            found = _judge(copy, media, extension)
            copy.seek(0)
            files = AssetFiles(s3=self.s3, bucket=self.bucket, storage_class="STANDARD", clock=self.clock)
            downloaded = Downloaded(file.bytes, file.sha256, None, file.source_host)
            target = asset_key(view.job, file.track_id, file.kind, found.extension)
            return files.put_asset(copy, target, file.kind, downloaded, found)

    def _record(self, job_id: str, track: Track, asset: Asset, seconds: float | None) -> None:
        present = {asset.kind, *(each.kind for each in track.assets)}
        not_yet = Fault(ErrorCode.ASSET_UNAVAILABLE, "the file was not fetched yet", retryable=True)
        missing = {
            link.name: track.missing.get(link.name, not_yet)
            for link in track.links
            if not link.required and link.name not in present
        }
        complete = track.state is TrackState.STORED or all(link.name in present for link in track.links if link.required)
        doubtful = track.duration_seconds if contradicts(seconds, track.duration_seconds) else None
        lengths = {"duration_seconds": seconds, "reported_seconds": doubtful}
        self.jobs.tracks.release_asset(job_id, track, asset, missing=missing, complete=complete, lengths=lengths)


def _find(view: JobView, digest: str) -> QuarantinedFile:
    found = [file for file in view.quarantine if digest and file.sha256.startswith(digest.lower())]
    if len(found) != 1:
        number = "several files" if found else "no file"
        raise NotFound(f"{number} of {view.job.job_id} in quarantine with a SHA-256 that begins with {digest!r}")
    return found[0]


def _media(track: Track, kind: str) -> Media:
    return next((link.media for link in track.links if link.name == kind), Media.AUDIO)


def _judge(file: BinaryIO, media: Media, extension: str | None) -> MediaFile:
    """As a file that passes the checks. Audio that does not is named by its first bytes alone. Raises AssetError."""
    if extension:
        return MediaFile(mimetypes.guess_type(f"file.{extension}")[0] or "application/octet-stream", extension, None)
    try:
        return inspect(file, media)
    except AssetError:
        if media is not Media.AUDIO:
            raise
    named = AudioFile(container(Source(file, STRUCTURE_BYTES))[0], 0.0)
    return MediaFile(named.content_type, named.extension, None)
