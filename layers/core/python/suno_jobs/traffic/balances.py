"""What is left on each gateway account: read rarely by the sweep, and shown to those whose account it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import ErrorCode, Fault, GatewayUnreachable, NoSlot
from suno_jobs.gateways.protocol import Balance, BalanceReading, GatewayReply, ReadFailed
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.views import iso_time
from suno_jobs.runtime import telemetry
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.update_expressions import Change
from suno_jobs.traffic.account_items import AccountId
from suno_jobs.traffic.accounts import Account, AccountUnusable, account_names, balance_threshold, find_account
from suno_jobs.traffic.calls import GatewayCalls

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from suno_jobs.gateways.answers import BalanceAnswer

PARTITION = "BALANCE"
"""Its items: ``{gateway}#{account}``."""

EVERY_SECONDS = 3600
REPLY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Balances:
    client: DynamoDBClient
    table: str

    def claim(self, at: AccountId, now: int) -> bool:
        """Whether the balance is due. Of several sweeps at the same time only one gets True."""
        change = Change(sets={"asked_at": now})
        change.require("attribute_not_exists(#asked_at) OR #asked_at <= :before", "asked_at", before=now - EVERY_SECONDS)
        try:
            self._write(at, change)
        except self.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def record(self, at: AccountId, balance: Balance, *, low: bool, now: int) -> None:
        self._write(at, Change(sets={"amount": balance.amount, "unit": balance.unit, "low": low, "read_at": now}))

    def read(self, accounts: Callable[[str], bool]) -> dict[str, list[BalanceAnswer]]:
        """By gateway, of the accounts whose names are accepted. An account whose balance was never read is absent."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=pack({":pk": PARTITION})
        )
        found: dict[str, list[BalanceAnswer]] = {}
        for item in (unpack(each) for page in pages for each in page["Items"]):
            gateway, _, account = item["sk"].partition("#")
            if "read_at" in item and accounts(account):
                found.setdefault(gateway, []).append(_view(account, item))
        return found

    def _write(self, at: AccountId, change: Change) -> None:
        key = {"pk": PARTITION, "sk": f"{at.gateway}#{at.account}"}
        self.client.update_item(TableName=self.table, Key=pack(key), **change.arguments())


def _view(account: str, item: dict[str, Any]) -> BalanceAnswer:
    return {
        "account": account,
        "amount": item["amount"],
        "unit": item["unit"],
        "low": item["low"],
        "read_at": iso_time(item["read_at"]),
    }


@dataclass(frozen=True, slots=True)
class BalanceReader:
    """Reads the balances that are due, within the rate limits. A balance that cannot be read is due again after an hour."""

    calls: GatewayCalls
    balances: Balances

    def read_balances(self, time_left: Callable[[], bool]) -> None:
        for gateway, at in self._accounts():
            if not time_left():
                return
            try:
                self._read_if_due(gateway, at, time_left)
            except (AwsError, BotoCoreError) as error:
                telemetry.log.warning("balance not read", gateway=at.gateway, account=at.account, reason=str(error))

    def _read_if_due(self, gateway: BalanceReading, at: AccountId, time_left: Callable[[], bool]) -> None:
        now = int(self.calls.clock())
        if self.balances.claim(at, now):
            self._record(at, self._read(gateway, at, time_left), now)

    def _accounts(self) -> Iterator[tuple[BalanceReading, AccountId]]:
        try:
            names = account_names(self.calls.accounts)
        except AccountUnusable as error:
            telemetry.log.warning("balances not read", reason=str(error))
            return
        for name, account in names:
            if name in GATEWAYS and isinstance(gateway := GATEWAYS[name], BalanceReading):
                yield gateway, AccountId(name, account)

    def _read(self, gateway: BalanceReading, at: AccountId, time_left: Callable[[], bool]) -> Balance | None:
        try:
            account = find_account(self.calls.accounts, GATEWAYS[at.gateway], at.account)
            balance = ask_balance(self.calls, gateway, at, account, time_left)
            reason = "" if isinstance(balance, Balance) else balance.fault.message
        except (AccountUnusable, GatewayUnreachable, NoSlot) as error:
            balance, reason = None, str(error)
        if isinstance(balance, Balance):
            return balance
        telemetry.log.info("balance not read", gateway=at.gateway, account=at.account, reason=reason)
        return None

    def _record(self, at: AccountId, balance: Balance | None, now: int) -> None:
        if balance is None:
            return
        threshold = self._threshold(at)
        low = threshold is not None and balance.amount < threshold
        self.balances.record(at, balance, low=low, now=now)
        telemetry.count("Balance", balance.amount, gateway=at.gateway, account=at.account)
        if threshold is not None:
            telemetry.count("LowBalances", int(low), scope="bundle")
        if low:
            amount = f"{balance.amount:g} {balance.unit}"
            telemetry.log.warning("balance low", gateway=at.gateway, account=at.account, amount=amount, threshold=threshold)

    def _threshold(self, at: AccountId) -> float | None:
        try:
            return balance_threshold(self.calls.accounts, at.gateway, at.account)
        except AccountUnusable as error:
            telemetry.log.warning("balance without a threshold", gateway=at.gateway, account=at.account, reason=str(error))
            return None


def ask_balance(
    calls: GatewayCalls, gateway: BalanceReading, at: AccountId, account: Account, time_left: Callable[[], bool]
) -> Balance | ReadFailed:
    """Raises GatewayUnreachable, NoSlot."""
    replies: list[GatewayReply] = []
    for request in gateway.balance_requests:
        if not time_left():
            return ReadFailed(Fault(ErrorCode.GATEWAY_ERROR, "no time is left for it", retryable=True))
        calls.take_slot(at)
        replies.append(calls.send(at, account, request, reply_seconds=REPLY_SECONDS))
    return gateway.read_balance(replies)
