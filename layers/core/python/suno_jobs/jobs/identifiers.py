"""Ids of jobs, and names of tenants."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable

JOB_ID_PATTERN = "job_[0-9a-z]{26}"
TENANT_RULE = "A tenant's name has 1 to 64 characters of a-z, 0-9 and -, and is neither default nor quarantine."
SHARED_ACCOUNT = "default"
"""The account of every tenant that has none of its own, at a gateway."""
_TENANT = re.compile(r"[a-z0-9-]{1,64}")
_RESERVED = frozenset({SHARED_ACCOUNT, "quarantine"})


def is_tenant_name(name: object) -> bool:
    """Whether ``name`` follows TENANT_RULE.

    It begins the keys of the tenant's files, so it must never contain a slash, and it must never be the prefix of the
    quarantine, whose files expire. It may name a gateway account of its own.
    """
    return isinstance(name, str) and _TENANT.fullmatch(name) is not None and name not in _RESERVED


def derived_job_id(tenant: str, idempotency_key: str) -> str:
    """The same tenant and key always give the same id, so the job is its own idempotency record."""
    return _job_id(hashlib.sha256(f"{tenant}\0{idempotency_key}".encode()).digest()[:16])


def random_job_id(now: float, random_bytes: Callable[[int], bytes]) -> str:
    """An id that sorts by time: 48 bits of milliseconds, then 80 random bits."""
    return _job_id(int(now * 1000).to_bytes(6, "big") + random_bytes(10))


def _job_id(sixteen_bytes: bytes) -> str:
    # base32hex keeps the order of the bytes.
    return "job_" + base64.b32hexencode(sixteen_bytes).decode().rstrip("=").lower()
