"""Calling a gateway with the key of the job's account, within the rate limit of the whole fleet."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import ErrorCode, Fault, NoSlot
from suno_jobs.gateways.protocol import GatewayReply, GatewayRequest
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.identifiers import Mode
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.states import JobState
from suno_jobs.network.http import httpx
from suno_jobs.runtime import telemetry
from suno_jobs.runtime.secrets import RENEW_SECONDS, Secret
from suno_jobs.traffic.account_items import AccountItems, AtAccount
from suno_jobs.traffic.accounts import Account, AccountReadFailed, AccountUnusable, account_name, find_account
from suno_jobs.traffic.client import REPLY_SECONDS, http_client, send
from suno_jobs.traffic.concurrency import Concurrency
from suno_jobs.traffic.health import Health
from suno_jobs.traffic.rate_limiter import AHEAD_SECONDS, LATE_SECONDS, RateLimiter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

AHEAD_IF_MISSED_SECONDS = 30.0
"""How far ahead a slot may be reserved in place of one that was missed."""

MISSED_SLOTS = 3
"""So many missed slots of one request are replaced."""


@dataclass(frozen=True, slots=True)
class GatewayCalls:
    """Requests to the gateway and account of a job."""

    client: httpx.Client
    accounts: Secret
    rate_limiter: RateLimiter
    concurrency: Concurrency
    health: Health
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def record_outcome(self, job: Job, fault: Fault | None) -> None:
        """Records how a request went, for the health of the gateway.

        After a refused key, the accounts secret is read again, so that the next request uses a key that was replaced.
        """
        self.health.record(job.gateway, fault)
        if fault and fault.code is ErrorCode.QUOTA:
            telemetry.count("AccountEmpty", gateway=job.gateway)
        if fault and fault.code is ErrorCode.AUTHENTICATION:
            telemetry.count("KeyRefused", gateway=job.gateway)
            telemetry.log.warning("key refused", job_id=job.job_id, gateway=job.gateway, reason=fault.message)
            self.account_renewed()

    def account(self, job: Job) -> Account:
        """The current account of the job. Raises AccountUnusable, AccountReadFailed.

        Without a usable entry, the accounts secret is read again first: the entry may have been added a moment ago. An entry
        that is still unusable is recorded like a key that the gateway refused. If the secret could not be read again, it is
        unknown whether the entry is usable: AccountReadFailed.
        """
        try:
            return self._current_account(job)
        except AccountReadFailed as error:
            telemetry.log.warning("accounts secret not read", job_id=job.job_id, gateway=job.gateway, reason=str(error))
            raise
        except AccountUnusable as error:
            self.record_outcome(job, Fault(ErrorCode.AUTHENTICATION, str(error)))
            raise

    def with_account(self, job: Job, of_sources: str | None) -> Job:
        """``job`` with the account of its next submission: that of its sources, else the tenant's own, else the shared one.

        A submission whose answer was lost is repeated on the same account: the first task is there. In test mode a job has no
        account that could be found. Raises AccountUnusable, AccountReadFailed.
        """
        if job.state is JobState.SUBMIT_UNKNOWN or job.mode is Mode.TEST:
            return job
        return replace(job, account=of_sources or account_name(self.accounts, GATEWAYS[job.gateway], job.tenant))

    def _current_account(self, job: Job) -> Account:
        try:
            return find_account(self.accounts, GATEWAYS[job.gateway], job.account)
        except AccountReadFailed:
            raise
        except AccountUnusable as error:
            renewed = self.account_renewed()
            if renewed is None and self.accounts.age_seconds >= RENEW_SECONDS:
                raise AccountReadFailed(str(error)) from error
            if not renewed:
                raise
        return find_account(self.accounts, GATEWAYS[job.gateway], job.account)

    def has_replaced_key(self, job: Job, used: Account) -> bool:
        """Whether the job's account has another key than the one that was used, as far as the secret was read."""
        try:
            return find_account(self.accounts, GATEWAYS[job.gateway], job.account).api_key != used.api_key
        except AccountUnusable:
            return False

    def account_renewed(self) -> bool | None:
        """Reads the accounts secret again, at most once every few seconds, and returns whether it changed. None: it was not
        read."""
        try:
            return self.accounts.renew()
        except ValueError:
            return False
        except (AwsError, BotoCoreError):
            return None

    def take_slot(self, at: AtAccount) -> None:
        """To be called before every request (I7). Waits for a slot in the next seconds. Raises NoSlot."""
        self.wait_for_slot(at, self.reserve_slot(at))

    def take_idle_slot(self, at: AtAccount) -> None:
        """The same for a request that must not delay another one: only a slot that is free at once. Raises NoSlot.

        If it is missed, there is no other one: that would be ahead of requests that have come meanwhile.
        """
        if (late := self._sleep_until(self.reserve_slot(at, 0.0))) > LATE_SECONDS:
            raise NoSlot(late)

    def reserve_slot(self, at: AtAccount, ahead: float = AHEAD_SECONDS, until: float = math.inf, *, lead: float = 0.0) -> float:
        """The time of the slot, at the earliest in ``lead`` seconds and at the latest ``until``. Raises NoSlot."""
        now = self.clock() + lead
        if now > until:
            raise NoSlot(0)
        rate = GATEWAYS[at.gateway].rate
        return self.rate_limiter.take(at.gateway, at.account, rate, now=now, ahead=min(ahead - lead, until - now))

    def wait_for_slot(self, at: AtAccount, slot: float, until: float = math.inf) -> None:
        """The limit counts when requests leave, so a slot that was missed is replaced. Raises NoSlot.

        The next slot is twice as far ahead as this one was missed by, since what has delayed this call may delay it again.
        """
        missed = 0
        while (late := self._sleep_until(slot)) > LATE_SECONDS:
            lead = min(2 * late, AHEAD_SECONDS)
            if missed == MISSED_SLOTS:
                raise NoSlot(lead)
            missed += 1
            slot = self.reserve_slot(at, AHEAD_IF_MISSED_SECONDS, until, lead=lead)

    def _sleep_until(self, moment: float) -> float:
        """How many seconds too late it is then."""
        if (wait := moment - self.clock()) > 0:
            self.sleep(wait)
        return self.clock() - moment

    def send(
        self, at: AtAccount, account: Account, request: GatewayRequest, reply_seconds: float = REPLY_SECONDS
    ) -> GatewayReply:
        """Sends the request exactly once. Raises GatewayUnreachable."""
        return send(self.client, GATEWAYS[at.gateway], account, request, reply_seconds=reply_seconds)


def connect(
    dynamodb: DynamoDBClient, table: str, accounts: Secret, clock: Callable[[], float], sleep: Callable[[float], None]
) -> GatewayCalls:
    """Calls over the network; what the fleet shares is kept in the jobs table."""
    limiter, concurrency = RateLimiter(dynamodb, table), Concurrency(AccountItems(dynamodb, table))
    return GatewayCalls(http_client(), accounts, limiter, concurrency, Health(dynamodb, table, clock), clock, sleep)
