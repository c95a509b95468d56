"""The rate limiter of the whole fleet: no function calls a gateway without a slot (I7).

A generic cell rate algorithm in one item per gateway and account. The item contains the theoretical arrival time: the time at
which the bucket would be empty again. Half of the permitted requests may be sent as a burst, the others are spread over the
window, so that no window of the documented length ever contains more than the documented number, wherever it starts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from suno_jobs.errors import NoSlot
from suno_jobs.gateways.protocol import Rate
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.update_expressions import Change

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class RateLimiter:
    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def take(self, gateway: str, account: str, rate: Rate, *, now: float) -> None:
        """Takes one slot. If none is free, takes nothing and raises NoSlot. ``now`` is in seconds since 1970."""
        now_ms = int(now * 1000)
        burst = max(1, rate.requests // 2)
        spacing_ms = math.ceil(rate.seconds * 1000 / max(1, rate.requests - burst))
        tolerance_ms = (burst - 1) * spacing_ms
        item_key = pack({"pk": f"BUDGET#{gateway}#{account}", "sk": "RATE"})
        idle = Change(sets={"arrival": now_ms + spacing_ms})
        idle.require("attribute_not_exists(#arrival) OR #arrival <= :now", "arrival", now=now_ms)
        busy = Change(adds={"arrival": spacing_ms})
        busy.require("#arrival > :now AND #arrival <= :latest", "arrival", now=now_ms, latest=now_ms + tolerance_ms)
        if not (self._write(item_key, idle) or self._write(item_key, busy)):
            raise NoSlot(self._free_in(item_key, now_ms + tolerance_ms, spacing_ms))

    def _write(self, item_key: Mapping[str, Any], change: Change) -> bool:
        try:
            self._client.update_item(TableName=self._table, Key=item_key, **change.arguments())
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _free_in(self, item_key: Mapping[str, Any], latest_ms: int, spacing_ms: int) -> float:
        answer = self._client.get_item(TableName=self._table, Key=item_key, ConsistentRead=True)
        arrival: int = unpack(answer["Item"])["arrival"]
        return max(spacing_ms, arrival - latest_ms) / 1000
