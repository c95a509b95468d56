"""Items of the jobs table by key, and conditional writes to them. DynamoDB errors are translated here and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from random import SystemRandom
from typing import TYPE_CHECKING, Any, TypeVar

from suno_jobs.errors import Conflict
from suno_jobs.runtime.contention import Contended
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.update_expressions import Change

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from suno_jobs.jobs.record import Item


CONTENDED_ATTEMPTS = 10
FIRST_PAUSE, LONGEST_PAUSE = 0.004, 0.064

Pause = Callable[[int], None]
"""Waits before a repetition; the first one has the number 0."""

Answer = TypeVar("Answer")

JOB = "JOB"
REQUEST = "JOB#REQUEST"


def jittered(sleep: Callable[[float], None], random: Callable[[], float]) -> Pause:
    """Milliseconds, at random: without jitter, writes that met once would meet again. All of them take 0.4 s at most."""
    return lambda number: sleep(random() * min(LONGEST_PAUSE, FIRST_PAUSE * 2**number))


PAUSE = jittered(time.sleep, SystemRandom().random)
"""Instances that are restored from one snapshot share the state of every other source of randomness."""


def key(job_id: str, sort: str) -> Item:
    return {"pk": f"JOB#{job_id}", "sk": sort}


class Table:
    def __init__(self, client: DynamoDBClient, table: str, pause: Pause | None = None) -> None:
        self._client = client
        self._table = table
        self._pause = pause or PAUSE

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
        arguments: Any = {"TableName": self._table, "Key": pack(item_key), "ReturnValues": returned, **change.arguments()}
        try:
            answer = self._repeated(lambda: self._client.update_item(**arguments))
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise Conflict(f"the condition of a write to {item_key['sk']} did not hold") from error
        return unpack(answer.get("Attributes", {}))

    def _change_both(self, *parts: tuple[Item, Change]) -> None:
        """All changes or none. Raises Conflict if a condition did not hold."""
        updates: list[Any] = [{"TableName": self._table, "Key": pack(place), **change.arguments()} for place, change in parts]
        try:
            self._repeated(lambda: self._client.transact_write_items(TransactItems=[{"Update": each} for each in updates]))
        except self._client.exceptions.TransactionCanceledException as error:
            if "ConditionalCheckFailed" in reasons(error):
                raise Conflict("the condition of a transaction did not hold") from error
            raise

    def _repeated(self, call: Callable[[], Answer]) -> Answer:
        """Repeats a write that meets a transaction on the same item, which takes milliseconds. The AWS client does not.

        Raises Contended if that happens every time.
        """
        number = 0
        while True:
            try:
                return call()
            except self._client.exceptions.TransactionConflictException as error:
                contended = error
            except self._client.exceptions.TransactionCanceledException as error:
                if "TransactionConflict" not in reasons(error) or "ConditionalCheckFailed" in reasons(error):
                    raise
                contended = error
            if number == CONTENDED_ATTEMPTS - 1:
                raise Contended(contended.response, contended.operation_name) from contended
            self._pause(number)
            number += 1


def reasons(error: ClientError) -> list[str | None]:
    """Why a transaction was cancelled: one code for each of its parts."""
    response: Any = error.response
    return [reason.get("Code") for reason in response.get("CancellationReasons", ())]
