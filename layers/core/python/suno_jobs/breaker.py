"""The circuit breaker of each gateway, shared by the whole fleet: no submission goes to one that refuses or breaks.

It stands in the gateway's ``HEALTH`` item: ``failures`` in a row, and ``open_until`` while it is open. Readings of tasks pass
it by: what was paid for is asked for in any case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs import telemetry
from suno_jobs.dynamo import Change, pack, unpack
from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.health import PARTITION, UNWELL

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

TROUBLE = UNWELL | {ErrorCode.RATE_LIMITED}


@dataclass(frozen=True, slots=True)
class Breaker:
    """Opens after ``failures`` submissions in a row that failed for no reason of their own, for ``open_seconds``."""

    client: DynamoDBClient
    table: str
    failures: int
    open_seconds: int
    clock: Callable[[], float]
    _troubled: set[str] = field(default_factory=set)

    def wait(self, gateway: str) -> int:
        """Seconds until a submission may be sent; 0: now. Once the time is over, one caller gets 0: the probe."""
        item_key = pack({"pk": PARTITION, "sk": gateway})
        item = unpack(self.client.get_item(TableName=self.table, Key=item_key, ConsistentRead=True).get("Item", {}))
        if item.get("failures"):
            self._troubled.add(gateway)
        now, open_until = int(self.clock()), item.get("open_until", 0)
        if not open_until:
            return 0
        if now < open_until:
            return int(open_until - now)
        probe = Change(sets={"open_until": now + self.open_seconds})
        probe.require("#open_until = :seen", "open_until", seen=open_until)
        try:
            self.client.update_item(TableName=self.table, Key=item_key, **probe.arguments())
        except self.client.exceptions.ConditionalCheckFailedException:
            return self.open_seconds
        return 0

    def note(self, gateway: str, fault: Fault | None) -> None:
        """How a submission went. Losing a note does no harm."""
        item_key = pack({"pk": PARTITION, "sk": gateway})
        try:
            if fault and fault.code in TROUBLE:
                self._count(gateway, item_key)
            elif gateway in self._troubled:
                well = Change(sets={"failures": 0}, removes=("open_until",))
                self.client.update_item(TableName=self.table, Key=item_key, **well.arguments())
                self._troubled.discard(gateway)
        except (AwsError, BotoCoreError) as error:
            telemetry.log.warning("breaker not noted", gateway=gateway, reason=str(error))

    def _count(self, gateway: str, item_key: dict[str, Any]) -> None:
        self._troubled.add(gateway)
        counted = self.client.update_item(
            TableName=self.table, Key=item_key, ReturnValues="ALL_NEW", **Change(adds={"failures": 1}).arguments()
        )
        if unpack(counted["Attributes"])["failures"] < self.failures:
            return
        opened = Change(sets={"open_until": int(self.clock()) + self.open_seconds})
        self.client.update_item(TableName=self.table, Key=item_key, **opened.arguments())
        telemetry.count("BreakerOpened", gateway=gateway)
