"""The tenants: one item for each in the partition ``TENANTS``, under its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from suno_jobs.errors import Conflict
from suno_jobs.jobs.record import Item
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.table import Table


class Tenant(NamedTuple):
    """``created_at`` is in seconds since 1970."""

    name: str
    created_at: int


class TenantList(Table):
    def create(self, tenant: Tenant) -> None:
        """Raises Conflict if there is one with that name."""
        item = _key(tenant.name) | {"created_at": tenant.created_at}
        try:
            self._client.put_item(TableName=self._table, Item=pack(item), ConditionExpression="attribute_not_exists(pk)")
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise Conflict(f"there is a tenant {tenant.name} already") from error

    def exists(self, name: str) -> bool:
        return self._get(_key(name)) is not None

    def all(self) -> Iterator[Tenant]:
        """By name."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=pack({":pk": _key("")["pk"]}),
            ConsistentRead=True,
        )
        for page in pages:
            for item in map(unpack, page["Items"]):
                yield Tenant(item["sk"], item["created_at"])


def _key(name: str) -> Item:
    return {"pk": "TENANTS", "sk": name}
