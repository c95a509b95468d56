"""Ids of jobs."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

JOB_ID_PATTERN = "job_[0-9a-z]{26}"


def derived_job_id(tenant: str, idempotency_key: str) -> str:
    """The same tenant and key always give the same id, so the job is its own idempotency record."""
    return _job_id(hashlib.sha256(f"{tenant}\0{idempotency_key}".encode()).digest()[:16])


def random_job_id(now: float, random_bytes: Callable[[int], bytes]) -> str:
    """An id that sorts by time: 48 bits of milliseconds, then 80 random bits."""
    return _job_id(int(now * 1000).to_bytes(6, "big") + random_bytes(10))


def _job_id(sixteen_bytes: bytes) -> str:
    # base32hex keeps the order of the bytes.
    return "job_" + base64.b32hexencode(sixteen_bytes).decode().rstrip("=").lower()
