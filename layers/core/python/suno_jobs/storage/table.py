"""Items of the jobs table by key, and conditional writes to them. DynamoDB errors are translated here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from suno_jobs.errors import Conflict
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.update_expressions import Change

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from suno_jobs.jobs.record import Item


JOB = "JOB"
REQUEST = "JOB#REQUEST"


def key(job_id: str, sort: str) -> Item:
    return {"pk": f"JOB#{job_id}", "sk": sort}


class Table:
    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def _get(self, item_key: Item) -> Item | None:
        answer = self._client.get_item(TableName=self._table, Key=pack(item_key), ConsistentRead=True)
        return unpack(answer["Item"]) if "Item" in answer else None

    def _items(self, job_id: str, prefix: str) -> Iterator[Item]:
        """The items of a job whose sort key begins with the prefix, in its order."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=pack({":pk": key(job_id, "")["pk"], ":prefix": prefix}),
            ConsistentRead=True,
        )
        for page in pages:
            yield from map(unpack, page["Items"])

    def _unless_conflict_at(self, item_key: Item, change: Change) -> None:
        try:
            self._update(item_key, change, "NONE")
        except Conflict:
            return

    def _update(self, item_key: Item, change: Change, returned: Any) -> Item:
        try:
            answer = self._client.update_item(
                TableName=self._table, Key=pack(item_key), ReturnValues=returned, **change.arguments()
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise Conflict(f"the condition of a write to {item_key['sk']} did not hold") from error
        return unpack(answer.get("Attributes", {}))
