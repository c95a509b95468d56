"""Calling a gateway: with the right key, within the fleet's rate budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs import origins
from suno_jobs.budget import Budget
from suno_jobs.errors import Fault
from suno_jobs.gateways import GATEWAYS
from suno_jobs.gateways.base import Gateway, GatewayReply, GatewayRequest
from suno_jobs.gateways.wire import REPLY_SECONDS, Account, http_client, send
from suno_jobs.health import Health
from suno_jobs.models import Job
from suno_jobs.secret import Secret

if TYPE_CHECKING:
    import httpx
    from mypy_boto3_dynamodb.client import DynamoDBClient


class AccountUnusable(LookupError):
    """The accounts secret holds no usable entry for this gateway and account; the operator has to mend it."""


class AccountUnread(AccountUnusable):
    """The accounts secret could not be read just now."""


@dataclass(frozen=True, slots=True)
class GatewayCalls:
    """Requests to the gateway and account of a job."""

    client: httpx.Client
    accounts: Secret
    budget: Budget
    health: Health
    clock: Callable[[], float]

    def note(self, job: Job, fault: Fault | None) -> None:
        """Remembers how a request went, for the health of the gateway."""
        self.health.note(job.gateway, fault)

    def account(self, job: Job) -> Account:
        """Raises AccountUnusable, AccountUnread."""
        return find_account(self.accounts, GATEWAYS[job.gateway], job.account)

    def account_renewed(self) -> bool:
        """Whether the accounts secret was changed since it was read."""
        try:
            return self.accounts.renew()
        except (ValueError, AwsError, BotoCoreError):
            return False

    def take_slot(self, job: Job) -> None:
        """Every request needs one, before it is sent (I7). Raises NoSlot."""
        self.budget.take(job.gateway, job.account, GATEWAYS[job.gateway].rate, now=self.clock())

    def send(self, job: Job, account: Account, request: GatewayRequest, reply_seconds: float = REPLY_SECONDS) -> GatewayReply:
        """One request, never repeated here. Raises GatewayUnreachable."""
        return send(self.client, GATEWAYS[job.gateway], account, request, reply_seconds=reply_seconds)


def connect(dynamodb: DynamoDBClient, table: str, accounts: Secret, clock: Callable[[], float]) -> GatewayCalls:
    """Calls over the network, with budget and health in the jobs table."""
    return GatewayCalls(http_client(), accounts, Budget(dynamodb, table), Health(dynamodb, table, clock), clock)


def find_account(accounts: Secret, gateway: Gateway, name: str) -> Account:
    """Raises AccountUnusable. ``base_url`` may be set per account, for gateways that are reached under several names."""
    try:
        entry = accounts.values().get(f"{gateway.name}/{name}")
        if not isinstance(entry, dict):
            raise AccountUnusable(f"the gateway accounts secret has no entry {gateway.name}/{name}")
        base_url = str(entry.get("base_url") or gateway.base_url)
        parts = urlsplit(base_url)
        if parts.scheme != "https" and f"{parts.scheme}://{parts.netloc}" not in origins.LOCAL_ORIGINS:
            raise AccountUnusable(f"the base_url of {gateway.name}/{name} is not https")
        return Account(api_key=str(entry.get("api_key") or ""), base_url=base_url)
    except ValueError as error:
        raise AccountUnusable(f"{gateway.name}/{name}: {error}") from None
    except (AwsError, BotoCoreError) as error:
        raise AccountUnread(f"the gateway accounts secret could not be read: {type(error).__name__}") from error
