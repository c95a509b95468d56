"""Replaces, for a job in test mode, the network and what the fleet shares at a gateway account. There is neither here.

There is no client, no account and no table in here. So a job in test mode reaches no gateway, takes no slot and no place in a
queue, touches no circuit breaker, and counts for no health, whatever it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from suno_jobs.errors import Fault
from suno_jobs.gateways.protocol import GatewayReply, GatewayRequest
from suno_jobs.gateways.sandbox import answer
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.schedule import PollingSchedule
from suno_jobs.traffic.account_items import AccountItems, AtAccount, Item
from suno_jobs.traffic.accounts import Account
from suno_jobs.traffic.admission import Admission
from suno_jobs.traffic.calls import GatewayCalls
from suno_jobs.traffic.circuit_breaker import CircuitBreaker
from suno_jobs.traffic.client import REPLY_SECONDS
from suno_jobs.traffic.concurrency import Concurrency
from suno_jobs.traffic.rate_limiter import AHEAD_SECONDS, RateLimiter
from suno_jobs.traffic.submission_queue import QUEUE, SubmissionQueue

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from suno_jobs.gateways.protocol import Rate
    from suno_jobs.network.http import httpx
    from suno_jobs.runtime.secrets import Secret
    from suno_jobs.storage.update_expressions import Change
    from suno_jobs.traffic.health import Health

CHECK_SECONDS = 2
"""From the submission to the first check; the next ones are later, as for any job."""

LONGEST_SECONDS = 20
"""The longest time between two checks."""

GRACE_SECONDS = 10
"""How long the callback of a lost answer is awaited. It never comes."""

_NO_ACCOUNT = Account("none", "https://sandbox.invalid")


@dataclass(frozen=True, slots=True)
class NothingShared(AccountItems):
    """No item exists, and none is ever written."""

    client: DynamoDBClient = field(init=False, repr=False)
    table: str = field(init=False, repr=False)

    def get_at(self, item_key: Item) -> Item:  # noqa: ARG002
        return {}

    def change_at(self, item_key: Item, change: Change) -> Item | None:  # noqa: ARG002
        return None

    def delete_at(self, item_key: Item) -> None:
        """There is nothing to delete."""

    def find_at(self, begin: Item) -> Iterator[Item]:  # noqa: ARG002
        return iter(())


@dataclass(frozen=True, slots=True)
class NoQueue(SubmissionQueue):
    """A job that waits, since its slot is not before its deadline, is the only one."""

    items: AccountItems = field(init=False, default=NothingShared())

    def join(self, job: Job, head: int | None, *, now: int) -> str:  # noqa: ARG002
        return f"{QUEUE}{0:015d}#{job.job_id}"


@dataclass(frozen=True, slots=True)
class Unlimited(RateLimiter):
    """Every slot is now."""

    client: DynamoDBClient = field(init=False, repr=False)
    table: str = field(init=False, repr=False)

    def take(self, gateway: str, account: str, rate: Rate, *, now: float, ahead: float = AHEAD_SECONDS) -> float:  # noqa: ARG002
        return now


@dataclass(frozen=True, slots=True)
class SandboxCalls(GatewayCalls):
    """Requests that the sandbox answers itself."""

    client: httpx.Client = field(init=False, repr=False)
    accounts: Secret = field(init=False, repr=False)
    rate_limiter: RateLimiter = field(init=False, default=Unlimited())
    concurrency: Concurrency = field(init=False, default=Concurrency(NothingShared()))
    health: Health = field(init=False, repr=False)

    def record_outcome(self, job: Job, fault: Fault | None) -> None:
        """It says nothing about any gateway."""

    def account(self, job: Job) -> Account:  # noqa: ARG002
        return _NO_ACCOUNT

    def with_account(self, job: Job, of_sources: str | None) -> Job:  # noqa: ARG002
        return job

    def send(
        self,
        at: AtAccount,  # noqa: ARG002
        account: Account,  # noqa: ARG002
        request: GatewayRequest,
        reply_seconds: float = REPLY_SECONDS,  # noqa: ARG002
    ) -> GatewayReply:
        return answer(request, int(self.clock()))


def sandbox_admission(calls: SandboxCalls) -> Admission:
    """It is every job's turn at once."""
    items = calls.concurrency.items
    breaker = CircuitBreaker(items, 1, 0, calls.clock)
    return Admission(breaker, NoQueue(), calls.concurrency, calls.rate_limiter, calls.clock)


def sandbox_schedule(schedule: PollingSchedule) -> PollingSchedule:
    return replace(schedule, interval=min(schedule.interval, CHECK_SECONDS), longest=min(schedule.longest, LONGEST_SECONDS))
