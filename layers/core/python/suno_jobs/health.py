"""What the fleet has lately seen of each gateway: for people, in ``GET /v1/gateways``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs import telemetry
from suno_jobs.dynamo import Change, pack, unpack
from suno_jobs.errors import ErrorCode, Fault

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

PARTITION = "HEALTH"
SUCCESS_EVERY_SECONDS = 60
"""A function instance writes down a success this often at most, so that health costs next to nothing while all is well."""

UNWELL = frozenset(
    {ErrorCode.GATEWAY_ERROR, ErrorCode.AMBIGUOUS, ErrorCode.MAINTENANCE, ErrorCode.AUTHENTICATION, ErrorCode.QUOTA}
)
"""What says something of the gateway or our account there, and not of one request."""


@dataclass(slots=True)
class Health:
    client: DynamoDBClient
    table: str
    clock: Callable[[], float]
    _noted: dict[str, float] = field(default_factory=dict)

    def note(self, gateway: str, fault: Fault | None) -> None:
        """Remembers how a call to the gateway went. Losing a note does no harm."""
        now = int(self.clock())
        if fault and fault.code in UNWELL:
            self._noted.pop(gateway, None)
            self._write(gateway, Change(sets={"last_failure_at": now, "last_error": fault.code}))
        elif now - self._noted.get(gateway, float("-inf")) >= SUCCESS_EVERY_SECONDS:
            self._noted[gateway] = now
            self._write(gateway, Change(sets={"last_success_at": now}))

    def read(self) -> dict[str, dict[str, Any]]:
        """By gateway, with the state of its breaker. One that was never called is left out."""
        answer = self.client.query(
            TableName=self.table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=pack({":pk": PARTITION}),
        )
        now = int(self.clock())
        return {item["sk"]: _view(item, now) for item in map(unpack, answer["Items"])}

    def _write(self, gateway: str, change: Change) -> None:
        try:
            self.client.update_item(TableName=self.table, Key=pack({"pk": PARTITION, "sk": gateway}), **change.arguments())
        except (AwsError, BotoCoreError) as error:
            telemetry.log.warning("health not noted", gateway=gateway, reason=str(error))


NEVER_CALLED = {
    "status": "unknown",
    "last_success_at": None,
    "last_failure_at": None,
    "last_error": None,
    "breaker": "closed",
    "open_until": None,
}


def _view(item: dict[str, Any], now: int) -> dict[str, Any]:
    open_until = item.get("open_until")
    success, failure = item.get("last_success_at"), item.get("last_failure_at")
    return {
        "status": _status(success, failure),
        "last_success_at": _time(success),
        "last_failure_at": _time(failure),
        "last_error": item.get("last_error"),
        "breaker": "closed" if open_until is None else "open" if now < open_until else "half_open",
        "open_until": _time(open_until),
    }


def _status(success: int | None, failure: int | None) -> str:
    if success is None and failure is None:
        return "unknown"
    return "ok" if (success or 0) >= (failure or 0) else "failing"


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
