"""The keys of all tenants, as they are created, replaced and ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from suno_jobs.jobs.identifiers import mode_of
from suno_jobs.tenants.api_keys import ApiKey, hint, key_hash, new_key_id, new_secret
from suno_jobs.tenants.key_table import KeyTable

DAY = 24 * 3600


class NoSuchKey(LookupError):
    """The tenant has no key with that id, or the key has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """A secret is returned once and never stored."""

    table: KeyTable
    clock: Callable[[], float]
    random_bytes: Callable[[int], bytes]

    def create(self, tenant: str, name: str, scopes: Sequence[str], days: int | None = None) -> tuple[str, ApiKey]:
        """A new key, which ends after that many days, or never. A repetition creates another key."""
        secret, now = new_secret(self.random_bytes, mode_of(tenant)), int(self.clock())
        key = ApiKey(
            key_hash=key_hash(secret),
            key_id=new_key_id(self.random_bytes),
            tenant=tenant,
            name=name,
            hint=hint(secret),
            scopes=tuple(scopes),
            created_at=now,
            expires_at=None if days is None else now + days * DAY,
        )
        self.table.add(key)
        return secret, key

    def rotate(self, key: ApiKey, overlap_hours: int) -> tuple[str, ApiKey]:
        """A new key with the same name and scopes. The old key ends after the overlap. Raises NoSuchKey."""
        now = int(self.clock())
        if not key.is_valid(now):
            raise NoSuchKey(f"{key.key_id} has ended; create a new key instead")
        created = self.create(key.tenant, key.name, key.scopes)
        self.table.expire(key, now + overlap_hours * 3600)
        return created

    def revoke(self, tenant: str, key_id: str) -> None:
        """May be repeated. Raises NoSuchKey."""
        self.table.revoke(self.find(tenant, key_id), int(self.clock()))

    def find(self, tenant: str, key_id: str) -> ApiKey:
        """Raises NoSuchKey."""
        return find_key(self.table.of_tenant(tenant), key_id)


def find_key(keys: Iterable[ApiKey], key_id: str) -> ApiKey:
    """Raises NoSuchKey."""
    found = next((key for key in keys if key.key_id == key_id), None)
    if found is None:
        raise NoSuchKey(f"the tenant has no key {key_id}")
    return found
