"""Accepting a job: from a client's request to a record and an execution. Nothing is generated here."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from suno_jobs.errors import IdempotencyConflict, InvalidRequest
from suno_jobs.models import JobView
from suno_jobs.orders import read_order
from suno_jobs.reading import own_view
from suno_jobs.starting import Starter

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


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
    """``auto_gateways`` are those that ``auto`` stands for, in their order; ``resubmit`` is what becomes of a submission whose
    answer was lost, for requests that do not say."""

    starter: Starter
    auto_gateways: Sequence[str]
    resubmit: bool
    random_bytes: Callable[[int], bytes]

    def __call__(self, tenant: str, body: Any, idempotency_key: str | None) -> tuple[JobView, bool]:
        """The job that this request asks for, and whether this call created it.

        With an Idempotency-Key it may be repeated for ever. Without one every call makes a job. Raises InvalidRequest,
        IdempotencyConflict.
        """
        if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
            raise InvalidRequest("Idempotency-Key must be 1 to 255 visible ASCII characters.")
        digest = fingerprint(body)
        if idempotency_key:
            job_id = derived_job_id(tenant, idempotency_key)
            if known := self.starter.jobs.view(job_id):
                return _same(known, tenant, digest), False
        else:
            job_id = random_job_id(self.starter.clock(), self.random_bytes)
        order = read_order(body, tenant, self.starter.jobs, self.auto_gateways)
        request = order.request
        resubmit = self.resubmit if request.ambiguous_submit is None else request.ambiguous_submit == "resubmit"
        job = self.starter.new_job(tenant, job_id, digest, order.gateways, request.kind)
        job = replace(job, resubmit=resubmit, metadata=request.metadata)
        if not self.starter.begin(job, order.to_item()):
            return _same(own_view(self.starter.jobs, tenant, job_id), tenant, digest), False
        return JobView(job), True


def _same(view: JobView, tenant: str, digest: str) -> JobView:
    if view.job.tenant != tenant or view.job.fingerprint != digest:
        raise IdempotencyConflict(
            "This Idempotency-Key belongs to a job with another request. Repeat that request unchanged, or use a new key."
        )
    return view
