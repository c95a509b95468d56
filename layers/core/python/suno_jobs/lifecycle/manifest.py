"""The manifest: a job's results, as a file beside its assets. It outlives the table and is part of every copy of the bucket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import ManifestNotWritten
from suno_jobs.jobs.identifiers import tenant_name
from suno_jobs.jobs.record import Item, JobView
from suno_jobs.jobs.views import Json, iso_time, job_view, manifest_key, without_queries
from suno_jobs.storage.jobs import JobStore

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

VERSION = 1
_AS_IN_THE_JOB = (
    *(
        "job_id",
        "mode",
        "gateway",
        "kind",
        "requested_model",
        "requested_gateway_model",
        "task_id",
        "created_at",
        "tracks",
        "result",
    ),
)


def manifest(view: JobView, request: Item, lyrics: Mapping[str, str], *, partial: bool) -> Json:
    """Made from the table alone, so the same records always give the same manifest. It contains no signed URL of any source."""
    job, shown = view.job, dict[str, Any](job_view(view))
    shown["tracks"] = [{**track, "lyrics": lyrics.get(track["track_id"])} for track in shown["tracks"]]
    found = {
        "version": VERSION,
        "tenant": tenant_name(job.tenant),
        **{name: shown[name] for name in _AS_IN_THE_JOB},
        "partial": partial,
        "submitted_at": None if job.submitted_at is None else iso_time(job.submitted_at),
        "request": {"input": request.get("input", {}), "metadata": shown["metadata"]},
    }
    unsigned: Json = without_queries(found)
    return unsigned


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestWriter:
    jobs: JobStore
    s3: S3Client
    bucket: str

    def write_manifest(self, view: JobView, *, partial: bool) -> None:
        """Writes the manifest of ``view``. Repeat it when assets were added. Raises ManifestNotWritten."""
        job_id = view.job.job_id
        content = manifest(view, self.jobs.request(job_id), self.jobs.tracks.lyrics(job_id), partial=partial)
        try:
            self.s3.put_object(
                Bucket=self.bucket,
                Key=manifest_key(view.job),
                Body=json.dumps(content, ensure_ascii=False, indent=2).encode(),
                ContentType="application/json",
            )
        except (AwsError, BotoCoreError) as error:
            raise ManifestNotWritten(f"the manifest of {job_id} could not be written: {error}") from error
