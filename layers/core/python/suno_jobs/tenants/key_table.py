"""The table of API keys: one item for each key, under its digest. The index ``tenant`` lists the keys of a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suno_jobs.errors import Conflict
from suno_jobs.jobs.identifiers import sandbox_of
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.update_expressions import Change
from suno_jobs.tenants.api_keys import ApiKey, key_hash

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class KeyTable:
    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def add(self, key: ApiKey) -> None:
        """Raises Conflict if that key exists already."""
        try:
            self._client.put_item(
                TableName=self._table, Item=pack(key.to_item()), ConditionExpression="attribute_not_exists(key_hash)"
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise Conflict("that key exists already") from error

    def find(self, secret: str) -> ApiKey | None:
        """Eventually consistent: a key that was made or revoked a moment ago may be seen as it was before."""
        answer = self._client.get_item(TableName=self._table, Key=pack({"key_hash": key_hash(secret)}))
        return ApiKey.from_item(unpack(answer["Item"])) if "Item" in answer else None

    def of_tenant(self, tenant: str) -> list[ApiKey]:
        """With the keys of its sandbox, unless it is one; the oldest first. Eventually consistent."""
        owners = {tenant, sandbox_of(tenant)}
        return sorted((key for each in owners for key in self._of(each)), key=lambda key: key.created_at)

    def _of(self, tenant: str) -> list[ApiKey]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="tenant",
            KeyConditionExpression="tenant = :tenant",
            ExpressionAttributeValues=pack({":tenant": tenant}),
        )
        return [ApiKey.from_item(unpack(item)) for page in pages for item in page["Items"]]

    def note_use(self, key: ApiKey, day: str) -> None:
        """Records the last day of use, such as ``2026-11-26``. May be repeated."""
        change = Change(sets={"last_used_on": day})
        self._change(
            key, change.require("attribute_not_exists(#last_used_on) OR #last_used_on < :day", "last_used_on", day=day)
        )

    def revoke(self, key: ApiKey, now: int) -> None:
        """May be repeated: the first time counts."""
        self._change(key, Change(sets={"revoked_at": now}).require_absent("revoked_at"))

    def expire(self, key: ApiKey, at: int) -> None:
        """Ends the key at that time, unless it ends earlier. May be repeated."""
        change = Change(sets={"expires_at": at})
        self._change(key, change.require("attribute_not_exists(#expires_at) OR #expires_at > :at", "expires_at", at=at))

    def _change(self, key: ApiKey, change: Change) -> None:
        change.require("attribute_exists(#key_hash)", "key_hash")
        try:
            self._client.update_item(TableName=self._table, Key=pack({"key_hash": key.key_hash}), **change.arguments())
        except self._client.exceptions.ConditionalCheckFailedException:
            return
