"""An API key: how it looks, what it may do, and for how long.

A key is ``sj_live_`` or, for the sandbox of its tenant, ``sj_test_``, then 31 characters and a checksum of 6, all of
``0-9 A-Z a-z``. Scanners for leaked secrets find it by its prefix, and reject what only looks like one by its checksum, as the
authorizer does without a read.
"""

from __future__ import annotations

import hashlib
import re
import string
import zlib
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from suno_jobs.jobs.identifiers import Mode, mode_of

PREFIXES = {Mode.LIVE: "sj_live_", Mode.TEST: "sj_test_"}
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_BYTES, _RANDOM_DIGITS, _CHECK_DIGITS = 23, 31, 6
_KEY = re.compile(rf"sj_(?:live|test)_[0-9A-Za-z]{{{_RANDOM_DIGITS + _CHECK_DIGITS}}}")
_HINT_LENGTH = len("sj_live_") + 4
KEY_ID_PATTERN = "key_[0-9a-v]{16}"


class Scope(StrEnum):
    """What a key may be used for."""

    READ_JOBS = "jobs:read"
    WRITE_JOBS = "jobs:write"
    MANAGE_WEBHOOKS = "webhooks"
    MANAGE_KEYS = "keys"
    OPERATE = "operate"


TENANT_SCOPES = (Scope.READ_JOBS, Scope.WRITE_JOBS)
"""What a key may do unless it was made for something else."""


class ApiKey(NamedTuple):
    """What is stored of a key: its digest, never the key itself.

    ``tenant`` may be the sandbox of a tenant. ``hint`` is its beginning, by which a person recognises it. ``scopes`` may
    contain names that this version does not know: a newer one has written them. Times are in seconds since 1970.
    """

    key_hash: str
    key_id: str
    tenant: str
    name: str
    hint: str
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int | None = None
    last_used_on: str | None = None
    revoked_at: int | None = None

    @property
    def mode(self) -> Mode:
        return mode_of(self.tenant)

    def is_valid(self, now: float) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def to_item(self) -> dict[str, Any]:
        known = {**self._asdict(), "scopes": list(self.scopes)}
        return {name: value for name, value in known.items() if value is not None}

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> ApiKey:
        known = {name: item.get(name) for name in cls._fields}
        return cls(**{**known, "scopes": tuple(item.get("scopes", ()))})  # type: ignore[arg-type]


def new_secret(random_bytes: Callable[[int], bytes], mode: Mode = Mode.LIVE) -> str:
    """A key of 184 random bits."""
    start = PREFIXES[mode] + _base62(int.from_bytes(random_bytes(_RANDOM_BYTES)), _RANDOM_DIGITS)
    return start + _checksum(start)


def new_key_id(random_bytes: Callable[[int], bytes]) -> str:
    number, digits = int.from_bytes(random_bytes(10)), "0123456789abcdefghijklmnopqrstuv"
    return "key_" + "".join(digits[(number >> shift) & 31] for shift in range(75, -1, -5))


def hint(secret: str) -> str:
    return secret[:_HINT_LENGTH]


def mode_of_key(secret: str) -> Mode:
    return Mode.TEST if secret.startswith(PREFIXES[Mode.TEST]) else Mode.LIVE


def is_well_formed(secret: str) -> bool:
    return _KEY.fullmatch(secret) is not None and _checksum(secret[:-_CHECK_DIGITS]) == secret[-_CHECK_DIGITS:]


def key_hash(secret: str) -> str:
    """SHA-256 in hex. No salt and no slow function: a key is 184 random bits, not a chosen password."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(start: str) -> str:
    return _base62(zlib.crc32(start.encode()), _CHECK_DIGITS)


def _base62(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits
