"""Ids of jobs, and names of tenants.

The sandbox of a tenant is a tenant of its own: that of ``acme`` is ``acme.test``. So nothing in it is ever seen, counted or
changed together with what is real, and nothing but its name has to be compared.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from enum import StrEnum

JOB_ID_PATTERN = "job_(?:test_)?[0-9a-z]{26}"
TENANT_RULE = "A tenant's name has 1 to 64 characters of a-z, 0-9 and -, and is neither default nor quarantine."
SHARED_ACCOUNT = "default"
"""The account of every tenant that has none of its own, at a gateway."""
SANDBOX_ACCOUNT = ".test"
"""The account of every job in test mode, at no gateway. No tenant can have this name."""
_SANDBOX_SUFFIX = ".test"
_TEST_JOB = "job_test_"
_TENANT = re.compile(r"[a-z0-9-]{1,64}")
_RESERVED = frozenset({SHARED_ACCOUNT, "quarantine"})


class Mode(StrEnum):
    """Whether a key, and each job that it creates, is real, or belongs to the sandbox of the tenant."""

    LIVE = "live"
    TEST = "test"


def sandbox_of(name: str) -> str:
    """The tenant that is the sandbox of the tenant ``name``."""
    return f"{tenant_name(name)}{_SANDBOX_SUFFIX}"


def tenant_name(tenant: str) -> str:
    """The name of a tenant, also for its sandbox: what people know, and what settings and limits are stored under."""
    return tenant.removesuffix(_SANDBOX_SUFFIX)


def mode_of(tenant: str) -> Mode:
    return Mode.TEST if tenant.endswith(_SANDBOX_SUFFIX) else Mode.LIVE


def mode_of_job(job_id: str) -> Mode:
    return Mode.TEST if job_id.startswith(_TEST_JOB) else Mode.LIVE


def may_own_jobs(tenant: object) -> bool:
    """Whether ``tenant`` follows TENANT_RULE, or is the sandbox of one that does."""
    return isinstance(tenant, str) and is_tenant_name(tenant_name(tenant))


def is_tenant_name(name: object) -> bool:
    """Whether ``name`` follows TENANT_RULE.

    It begins the keys of the tenant's files, so it must never contain a slash, and it must never be the prefix of the
    quarantine, whose files expire. It may name a gateway account of its own.
    """
    return isinstance(name, str) and _TENANT.fullmatch(name) is not None and name not in _RESERVED


def derived_job_id(tenant: str, idempotency_key: str) -> str:
    """The same tenant and key always give the same id, so the job is its own idempotency record."""
    return _job_id(tenant, hashlib.sha256(f"{tenant}\0{idempotency_key}".encode()).digest()[:16])


def random_job_id(tenant: str, now: float, random_bytes: Callable[[int], bytes]) -> str:
    """An id that sorts by time: 48 bits of milliseconds, then 80 random bits."""
    return _job_id(tenant, int(now * 1000).to_bytes(6, "big") + random_bytes(10))


def _job_id(tenant: str, sixteen_bytes: bytes) -> str:
    # base32hex keeps the order of the bytes.
    prefix = _TEST_JOB if mode_of(tenant) is Mode.TEST else "job_"
    return prefix + base64.b32hexencode(sixteen_bytes).decode().rstrip("=").lower()
