"""The circuit breakers of a gateway account, shared by the whole fleet: while one is open, nothing is submitted there.

Each tenant has one, which holds that tenant only: a request that a gateway answers with 500 says nothing about the requests of
others. When the breakers of two tenants have opened and no submission has succeeded in between, that of the account opens too.
They do not apply to reads of tasks, since those are already paid for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.runtime import telemetry
from suno_jobs.storage.update_expressions import Change
from suno_jobs.traffic.account_items import AccountItems, Item
from suno_jobs.traffic.health import GATEWAY_FAULTS, breaker_key

if TYPE_CHECKING:
    from suno_jobs.jobs.record import Job

COUNTED_FAULTS = GATEWAY_FAULTS - {ErrorCode.MAINTENANCE}
"""A refusal for now costs nothing and has a backoff of its own."""

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Hold:
    """``seconds`` until a submission may be sent. ``probe``: the time of an open breaker is over, and one
    submission may be sent. ``by_tenant``: only the tenant's own breaker is open, or its probe was not sent yet."""

    seconds: int = 0
    by_tenant: bool = False
    probe: bool = False
    breakers: tuple[tuple[Item, Item], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """Opens for ``open_seconds`` after ``failures`` submissions of a tenant failed without a success in between.

    Only failures count that are not in the request and not certainly free of charge and temporary.
    """

    items: AccountItems
    failures: int
    open_seconds: int
    clock: Callable[[], float]

    def read(self, job: Job) -> Hold:
        keys = _keys(job)
        breakers = tuple((item_key, self.items.get_at(item_key)) for item_key in keys)
        now = int(self.clock())
        account, tenant = (max(0, item.get("open_until", 0) - now) for _, item in breakers)
        of_account, of_tenant = ("open_until" in item for _, item in breakers)
        by_tenant = account == 0 and of_tenant and (tenant > 0 or not of_account)
        return Hold(max(account, tenant), by_tenant, probe=of_account or of_tenant, breakers=breakers)

    def enter(self, job: Job, hold: Hold) -> bool:
        """Whether to send now, if ``hold`` allows a probe: one caller is the probe of each breaker whose time is over."""
        open_ones = [(item_key, item) for item_key, item in hold.breakers if "open_until" in item]
        for number, (item_key, item) in enumerate(open_ones):
            probe = Change(sets={"open_until": int(self.clock()) + self.open_seconds, "probe": job.job_id})
            probe.require("#open_until = :seen", "open_until", seen=item["open_until"])
            if self.items.change_at(item_key, probe) is None:
                self.withdraw(job, replace(hold, breakers=tuple(open_ones[:number])))
                return False
        return True

    def withdraw(self, job: Job, hold: Hold) -> None:
        """Takes back a probe that was not sent, so that another job can be the probe at once."""
        for item_key, item in hold.breakers:
            if "open_until" in item:
                back = Change(sets={"open_until": item["open_until"]}, removes=("probe",))
                self.items.change_at(item_key, back.require("#probe = :mine", "probe", mine=job.job_id))

    def record(self, job: Job, hold: Hold, fault: Fault | None) -> None:
        """Records how a submission went. A lost record does no harm. A refusal that does not count changes nothing."""
        try:
            if fault is None:
                self._close(hold)
            elif fault.code in COUNTED_FAULTS:
                self._count(job)
        except (AwsError, BotoCoreError) as error:
            telemetry.log.warning("circuit breaker not updated", gateway=job.gateway, reason=str(error))

    def _close(self, hold: Hold) -> None:
        closed = Change(sets={"failures": 0}, removes=("open_until", "probe", "first", "other"))
        for item_key, item in hold.breakers:
            if item.get("failures") or "open_until" in item or "first" in item:
                self.items.change_at(item_key, closed)

    def _count(self, job: Job) -> None:
        account_key, tenant_key = _keys(job)
        until = int(self.clock()) + self.open_seconds
        counted = self.items.change_at(tenant_key, Change(sets={"expires_at": until + DAY_SECONDS}, adds={"failures": 1}))
        if counted is None or counted["failures"] < self.failures:
            return
        opened = Change(sets={"open_until": until}).require("#failures >= :enough", "failures", enough=self.failures)
        if self.items.change_at(tenant_key, opened) is None:
            return
        telemetry.count("BreakerOpened", gateway=job.gateway)
        seen = self.items.change_at(account_key, Change(defaults={"first": job.tenant})) or {}
        if seen["first"] != job.tenant or "other" in seen:
            opened = Change(sets={"open_until": until}, defaults={"other": job.tenant})
            self.items.change_at(account_key, opened.require("attribute_exists(#first)", "first"))


def _keys(job: Job) -> tuple[Item, Item]:
    return breaker_key(job.gateway, job.account), breaker_key(job.gateway, job.account, job.tenant)
