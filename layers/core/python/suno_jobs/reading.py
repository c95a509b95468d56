"""Reading a job: for its own tenant only, with links to what lies in the bucket."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from suno_jobs.errors import AssetNotFound, JobNotFound
from suno_jobs.models import JOB_ID_PATTERN, JobView, Track
from suno_jobs.store import JobStore
from suno_jobs.transitions import JobState
from suno_jobs.views import asset_file_name, error_view, etag, events_view, job_view, manifest_file_name, manifest_key

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

    def manifest_url(self, tenant: str, job_id: str) -> str:
        """Raises JobNotFound, and AssetNotFound for a job that has not succeeded."""
        job = own_view(self.jobs, tenant, job_id).job
        if job.state is not JobState.SUCCEEDED:
            raise AssetNotFound(f"A job has a manifest when it has succeeded; this one is {job.state}.")
        return self._url(manifest_key(job), manifest_file_name(job))

    def asset_url(self, tenant: str, job_id: str, track_id: str, kind: str) -> str:
        """A link to one file of a track. Raises JobNotFound, and AssetNotFound, which says what there is instead."""
        view = own_view(self.jobs, tenant, job_id)
        track = _track(view.tracks, track_id)
        for asset in track.assets:
            if asset.kind == kind:
                return self._url(asset.key, asset_file_name(asset, track, view.tracks))
        raise _no_asset(track, kind)

    def _url(self, key: str, file_name: str) -> str:
        """A link that ends soon, and saves under ``file_name``."""
        disposition = f"attachment; filename=\"{_ascii(file_name)}\"; filename*=UTF-8''{quote(file_name, safe='')}"
        return self.s3.generate_presigned_url(
            "get_object",
            Params={"Bucket": self.bucket, "Key": key, "ResponseContentDisposition": disposition},
            ExpiresIn=self.url_seconds,
        )


def _ascii(file_name: str) -> str:
    """For clients that do not know ``filename*`` (RFC 6266)."""
    return re.sub(r"[^\w .()-]", "_", file_name, flags=re.ASCII)


def _track(tracks: Sequence[Track], track_id: str) -> Track:
    for track in tracks:
        if track.track_id == track_id:
            return track
    known = [track.track_id for track in tracks]
    raise AssetNotFound(f"This job has no such track; it has: {', '.join(known) or 'none yet'}.", tracks=known)


def _no_asset(track: Track, kind: str) -> AssetNotFound:
    """Says what there is, and if something is known of what was asked for, why it is not there."""
    there = [asset.kind for asset in track.assets]
    fault = track.missing.get(kind) or track.fault
    reason = f" Why it is not: {fault.code}, {fault.message}" if fault else ""
    return AssetNotFound(
        f"This track is {track.state} and has no stored {kind}; it has: {', '.join(there) or 'none'}.{reason}",
        assets=there,
        track_state=track.state,
        error=error_view(fault),
    )
