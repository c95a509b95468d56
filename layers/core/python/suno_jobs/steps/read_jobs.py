"""Read Jobs: a job as its tenant sees it, with presigned URLs of what is stored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from suno_jobs.errors import AssetNotFound
from suno_jobs.jobs.listing import MAX_LIMIT, Listing, Position, read_listing
from suno_jobs.jobs.record import Job, JobView, Track
from suno_jobs.jobs.states import JobState
from suno_jobs.jobs.views import (
    asset_file_name,
    error_view,
    etag,
    events_view,
    job_view,
    manifest_file_name,
    manifest_key,
    summary_view,
)
from suno_jobs.lifecycle.ownership import tenant_view
from suno_jobs.runtime.conditional_requests import is_unchanged
from suno_jobs.runtime.waiting import WaitFunction
from suno_jobs.storage.job_list import JobList
from suno_jobs.storage.job_versions import version_of
from suno_jobs.storage.jobs import JobStore

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

    from suno_jobs.jobs.answers import JobEventsAnswer, JobListAnswer


MAX_FILTERED_PAGES = 5
"""A filter looks through this many pages of a hundred jobs. The next request continues there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReader:
    jobs: JobStore
    job_list: JobList
    s3: S3Client
    bucket: str
    url_seconds: int
    interval_seconds: int
    wait_function: WaitFunction

    def read_job(
        self, tenant: str, job_id: str, if_none_match: str | None, wait_seconds: int = 0
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers; 304 when nothing but URLs has changed. Raises JobNotFound, also for other tenants' jobs.

        With ``wait_seconds`` the answer waits until the job has ended, or if it is a 304, until it changes.
        """
        found = tenant_view(self.jobs, tenant, job_id)
        answer = self._answer(found, if_none_match)
        if not wait_seconds:
            return answer
        applied = {"Preference-Applied": f"wait={wait_seconds}"}
        unchanged = answer[0] == 304
        if not found.job.terminal and (unchanged or if_none_match is None):
            if not self.wait_function.wait(job_id, version_of(found.job) if unchanged else None, wait_seconds):
                return answer
            answer = self._answer(tenant_view(self.jobs, tenant, job_id), if_none_match)
        return answer[0], answer[1], answer[2] | applied

    def _answer(self, found: JobView, if_none_match: str | None) -> tuple[int, Any, dict[str, str]]:
        view = job_view(found, url=self._url)
        headers = {"ETag": etag(view)}
        if not found.job.terminal:
            headers["Retry-After"] = str(self.interval_seconds)
        if is_unchanged(if_none_match, headers["ETag"]):
            return 304, None, headers
        return 200, view, headers

    def list_jobs(self, tenant: str, query: str) -> tuple[JobListAnswer, dict[str, str]]:
        """Body and headers: the tenant's jobs, newest first. A page may have fewer jobs than its limit although more follow.

        Raises InvalidRequest.
        """
        listing = read_listing(query, tenant)
        jobs, end = self._find(tenant, listing)
        cursor = listing.cursor(tenant, end) if end else None
        link = {"Link": f'</v1/jobs?{listing.next_query(cursor)}>; rel="next"'} if cursor else {}
        return {"jobs": [summary_view(job) for job in jobs], "next": cursor}, link

    def _find(self, tenant: str, listing: Listing) -> tuple[list[Job], Position | None]:
        """The jobs of a page, and the position after which the next one begins."""
        shown: list[Job] = []
        after = listing.after
        for _ in range(MAX_FILTERED_PAGES if listing.filtered else 1):
            page, end = self.job_list.page(tenant, listing, after, MAX_LIMIT if listing.filtered else listing.limit)
            for number, job in enumerate(page, 1):
                if listing.shows(job):
                    shown.append(job)
                if len(shown) == listing.limit:
                    return shown, Position(job.created_at, job.job_id) if end or number < len(page) else None
            if end is None:
                return shown, None
            after = end
        return shown, after

    def read_events(self, tenant: str, job_id: str) -> JobEventsAnswer:
        """The history of the job, change by change. Raises JobNotFound."""
        return {"job_id": job_id, "events": events_view(tenant_view(self.jobs, tenant, job_id).job)}

    def manifest_url(self, tenant: str, job_id: str, *, head: bool = False) -> str:
        """A URL for GET, or for ``head``. Raises JobNotFound, and AssetNotFound for a job that has not succeeded."""
        job = tenant_view(self.jobs, tenant, job_id).job
        if job.state is not JobState.SUCCEEDED:
            raise AssetNotFound(f"Only a job that has succeeded has a manifest; this one is {job.state}.")
        return self._url(manifest_key(job), manifest_file_name(job), head=head)

    def asset_url(self, tenant: str, job_id: str, track_id: str, kind: str, *, head: bool = False) -> str:
        """A URL of one file of a track, for GET or for ``head``.

        Raises JobNotFound, and AssetNotFound, which names the files that there are.
        """
        view = tenant_view(self.jobs, tenant, job_id)
        track = _track(view.tracks, track_id)
        for asset in track.assets:
            if asset.kind == kind:
                return self._url(asset.key, asset_file_name(asset, track, view.tracks), head=head)
        raise _no_asset(view.job, track, kind)

    def _url(self, key: str, file_name: str, *, head: bool = False) -> str:
        """A presigned URL that expires soon; browsers save the file as ``file_name``. It is valid for GET, or for ``head``."""
        disposition = f"attachment; filename=\"{_ascii(file_name)}\"; filename*=UTF-8''{quote(file_name, safe='')}"
        parameters = {"Bucket": self.bucket, "Key": key, "ResponseContentDisposition": disposition}
        if head:
            return self.s3.generate_presigned_url("head_object", Params=parameters, ExpiresIn=self.url_seconds)
        return self.s3.generate_presigned_url("get_object", Params=parameters, ExpiresIn=self.url_seconds)


def _ascii(file_name: str) -> str:
    """For clients that do not know ``filename*`` (RFC 6266)."""
    return re.sub(r"[^\w .()-]", "_", file_name, flags=re.ASCII)


def _track(tracks: Sequence[Track], track_id: str) -> Track:
    for track in tracks:
        if track.track_id == track_id:
            return track
    known = [track.track_id for track in tracks]
    raise AssetNotFound(f"This job has no such track; it has: {', '.join(known) or 'none yet'}.", tracks=known)


def _no_asset(job: Job, track: Track, kind: str) -> AssetNotFound:
    """Names the stored files and, if known, why the requested one is missing."""
    stored = [asset.kind for asset in track.assets]
    fault = track.missing.get(kind) or track.fault
    reason = f" Reason: {fault.code}, {fault.message}" if fault else ""
    return AssetNotFound(
        f"This track is {track.state} and has no stored {kind}; it has: {', '.join(stored) or 'none'}.{reason}",
        assets=stored,
        track_state=track.state,
        error=error_view(fault, job.charged),
    )
