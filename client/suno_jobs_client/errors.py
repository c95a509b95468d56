"""What a call can raise. Each error of the API carries the problem document that the service sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from suno_jobs_client.models import Job


class SunoJobsError(Exception):
    """Everything that this client raises, except for wrong arguments.

    Every error of ``submit`` and ``generate`` has the ``idempotency_key`` of the request, which may have been
    carried out: repeat the call with this key, and it never pays twice. ``job_id`` is known once the job was created.
    """

    idempotency_key: str | None = None
    job_id: str | None = None


class NoAnswer(SunoJobsError):
    """The service could not be reached, or its answer was lost. The request may have been carried out."""


class UnexpectedAnswer(SunoJobsError):
    """What answered is not the API, or an incompatible version of it. Check the address."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document (RFC 9457). API Gateway sends none: then ``name`` is empty and ``detail`` is its message."""

    name: str
    title: str
    status: int
    detail: str
    members: Mapping[str, Any] = field(default_factory=dict)


class ApiError(SunoJobsError):
    """The service answered with an error. ``retry_after`` is in seconds."""

    def __init__(self, problem: Problem, retry_after: float | None = None) -> None:
        super().__init__(": ".join(filter(None, (f"{problem.status} {problem.title}", problem.detail))))
        self.problem = problem
        self.retry_after = retry_after


class InvalidRequest(ApiError):
    """The request is not valid. ``errors`` names each wrong value and its place."""

    @property
    def errors(self) -> list[Mapping[str, Any]]:
        return list(self.problem.members.get("errors", ()))


class NotPermitted(ApiError):
    """The key is missing, unknown, revoked or expired, or lacks the scope that the request needs."""


class NotFound(ApiError):
    """There is no such job, file, key or webhook. It belongs to another tenant, or never existed."""


class Deleted(ApiError):
    """The job was deleted."""


class WrongState(ApiError):
    """The state of the job does not allow the request.

    A retry that could pay for a second song has ``charged`` and ``recoverable_until`` in ``problem.members``.
    """


class TooManyRequests(ApiError):
    """A limit is reached: of requests, or a quota of the tenant that ``problem.detail`` names."""


class ServiceFailed(ApiError):
    """The service failed. The same request may be repeated."""


class JobNotSucceeded(SunoJobsError):
    """The job has ended without success. ``job.error`` says why, ``job.charged`` whether it was paid for."""

    def __init__(self, job: Job) -> None:
        reason = f": {job.error.code}, {job.error.message}" if job.error else ""
        super().__init__(f"{job.job_id} is {job.state}{reason}")
        self.job = job


class StillRunning(SunoJobsError):
    """The job has not ended within the time that the caller gave. It goes on, and can be waited for again."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"{job.job_id} is still {job.state}")
        self.job = job


class DownloadFailed(SunoJobsError):
    """A file could not be downloaded completely. What has arrived stays, and the next download resumes it."""


class NotVerified(SunoJobsError):
    """The webhook is not from the service: its signature is wrong, it is too old, or a header is missing."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: InvalidRequest,
    401: NotPermitted,
    403: NotPermitted,
    404: NotFound,
    409: WrongState,
    410: Deleted,
    413: InvalidRequest,
    422: InvalidRequest,
    429: TooManyRequests,
}


def error_of(response: httpx.Response) -> ApiError:
    """The error that an answer stands for. An unknown status is an ``ApiError`` or a ``ServiceFailed``."""
    kind = ServiceFailed if response.status_code >= 500 else _BY_STATUS.get(response.status_code, ApiError)
    return kind(_problem_of(response), retry_after_of(response))


def retry_after_of(response: httpx.Response) -> float | None:
    """``Retry-After`` in seconds, which the service always sends as a number."""
    try:
        return max(float(response.headers["Retry-After"]), 0.0)
    except (KeyError, ValueError):
        return None


def _problem_of(response: httpx.Response) -> Problem:
    status = response.status_code
    try:
        body = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        body = None
    if not isinstance(body, dict):
        return Problem("", response.reason_phrase, status, response.text[:200])
    detail = str(body.get("detail") or body.get("message") or "")
    known = ("type", "title", "status", "detail")
    members = {name: value for name, value in body.items() if name not in known}
    name = str(body.get("type") or "").rpartition("/")[2]
    return Problem(name, str(body.get("title") or response.reason_phrase), status, detail, members)
