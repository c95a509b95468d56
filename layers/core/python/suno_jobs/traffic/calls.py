"""Calling a gateway with the key of the job's account, within the rate limit of the whole fleet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways.protocol import GatewayReply, GatewayRequest
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import Job
from suno_jobs.network.http import httpx
from suno_jobs.runtime import telemetry
from suno_jobs.runtime.secrets import Secret
from suno_jobs.traffic.accounts import Account, AccountReadFailed, AccountUnusable, find_account
from suno_jobs.traffic.client import REPLY_SECONDS, http_client, send
from suno_jobs.traffic.health import Health
from suno_jobs.traffic.rate_limiter import RateLimiter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class GatewayCalls:
    """Requests to the gateway and account of a job."""

    client: httpx.Client
    accounts: Secret
    rate_limiter: RateLimiter
    health: Health
    clock: Callable[[], float]

    def record_outcome(self, job: Job, fault: Fault | None) -> None:
        """Records how a request went, for the health of the gateway.

        After a refused key, the accounts secret is read again, so that the next request uses a key that was replaced.
        """
        self.health.record(job.gateway, fault)
        if fault and fault.code is ErrorCode.AUTHENTICATION:
            telemetry.count("KeyRefused", gateway=job.gateway)
            telemetry.log.warning("key refused", job_id=job.job_id, gateway=job.gateway, reason=fault.message)
            self.account_renewed()

    def account(self, job: Job) -> Account:
        """The current account of the job. Raises AccountUnusable, AccountReadFailed.

        Without a usable entry, the accounts secret is read again first: the entry may have been added a moment ago. An entry
        that is still unusable is recorded like a key that the gateway refused.
        """
        try:
            return self._current_account(job)
        except AccountReadFailed as error:
            telemetry.log.warning("accounts secret not read", job_id=job.job_id, gateway=job.gateway, reason=str(error))
            raise
        except AccountUnusable as error:
            self.record_outcome(job, Fault(ErrorCode.AUTHENTICATION, str(error)))
            raise

    def _current_account(self, job: Job) -> Account:
        try:
            return find_account(self.accounts, GATEWAYS[job.gateway], job.account)
        except AccountReadFailed:
            raise
        except AccountUnusable:
            if not self.account_renewed():
                raise
        return find_account(self.accounts, GATEWAYS[job.gateway], job.account)

    def account_renewed(self) -> bool:
        """Reads the accounts secret again, at most once every few seconds; returns whether it changed."""
        try:
            return self.accounts.renew()
        except (ValueError, AwsError, BotoCoreError):
            return False

    def take_slot(self, job: Job) -> None:
        """To be called before every request (I7). Raises NoSlot."""
        self.rate_limiter.take(job.gateway, job.account, GATEWAYS[job.gateway].rate, now=self.clock())

    def send(self, job: Job, account: Account, request: GatewayRequest, reply_seconds: float = REPLY_SECONDS) -> GatewayReply:
        """Sends the request exactly once. Raises GatewayUnreachable."""
        return send(self.client, GATEWAYS[job.gateway], account, request, reply_seconds=reply_seconds)


def connect(dynamodb: DynamoDBClient, table: str, accounts: Secret, clock: Callable[[], float]) -> GatewayCalls:
    """Calls over the network; rate limiter and health are kept in the jobs table."""
    return GatewayCalls(http_client(), accounts, RateLimiter(dynamodb, table), Health(dynamodb, table, clock), clock)
