"""The circuit breaker of each gateway, shared by the whole fleet: while it is open, nothing is submitted there.

It is stored in the gateway's ``HEALTH`` item: ``failures`` in a row, and ``open_until`` while it is open. It does not apply to
reads of tasks, since those are already paid for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.runtime import telemetry
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.update_expressions import Change
from suno_jobs.traffic.health import GATEWAY_FAULTS, PARTITION

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

COUNTED_FAULTS = GATEWAY_FAULTS | {ErrorCode.RATE_LIMITED}


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """Opens for ``open_seconds`` after ``failures`` submissions in a row failed for a reason that is not in the request."""

    client: DynamoDBClient
    table: str
    failures: int
    open_seconds: int
    clock: Callable[[], float]
    _failing: dict[str, int] = field(default_factory=dict)

    def wait(self, gateway: str) -> int:
        """Seconds until a submission may be sent; 0 means now, if ``enter`` allows it too."""
        answer = self.client.get_item(TableName=self.table, Key=_key(gateway), ConsistentRead=True)
        item = unpack(answer.get("Item", {}))
        open_until = int(item.get("open_until", 0))
        if item.get("failures") or open_until:
            self._failing[gateway] = open_until
        else:
            self._failing.pop(gateway, None)
        return max(0, open_until - int(self.clock()))

    def enter(self, gateway: str) -> bool:
        """Whether to send now; to be called after ``wait``. When an open breaker's time is over, one caller is the probe."""
        seen = self._failing.get(gateway)
        if not seen:
            return True
        probe = Change(sets={"open_until": int(self.clock()) + self.open_seconds})
        probe.require("#open_until = :seen", "open_until", seen=seen)
        try:
            self.client.update_item(TableName=self.table, Key=_key(gateway), **probe.arguments())
        except self.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def record(self, gateway: str, fault: Fault | None) -> None:
        """Records how a submission went. A lost record does no harm."""
        try:
            if fault and fault.code in COUNTED_FAULTS:
                self._count(gateway)
            elif gateway in self._failing:
                closed = Change(sets={"failures": 0}, removes=("open_until",))
                self.client.update_item(TableName=self.table, Key=_key(gateway), **closed.arguments())
                del self._failing[gateway]
        except (AwsError, BotoCoreError) as error:
            telemetry.log.warning("circuit breaker not updated", gateway=gateway, reason=str(error))

    def _count(self, gateway: str) -> None:
        self._failing.setdefault(gateway, 0)
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
