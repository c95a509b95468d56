"""Reading a job: for its own tenant only, with links to what lies in the bucket."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suno_jobs.errors import JobNotFound
from suno_jobs.models import JOB_ID_PATTERN, Asset, JobView, Track
from suno_jobs.store import JobStore
from suno_jobs.views import etag, events_view, job_view

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


def own_view(jobs: JobStore, tenant: str, job_id: str) -> JobView:
    """Raises JobNotFound, for other tenants' jobs too."""
    found = jobs.view(job_id) if re.fullmatch(JOB_ID_PATTERN, job_id) else None
    if found is None or found.job.tenant != tenant:
        raise JobNotFound("No job of yours has this id.")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReader:
    jobs: JobStore
    s3: S3Client
    bucket: str
    url_seconds: int
    interval_seconds: int

    def __call__(self, tenant: str, job_id: str, if_none_match: str | None) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers. 304 when nothing changed but the links. Raises JobNotFound, for other tenants' jobs too."""
        found = own_view(self.jobs, tenant, job_id)
        view = job_view(found, url=self._url)
        headers = {"ETag": etag(view)}
        if not found.job.terminal:
            headers["Retry-After"] = str(self.interval_seconds)
        if if_none_match and headers["ETag"] in [tag.strip() for tag in if_none_match.split(",")]:
            return 304, None, headers
        return 200, view, headers

    def events(self, tenant: str, job_id: str) -> dict[str, Any]:
        """What became of the job, change by change. Raises JobNotFound."""
        return {"job_id": job_id, "events": events_view(own_view(self.jobs, tenant, job_id).job)}

    def _url(self, asset: Asset, track: Track) -> str:
        """A link that ends soon and saves under a name that a person can read."""
        title = re.sub(r"[^\w .()-]+", "", track.title or "", flags=re.ASCII).strip()[:60] or track.track_id
        extension = asset.key.rpartition(".")[2]
        return self.s3.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self.bucket,
                "Key": asset.key,
                "ResponseContentDisposition": f'attachment; filename="{title}.{extension}"',
            },
            ExpiresIn=self.url_seconds,
        )
