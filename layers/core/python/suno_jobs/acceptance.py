"""Accepting a job: from a client's request to a record and an execution. Nothing is generated here."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError
from pydantic import ValidationError

from suno_jobs import telemetry
from suno_jobs.errors import Conflict, IdempotencyConflict, InvalidRequest
from suno_jobs.gateways import GATEWAYS
from suno_jobs.gateways.base import Source
from suno_jobs.models import Item, Job, JobView
from suno_jobs.requests import JobRequest
from suno_jobs.store import JobStore
from suno_jobs.transitions import JobState
from suno_jobs.vocabulary import OUR_TRACK_ID, Result
from suno_jobs.workflow import Executions

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_CREATE_ATTEMPTS = 8


def derived_job_id(tenant: str, idempotency_key: str) -> str:
    """The same tenant and key always give the same job, so that the job is its own idempotency record."""
    return _job_id(hashlib.sha256(f"{tenant}\0{idempotency_key}".encode()).digest()[:16])


def random_job_id(now: float, random_bytes: Callable[[int], bytes]) -> str:
    """Ordered by time: 48 bits of milliseconds, then 80 random bits."""
    return _job_id(int(now * 1000).to_bytes(6, "big") + random_bytes(10))


def _job_id(sixteen_bytes: bytes) -> str:
    # base32hex keeps the order of the bytes.
    return "job_" + base64.b32hexencode(sixteen_bytes).decode().rstrip("=").lower()


def fingerprint(body: Any) -> str:
    """Digest of what the client asked for; spacing and order of members do not matter."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptor:
    jobs: JobStore
    executions: Executions
    deadline_seconds: int
    slack_seconds: int
    clock: Callable[[], float]
    random_bytes: Callable[[int], bytes]

    def __call__(self, tenant: str, body: Any, idempotency_key: str | None) -> tuple[JobView, bool]:
        """The job that this request asks for, and whether this call created it.

        With an Idempotency-Key it may be repeated for ever. Without one every call makes a job. When the execution cannot be
        started the job stands all the same, and the sweep starts it. Raises InvalidRequest, IdempotencyConflict.
        """
        request = parse(body)
        if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
            raise InvalidRequest("Idempotency-Key must be 1 to 255 visible ASCII characters.")
        job = self._new_job(tenant, request, fingerprint(body), idempotency_key)
        known = self.jobs.get(job.job_id) if idempotency_key else None
        if known or not self._create(job, {"input": request.input_item(), "sources": self._sources(tenant, request)}):
            return self._existing(job), False
        telemetry.count("JobsAccepted", gateway=job.gateway)
        self._start(job.job_id)
        return JobView(job), True

    def _start(self, job_id: str) -> None:
        try:
            self.executions.start(job_id)
        except (AwsError, BotoCoreError) as error:
            telemetry.log.warning("execution not started, left to the sweep", job_id=job_id, reason=str(error))

    def _new_job(self, tenant: str, request: JobRequest, digest: str, idempotency_key: str | None) -> Job:
        now = self.clock()
        return Job(
            job_id=derived_job_id(tenant, idempotency_key) if idempotency_key else random_job_id(now, self.random_bytes),
            tenant=tenant,
            gateway=request.gateway,
            kind=request.kind,
            expects=GATEWAYS[request.gateway].kinds[request.kind].result,
            state=JobState.ACCEPTED,
            created_at=int(now),
            updated_at=int(now),
            deadline_at=int(now) + self.deadline_seconds,
            fingerprint=digest,
            metadata=request.metadata,
        )

    def _sources(self, tenant: str, request: JobRequest) -> list[Item]:
        """The gateway's own ids of the earlier results that the request refers to. Raises InvalidRequest."""
        references = request.input.references()
        field = "input.source" if len(references) < 2 else "input.sources"
        found = [_source(self.jobs.view(each.job_id), tenant, request.gateway, each.track_id) for each in references]
        errors = [{"field": field, "detail": each} for each in found if isinstance(each, str)]
        if errors:
            raise InvalidRequest("; ".join(f"{e['field']}: {e['detail']}" for e in errors), errors=errors)
        return [asdict(each) for each in found if isinstance(each, Source)]

    def _create(self, job: Job, request: Item) -> bool:
        due_at = job.created_at + self.slack_seconds
        for _ in range(_CREATE_ATTEMPTS):
            try:
                return self.jobs.create(job, request, due_at=due_at)
            except Conflict:
                if self.jobs.get(job.job_id):
                    return False
        raise Conflict("Many requests with this Idempotency-Key came at once")

    def _existing(self, job: Job) -> JobView:
        view = self.jobs.view(job.job_id)
        if view is None or view.job.tenant != job.tenant or view.job.fingerprint != job.fingerprint:
            raise IdempotencyConflict(
                "This Idempotency-Key belongs to a job with another request. Repeat that request unchanged, or use a new key."
            )
        return view


def _source(view: JobView | None, tenant: str, gateway: str, track_id: str) -> Source | str:
    """What a reference means at the gateway, or what is wrong with it."""
    if view is None or view.job.tenant != tenant:
        return "no job of yours has this job_id"
    if view.job.gateway != gateway:
        return f"that job was made by {view.job.gateway}; a job can only refer to one of the same gateway"
    songs = view.tracks if view.job.expects is Result.TRACKS else ()
    known = {track.track_id for track in songs if track.links} | {(view.result or {}).get("audio_id")}
    # Stems, converted files and songs without an id bear names of ours, which the gateway does not know.
    if track_id not in known or OUR_TRACK_ID.fullmatch(track_id):
        return "that job has no finished song with this track_id"
    return Source(view.job.task_id or "", track_id)


def parse(body: Any) -> JobRequest:
    """Raises InvalidRequest, which lists every field that is wrong."""
    try:
        request = JobRequest.parse(body)
    except ValidationError as error:
        found = [(".".join(map(str, e["loc"])) or "body", e["msg"]) for e in error.errors(include_url=False)]
    else:
        problems = GATEWAYS[request.gateway].check(request.kind, request.input)
        found = [(f"input.{field}", reason) for field, reason in problems]
        if not found:
            return request
    errors = [{"field": field, "detail": reason.removeprefix("Value error, ")} for field, reason in found]
    raise InvalidRequest("; ".join(f"{e['field']}: {e['detail']}" for e in errors), errors=errors)
