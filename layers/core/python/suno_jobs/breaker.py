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
    _troubled: dict[str, int] = field(default_factory=dict)

    def wait(self, gateway: str) -> int:
        """Seconds until a submission may be sent; 0: now, if ``enter`` says so too."""
        answer = self.client.get_item(TableName=self.table, Key=_key(gateway), ConsistentRead=True)
        item = unpack(answer.get("Item", {}))
        open_until = int(item.get("open_until", 0))
        if item.get("failures") or open_until:
            self._troubled[gateway] = open_until
        else:
            self._troubled.pop(gateway, None)
        return max(0, open_until - int(self.clock()))

    def enter(self, gateway: str) -> bool:
        """After ``wait``: once the time of an open breaker is over, one caller may pass, as the probe."""
        seen = self._troubled.get(gateway)
        if not seen:
            return True
        probe = Change(sets={"open_until": int(self.clock()) + self.open_seconds})
        probe.require("#open_until = :seen", "open_until", seen=seen)
        try:
            self.client.update_item(TableName=self.table, Key=_key(gateway), **probe.arguments())
        except self.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def note(self, gateway: str, fault: Fault | None) -> None:
        """How a submission went. Losing a note does no harm."""
        try:
            if fault and fault.code in TROUBLE:
                self._count(gateway)
            elif gateway in self._troubled:
                well = Change(sets={"failures": 0}, removes=("open_until",))
                self.client.update_item(TableName=self.table, Key=_key(gateway), **well.arguments())
                del self._troubled[gateway]
        except (AwsError, BotoCoreError) as error:
            telemetry.log.warning("breaker not noted", gateway=gateway, reason=str(error))

    def _count(self, gateway: str) -> None:
        self._troubled.setdefault(gateway, 0)
        counted = self.client.update_item(
            TableName=self.table, Key=_key(gateway), ReturnValues="ALL_NEW", **Change(adds={"failures": 1}).arguments()
        )
        if unpack(counted["Attributes"])["failures"] < self.failures:
            return
        opened = Change(sets={"open_until": int(self.clock()) + self.open_seconds})
        opened.require("#failures >= :enough", "failures", enough=self.failures)
        self.client.update_item(TableName=self.table, Key=_key(gateway), **opened.arguments())
        telemetry.count("BreakerOpened", gateway=gateway)


def _key(gateway: str) -> dict[str, Any]:
    return pack({"pk": PARTITION, "sk": gateway})
