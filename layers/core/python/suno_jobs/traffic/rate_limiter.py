"""The rate limiter of the whole fleet: no function calls a gateway without a slot (I7).

Slots follow each other at equal distances, in one item per gateway and account. It contains the time of the next free slot,
and how many were ever taken. One conditional write reserves that slot. A slot in the next few seconds is waited for by the
function itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from suno_jobs.errors import NoSlot
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.update_expressions import Change
from suno_jobs.traffic.account_items import account_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from suno_jobs.gateways.protocol import Rate

RATE = "RATE"

AHEAD_SECONDS = 5.0
"""How far ahead a slot may be reserved."""

SUBMISSION_AHEAD_SECONDS = 3.0
"""The same for a submission. The rest is left to reads, since their tasks are paid for."""

LATE_SECONDS = 0.05
"""Requests may leave this much later than their slots, and no window of the documented length contains too many."""

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class RateLimiter:
    client: DynamoDBClient
    table: str
    _seen: dict[str, int] = field(default_factory=dict)

    def take(self, gateway: str, account: str, rate: Rate, *, now: float, ahead: float = AHEAD_SECONDS) -> float:
        """Reserves the next slot and returns its time, from ``now`` on. Times are in seconds since 1970.

        If it is more than ``ahead`` seconds away, reserves nothing and raises NoSlot.
        """
        now_ms, spacing_ms = int(now * 1000), _spacing_ms(rate)
        latest_ms = now_ms + int(ahead * 1000)
        item_key = account_key(gateway, account, RATE)
        idle = Change(sets={"arrival": now_ms + spacing_ms}, adds={"taken": 1})
        idle.require("attribute_not_exists(#arrival) OR #arrival <= :now", "arrival", now=now_ms)
        busy = Change(adds={"arrival": spacing_ms, "taken": 1})
        busy.require("#arrival > :now AND #arrival <= :latest", "arrival", now=now_ms, latest=latest_ms)
        arrival = self._seen.get(item_key["pk"], 0)
        for _ in range(_ATTEMPTS):
            taken, arrival = self._write(item_key, busy if now_ms < arrival else idle)
            self._seen[item_key["pk"]] = arrival
            if taken:
                return (arrival - spacing_ms) / 1000
            if arrival > latest_ms:
                break
        raise NoSlot(max(spacing_ms, arrival - latest_ms) / 1000)

    def free(self, gateway: str, account: str, rate: Rate, *, now: float) -> int:
        """How many slots could be reserved now for submissions."""
        left_ms = int(SUBMISSION_AHEAD_SECONDS * 1000) - max(0, self._arrival(gateway, account) - int(now * 1000))
        return 0 if left_ms < 0 else left_ms // _spacing_ms(rate) + 1

    def is_idle(self, gateway: str, account: str, *, now: float) -> bool:
        """Whether the next slot is free at once."""
        return self._arrival(gateway, account) <= int(now * 1000)

    def _arrival(self, gateway: str, account: str) -> int:
        """The time of the next free slot in milliseconds."""
        key = pack(account_key(gateway, account, RATE))
        answer = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        return int(unpack(answer.get("Item", {})).get("arrival", 0))

    def _write(self, item_key: Mapping[str, Any], change: Change) -> tuple[bool, int]:
        """Whether the condition held, and the time of the next free slot in milliseconds."""
        try:
            answer = self.client.update_item(
                TableName=self.table,
                Key=pack(item_key),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **change.arguments(),
            )
        except self.client.exceptions.ConditionalCheckFailedException as error:
            response: Any = error.response
            return False, unpack(response.get("Item", {})).get("arrival", 0)
        return True, unpack(answer["Attributes"])["arrival"]


def _spacing_ms(rate: Rate) -> int:
    return math.ceil((rate.seconds + LATE_SECONDS) * 1000 / rate.requests)
