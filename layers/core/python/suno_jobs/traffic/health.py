"""The recent health of each gateway, as all functions observed it. It is only shown, in ``GET /v1/gateways``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.jobs.identifiers import SHARED_ACCOUNT
from suno_jobs.runtime import telemetry
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.update_expressions import Change

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from suno_jobs.gateways.answers import AccountAnswer, HealthAnswer

PARTITION = "HEALTH"
"""Its items: ``{gateway}`` is the health, ``{gateway}#{account}`` and ``{gateway}#{account}#{tenant}`` are circuit breakers."""

SUCCESS_EVERY_SECONDS = 60
"""A function instance records at most one success in this time, so that health costs almost nothing."""

GATEWAY_FAULTS = frozenset(
    {ErrorCode.GATEWAY_ERROR, ErrorCode.AMBIGUOUS, ErrorCode.MAINTENANCE, ErrorCode.AUTHENTICATION, ErrorCode.QUOTA}
)
"""Errors that concern the gateway or our account there, rather than one request."""


def breaker_key(gateway: str, account: str, *tenant: str) -> dict[str, Any]:
    """The key of the circuit breaker of an account, or of one tenant there."""
    return {"pk": PARTITION, "sk": "#".join((gateway, account, *tenant))}


@dataclass(slots=True)
class Health:
    client: DynamoDBClient
    table: str
    clock: Callable[[], float]
    _recorded_at: dict[str, float] = field(default_factory=dict)

    def record(self, gateway: str, fault: Fault | None) -> None:
        """Records how a call to the gateway went. A lost record does no harm."""
        now = int(self.clock())
        if fault and fault.code in GATEWAY_FAULTS:
            self._recorded_at.pop(gateway, None)
            self._write(gateway, Change(sets={"last_failure_at": now, "last_error": fault.code}))
        elif now - self._recorded_at.get(gateway, float("-inf")) >= SUCCESS_EVERY_SECONDS:
            self._recorded_at[gateway] = now
            self._write(gateway, Change(sets={"last_success_at": now}))

    def read(self, tenant: str) -> dict[str, HealthAnswer]:
        """By gateway, with the state of the circuit breaker as it concerns the tenant. A gateway never called is absent."""
        answer = self.client.query(
            TableName=self.table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=pack({":pk": PARTITION}),
        )
        now = int(self.clock())
        by_gateway: dict[str, list[dict[str, Any]]] = {}
        for item in map(unpack, answer["Items"]):
            gateway, *breaker = item["sk"].split("#", 2)
            if {*breaker[:1]} <= {SHARED_ACCOUNT, tenant} and {*breaker[1:]} <= {tenant}:
                by_gateway.setdefault(gateway, []).append(item)
        return {gateway: _view(items, now) for gateway, items in by_gateway.items()}

    def _write(self, gateway: str, change: Change) -> None:
        try:
            self.client.update_item(TableName=self.table, Key=pack({"pk": PARTITION, "sk": gateway}), **change.arguments())
        except (AwsError, BotoCoreError) as error:
            telemetry.log.warning("health not updated", gateway=gateway, reason=str(error))


NEVER_CALLED: HealthAnswer = {
    "status": "unknown",
    "last_success_at": None,
    "last_failure_at": None,
    "last_error": None,
    "breaker": "closed",
    "open_until": None,
    "accounts": [],
}


def _view(items: list[dict[str, Any]], now: int) -> HealthAnswer:
    open_until = max((item["open_until"] for item in items if "open_until" in item), default=None)
    item = items[0]
    success, failure = item.get("last_success_at"), item.get("last_failure_at")
    return {
        "status": _status(success, failure),
        "last_success_at": _time(success),
        "last_failure_at": _time(failure),
        "last_error": item.get("last_error"),
        "breaker": "closed" if open_until is None else "open" if now < open_until else "half_open",
        "open_until": _time(open_until),
        "accounts": [_account(each) for each in items if "counted_at" in each],
    }


def _account(item: dict[str, Any]) -> AccountAnswer:
    return {
        "account": item["sk"].partition("#")[2],
        "requests_per_second": item.get("per_second"),
        "tasks_in_flight": item["tasks"],
        "queue_length": item["queued"],
        "counted_at": str(_time(item["counted_at"])),
    }


def _status(success: int | None, failure: int | None) -> Literal["ok", "failing", "unknown"]:
    if success is None and failure is None:
        return "unknown"
    return "ok" if (success or 0) >= (failure or 0) else "failing"


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
