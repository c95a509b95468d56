"""Manage Keys: a tenant creates, lists, rotates and revokes its own API keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from suno_jobs.catalog.inputs import StrictModel, check_plain_text
from suno_jobs.errors import KeyNotFound, ScopeMissing, TooManyKeys
from suno_jobs.intake.parsing import parse_body
from suno_jobs.jobs.identifiers import Mode, mode_of, sandbox_of
from suno_jobs.jobs.views import iso_time
from suno_jobs.tenants.api_keys import TENANT_SCOPES, ApiKey, Scope
from suno_jobs.tenants.key_ring import KeyRing, NoSuchKey, find_key

if TYPE_CHECKING:
    from suno_jobs.tenants.answers import KeyAnswer, KeyListAnswer, NewKeyAnswer

MAX_KEYS = 100
"""Valid keys of one tenant in one mode, so that no test key keeps live keys from being replaced. Requests at the same time may
exceed it by a few."""


def _check_scope(name: str) -> str:
    if name not in set(Scope):
        raise ValueError(f"must be one of {', '.join(Scope)}")
    return name


class KeyRequest(StrictModel):
    """``days`` is how long the key works; None means for ever. ``mode``: None means that of the key that creates it."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64), AfterValidator(check_plain_text)] = ""
    scopes: Annotated[
        list[Annotated[str, AfterValidator(_check_scope)]],
        Field(default_factory=lambda: list(TENANT_SCOPES), min_length=1, max_length=len(Scope)),
    ]
    days: Annotated[int, Field(ge=1, le=3650)] | None = None
    mode: Literal["live", "test"] | None = None


class RotationRequest(StrictModel):
    """``overlap_hours`` is how long the old key still works."""

    overlap_hours: Annotated[int, Field(ge=0, le=720)] = 24


@dataclass(frozen=True, slots=True)
class KeyManager:
    """``tenant`` and ``granted`` are those of the key of the request: no key makes another one that may do more than itself,
    and a test key sees test keys only."""

    ring: KeyRing

    def create_key(self, tenant: str, granted: Iterable[str], body: Any) -> NewKeyAnswer:
        """A repetition creates another key. Raises InvalidRequest, ScopeMissing, TooManyKeys."""
        request = parse_body(KeyRequest, body)
        _check_granted(request.scopes, granted)
        owner = _owner(tenant, request.mode)
        self._check_number(self.ring.table.of_tenant(tenant), mode_of(owner))
        return _new_view(*self.ring.create(owner, request.name, request.scopes, request.days))

    def list_keys(self, tenant: str) -> KeyListAnswer:
        return {"keys": [key_view(key) for key in self.ring.table.of_tenant(tenant)]}

    def rotate_key(self, tenant: str, granted: Iterable[str], key_id: str, body: Any) -> NewKeyAnswer:
        """A repetition creates another key. Raises InvalidRequest, KeyNotFound, ScopeMissing, TooManyKeys."""
        request = parse_body(RotationRequest, body)
        keys = self.ring.table.of_tenant(tenant)
        try:
            key = find_key(keys, key_id)
            _check_granted(key.scopes, granted)
            self._check_number(keys, key.mode)
            return _new_view(*self.ring.rotate(key, request.overlap_hours))
        except NoSuchKey as error:
            raise KeyNotFound("You have no key with this id that still works.") from error

    def revoke_key(self, tenant: str, key_id: str) -> None:
        """May be repeated. Raises KeyNotFound."""
        try:
            self.ring.revoke(tenant, key_id)
        except NoSuchKey as error:
            raise KeyNotFound("You have no key with this id.") from error

    def _check_number(self, keys: Iterable[ApiKey], mode: Mode) -> None:
        now = self.ring.clock()
        if sum(key.mode is mode and key.is_valid(now) for key in keys) >= MAX_KEYS:
            raise TooManyKeys(f"You have {MAX_KEYS} {mode} keys that work. Revoke one first.")


def key_view(key: ApiKey) -> KeyAnswer:
    return {
        "key_id": key.key_id,
        "mode": key.mode,
        "name": key.name,
        "hint": key.hint,
        "scopes": list(key.scopes),
        "created_at": iso_time(key.created_at),
        "expires_at": None if key.expires_at is None else iso_time(key.expires_at),
        "last_used_on": key.last_used_on,
        "revoked_at": None if key.revoked_at is None else iso_time(key.revoked_at),
    }


def _new_view(secret: str, key: ApiKey) -> NewKeyAnswer:
    return {**key_view(key), "key": secret}


def _owner(tenant: str, mode: str | None) -> str:
    """Whom a new key is for. ``tenant`` is that of the key that creates it. Raises ScopeMissing."""
    if mode == Mode.LIVE and mode_of(tenant) is Mode.TEST:
        raise ScopeMissing("A test key creates test keys only.")
    return sandbox_of(tenant) if mode == Mode.TEST else tenant


def _check_granted(wanted: Iterable[str], granted: Iterable[str]) -> None:
    if missing := sorted(set(wanted) - set(granted)):
        raise ScopeMissing(f"A key can only pass on the scopes that it has, and this one lacks {', '.join(missing)}.")
