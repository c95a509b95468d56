"""The tenants: one item for each in the partition ``TENANTS``, under its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from suno_jobs.errors import Conflict
from suno_jobs.jobs.identifiers import tenant_name
from suno_jobs.jobs.record import Item
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.table import Table
from suno_jobs.storage.update_expressions import Change
from suno_jobs.tenants.limits import UNLIMITED, Limits

CACHED_SECONDS = 60
"""For how long a function instance uses what it has read of a tenant."""
_MOST_CACHED = 1000


class Tenant(NamedTuple):
    """``created_at`` is in seconds since 1970. ``settings`` has a map for each part of the product that has settings."""

    name: str
    created_at: int
    limits: Limits = UNLIMITED
    settings: Mapping[str, Any] = MappingProxyType({})


class TenantList(Table):
    def create(self, tenant: Tenant) -> None:
        """Raises Conflict if there is one with that name."""
        item = _key(tenant.name) | {"created_at": tenant.created_at, "limits": tenant.limits.to_item()}
        item |= {"settings": tenant.settings}
        try:
            self._client.put_item(TableName=self._table, Item=pack(item), ConditionExpression="attribute_not_exists(pk)")
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise Conflict(f"there is a tenant {tenant.name} already") from error

    def read(self, name: str) -> Tenant | None:
        item = self._get(_key(name))
        return _tenant(item) if item else None

    def set_limits(self, name: str, limits: Limits) -> None:
        """In place of all earlier limits. May be repeated. Raises Conflict if there is no such tenant."""
        self._set(name, Change(sets={"limits": limits.to_item()}))

    def set_settings(self, name: str, settings: Mapping[str, Any]) -> None:
        """In place of all earlier settings. May be repeated. Raises Conflict if there is no such tenant."""
        self._set(name, Change(sets={"settings": settings}))

    def all(self) -> Iterator[Tenant]:
        """By name."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=pack({":pk": _key("")["pk"]}),
            ConsistentRead=True,
        )
        for page in pages:
            yield from map(_tenant, map(unpack, page["Items"]))

    def _set(self, name: str, change: Change) -> None:
        self._update(_key(name), change.require("attribute_exists(#created_at)", "created_at"), "NONE")


class TenantCache:
    """What one function instance knows of tenants, at most CACHED_SECONDS old. ``clock`` is in seconds and never goes back."""

    def __init__(self, tenants: TenantList, clock: Callable[[], float]) -> None:
        self._tenants = tenants
        self._clock = clock
        self._known: dict[str, tuple[float, Tenant]] = {}

    def tenant(self, name: str) -> Tenant:
        """One that was never created has no limits and no settings. A sandbox has those of its tenant."""
        now = self._clock()
        if name not in self._known or now - self._known[name][0] >= CACHED_SECONDS:
            if len(self._known) >= _MOST_CACHED:
                self._known.clear()
            self._known[name] = now, self._tenants.read(tenant_name(name)) or Tenant(name, 0)
        return self._known[name][1]


def _tenant(item: Item) -> Tenant:
    return Tenant(item["sk"], item["created_at"], Limits.from_item(item.get("limits", {})), item.get("settings", {}))


def _key(name: str) -> Item:
    return {"pk": "TENANTS", "sk": name}
