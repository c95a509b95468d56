"""The deliveries: one item for each event and endpoint. Those of an endpoint share a partition, in the order of their events.

A delivery to be tried is in the due index of the table, in partitions of its own. A message names the due time that its
sender has read. The first attempt replaces that time with the end of a lease, so a repeated message finds another due time and
is dropped. If the function dies, the delivery is due again after the lease.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Self

from suno_jobs.jobs.record import Item
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.due_index import NOT_DUE, in_turn
from suno_jobs.storage.table import Table
from suno_jobs.storage.update_expressions import Change
from suno_jobs.stored_words import stored_word

DELIVERY_ID_PATTERN = r"[0-9]{10}\.[A-Za-z0-9_.-]{1,100}"
KEPT_SECONDS = 30 * 86_400
"""After this, a delivery and the body of its event are deleted."""
LEASE_SECONDS = 60
"""Longer than an attempt, and than its function may run."""
MAX_ATTEMPTS_SHOWN = 20
DUE_SHARDS = 4
LONGEST_ID = 200


class DeliveryState(StrEnum):
    """``FAILED``: every attempt failed, or none can be made. ``SKIPPED``: the endpoint was disabled at the time."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    SKIPPED = "skipped"


class Attempt(NamedTuple):
    """``status`` is None if there was no complete answer; then ``answer`` says why, else it is the beginning of the body."""

    at: int
    status: int | None
    milliseconds: int
    answer: str


class DeliveryKey(NamedTuple):
    """What a message names. ``due_at`` is the due time that its sender has read."""

    partition: str
    delivery_id: str
    due_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """``source`` is the partition that has the body of the event. ``failures`` are those since it was started or restarted.

    An item with ``tenant`` and ``created_at`` would be in the list of the tenant's jobs, hence ``recorded_at``.
    """

    delivery_id: str
    endpoint_id: str
    tenant: str
    event_id: str
    event_type: str
    source: str
    state: DeliveryState
    recorded_at: int
    expires_at: int
    due_at: int | None = None
    failures: int = 0
    reason: str | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def key(self) -> DeliveryKey:
        return DeliveryKey(partition_of(self.tenant, self.endpoint_id), self.delivery_id, self.due_at or 0)

    def to_item(self) -> Item:
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values["attempts"] = [each._asdict() for each in self.attempts]
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_item(cls, item: Item) -> Self:
        known = {name: value for name, value in item.items() if name in cls.__dataclass_fields__}
        attempts = tuple(
            Attempt(each["at"], each.get("status"), each["milliseconds"], each["answer"]) for each in item["attempts"]
        )
        return cls(**{**known, "state": stored_word(DeliveryState, item["state"]), "attempts": attempts})


def partition_of(tenant: str, endpoint_id: str) -> str:
    return f"DELIVERIES#{tenant}#{endpoint_id}"


def _due(key: DeliveryKey, at: int) -> Item:
    shard = zlib.crc32(f"{key.partition}{key.delivery_id}".encode()) % DUE_SHARDS
    return {"due_shard": f"WEBHOOKS#{shard}", "due_at": at}


class DeliveryTable(Table):
    def record(self, delivery: Delivery) -> bool:
        """False if it is recorded already; then nothing changes."""
        due = {} if delivery.due_at is None else _due(delivery.key, delivery.due_at)
        item = {"pk": delivery.key.partition, "sk": delivery.delivery_id} | delivery.to_item() | due
        try:
            self._client.put_item(TableName=self._table, Item=pack(item), ConditionExpression="attribute_not_exists(pk)")
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def find(self, partition: str, delivery_id: str) -> Delivery | None:
        if len(delivery_id) > LONGEST_ID:
            return None  # DynamoDB refuses longer keys
        item = self._get({"pk": partition, "sk": delivery_id})
        return Delivery.from_item(item) if item else None

    def postpone(self, delivery: Delivery, due_at: int) -> Delivery:
        """Moves a pending delivery to another due time, or to the end of a lease. Conflict: it is not as it was read."""
        return self._change(delivery, Change(sets=_due(delivery.key, due_at)))

    def record_attempt(self, delivery: Delivery, attempt: Attempt, state: DeliveryState, due_at: int | None) -> Delivery:
        """The outcome of an attempt under the lease of ``delivery``. Conflict: the lease had ended, and another began."""
        ok = state is DeliveryState.DELIVERED
        attempts = [each._asdict() for each in (*delivery.attempts, attempt)[-MAX_ATTEMPTS_SHOWN:]]
        sets = {"state": state, "attempts": attempts, "failures": delivery.failures + (not ok)}
        return self._end(delivery, sets, due_at)

    def give_up(self, delivery: Delivery, state: DeliveryState, reason: str) -> Delivery:
        """Ends a delivery without an attempt. Conflict: it is not as it was read."""
        return self._end(delivery, {"state": state, "reason": reason}, None)

    def restart(self, delivery: Delivery, now: int) -> Delivery:
        """Begins the schedule anew, whatever the state is. Conflict: another request or an attempt was faster."""
        sets = {"state": DeliveryState.PENDING, "failures": 0, **_due(delivery.key, now)}
        change = Change(sets=sets, removes=("reason",)).require_one_of("state", {delivery.state})
        return self._updated(delivery, change.require_as_read("due_at", delivery.due_at))

    def newest(self, partition: str, limit: int, before: str | None) -> list[Delivery]:
        """At most ``limit``, the newest event first, from before the delivery with the id ``before``."""
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk < :before",
            ExpressionAttributeValues=pack({":pk": partition, ":before": before or "~"}),
            ScanIndexForward=False,
            Limit=limit,
            ConsistentRead=True,
        )
        return [Delivery.from_item(unpack(item)) for item in answer["Items"]]

    def between(self, partition: str, first: str, last: str) -> Iterator[Delivery]:
        """Those whose id is in this range, the oldest event first."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=pack({":pk": partition, ":first": first, ":last": last}),
            ConsistentRead=True,
        )
        for page in pages:
            yield from (Delivery.from_item(unpack(item)) for item in page["Items"])

    def due(self, now: int) -> Iterator[DeliveryKey]:
        """What is due: from each shard in turn, what is longest overdue."""
        return in_turn(self._due_in(shard, now) for shard in range(DUE_SHARDS))

    def _due_in(self, shard: int, now: int) -> Iterator[DeliveryKey]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="due",
            KeyConditionExpression="due_shard = :shard AND due_at <= :now",
            ExpressionAttributeValues=pack({":shard": f"WEBHOOKS#{shard}", ":now": now}),
            PaginationConfig={"PageSize": 250},
        )
        for page in pages:
            for item in map(unpack, page["Items"]):
                yield DeliveryKey(item["pk"], item["sk"], item["due_at"])

    def _end(self, delivery: Delivery, sets: Item, due_at: int | None) -> Delivery:
        if due_at is None:
            return self._change(delivery, Change(sets=sets, removes=NOT_DUE))
        return self._change(delivery, Change(sets=sets | _due(delivery.key, due_at)))

    def _change(self, delivery: Delivery, change: Change) -> Delivery:
        change.require_one_of("state", {DeliveryState.PENDING})
        return self._updated(delivery, change.require("#due_at = :read", "due_at", read=delivery.due_at))

    def _updated(self, delivery: Delivery, change: Change) -> Delivery:
        return Delivery.from_item(self._update({"pk": delivery.key.partition, "sk": delivery.delivery_id}, change, "ALL_NEW"))


class EventBody(NamedTuple):
    """``url`` is the ``callback_url`` of its job."""

    body: bytes
    url: str | None


class EventTable(Table):
    """The body of each event, once for all its deliveries. That of a job's event is in the partition of the job, and so it is
    erased with the job."""

    def record(self, source: str, event_id: str, event: EventBody, now: int) -> None:
        """The first body of an event stays, so that each attempt sends the same bytes."""
        item = {**_event_key(source, event_id), "body": zlib.compress(event.body), "expires_at": now + KEPT_SECONDS}
        item |= {} if event.url is None else {"url": event.url}
        try:
            self._client.put_item(TableName=self._table, Item=pack(item), ConditionExpression="attribute_not_exists(pk)")
        except self._client.exceptions.ConditionalCheckFailedException:
            return

    def find(self, source: str, event_id: str) -> EventBody | None:
        item = self._get(_event_key(source, event_id))
        return EventBody(zlib.decompress(item["body"]), item.get("url")) if item else None


def _event_key(source: str, event_id: str) -> Item:
    return {"pk": source, "sk": f"EVENT#{event_id}"}
