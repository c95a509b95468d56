"""Whether a tenant may have another job, and what a refusal says.

The header fields are those of draft-ietf-httpapi-ratelimit-headers-11. ``requests_per_second`` is approximate: it counts in
seconds of the clocks of the functions, so any other second may have twice as many. Every other limit is exact, since it is a
condition of the transaction that creates the job.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from suno_jobs.errors import QuotaExceeded
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.spending import MICROS
from suno_jobs.storage.usage import IN_PROGRESS, JOBS, SPENT, Bounds, UsageStore, day_counter, last_month, month_of
from suno_jobs.tenants.limits import Limits
from suno_jobs.tenants.tenant_list import TenantCache, TenantList

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

DAY_SECONDS = 86_400
NEXT_END_SECONDS = 30
"""A job may have ended after this."""
CARRIED_DAYS = 2
"""By then every job that was created in the month before has ended."""
CENT = MICROS // 100


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit: at most ``most`` of a counter, which begins again after ``reset_seconds``. A new job adds ``needs`` to it.

    The header fields count in units of ``scale``, with the name ``unit``; without one, in requests.
    """

    name: str
    counter: str
    most: int
    reset_seconds: int
    window_seconds: int | None = None
    needs: int = 1
    scale: int = 1
    unit: str | None = None

    def refuses(self, used: int) -> bool:
        return used + self.needs > self.most

    def policy(self) -> str:
        parts = {"q": self.most // self.scale, "w": self.window_seconds, "qu": self.unit and f'"{self.unit}"'}
        return f'"{self.name}"' + "".join(f";{name}={value}" for name, value in parts.items() if value is not None)

    def state(self, used: int) -> str:
        return f'"{self.name}";r={max(0, self.most - used) // self.scale};t={self.reset_seconds}'


def quotas_of(limits: Limits, at: float, counted: int) -> list[Quota]:
    """The limits of a tenant for a job that is created at that time and counts as ``counted``, except for that per second."""
    now = datetime.fromtimestamp(at, UTC)
    to_midnight = DAY_SECONDS - int(at) % DAY_SECONDS
    days = calendar.monthrange(now.year, now.month)[1]
    to_next_month = to_midnight + (days - now.day) * DAY_SECONDS
    month = (to_next_month, days * DAY_SECONDS)
    found = []
    if (most := limits.jobs_in_progress) is not None:
        found.append(Quota("jobs-in-progress", IN_PROGRESS, most, NEXT_END_SECONDS, unit="concurrent-requests"))
    if (most := limits.jobs_per_day) is not None:
        found.append(Quota("jobs-per-day", day_counter(JOBS, now.day), most, to_midnight, DAY_SECONDS))
    if (most := limits.jobs_per_month) is not None:
        found.append(Quota("jobs-per-month", JOBS, most, *month))
    if (usd := limits.usd_per_month) is not None:
        # Also a job without a known price needs something: once everything is spent, none is created.
        needs = max(1, counted)
        found.append(Quota("usd-per-month", SPENT, round(usd * MICROS), *month, needs=needs, scale=CENT, unit="usd-cents"))
    return found


@dataclass(frozen=True, slots=True)
class Quotas:
    tenants: TenantCache
    usage: UsageStore
    clock: Callable[[], float]

    def take_request(self, tenant: str) -> None:
        """Counts a request if the tenant has a limit per second. Raises QuotaExceeded."""
        most, second = self.tenants.tenant(tenant).limits.requests_per_second, int(self.clock())
        if most is not None and (most == 0 or not self.usage.take_request(tenant, second, most)):
            raise _refusal([(Quota("requests-per-second", "requests", most, 1, 1), most)])

    def bounds(self, job: Job) -> Bounds:
        """The most that each counter may be at before the job is added."""
        quotas = self._quotas(job)
        return {each.counter: each.most - each.needs - self._carried(job, each) for each in quotas}

    def check(self, job: Job) -> None:
        """Raises QuotaExceeded, unless enough jobs have ended since the counters were too high."""
        quotas = self._quotas(job)
        usage = self.usage.read(job.tenant, month_of(job.created_at)) if quotas else {}
        used = [(each, usage.get(each.counter, 0) + self._carried(job, each)) for each in quotas]
        if any(quota.refuses(number) for quota, number in used):
            raise _refusal(used)

    def _quotas(self, job: Job) -> list[Quota]:
        return quotas_of(self.tenants.tenant(job.tenant).limits, job.created_at, job.counted)

    def _carried(self, job: Job, quota: Quota) -> int:
        """Jobs in progress of the month before. No job is added to them, so their number only falls."""
        if quota.counter != IN_PROGRESS or datetime.fromtimestamp(job.created_at, UTC).day > CARRIED_DAYS:
            return 0
        return self.usage.read(job.tenant, last_month(job.created_at)).get(IN_PROGRESS, 0)


def _refusal(used: Sequence[tuple[Quota, int]]) -> QuotaExceeded:
    states = [(quota, quota.state(number)) for quota, number in used if quota.refuses(number)]
    reached = [quota for quota, _ in states]
    names = ", ".join(quota.name for quota in reached)
    return QuotaExceeded(
        f"Your tenant has reached its limit {names}. Nothing was recorded, and nothing is charged.",
        [quota.name for quota in reached],
        {
            "Retry-After": str(max(quota.reset_seconds for quota in reached)),
            # Only these: no window in this field may end after Retry-After.
            "RateLimit": ", ".join(state for _, state in states),
            "RateLimit-Policy": ", ".join(quota.policy() for quota, _ in used),
        },
    )


def connect(dynamodb: DynamoDBClient, table: str, clock: Callable[[], float], monotonic: Callable[[], float]) -> Quotas:
    return Quotas(TenantCache(TenantList(dynamodb, table), monotonic), UsageStore(dynamodb, table), clock)
