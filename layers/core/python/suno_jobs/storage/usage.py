"""What each tenant has used: one item for each month, in the partition ``USAGE#{tenant}``.

    {month}             the jobs that were created in that month: in progress, created, and what they are estimated to cost
    SECOND#{second}     requests of a tenant that has a limit per second; it expires

A job belongs to the month and day of its creation, in UTC. Each change is part of the transaction that creates or ends a job,
so the numbers are always those of the jobs. A deletion changes nothing. The item of a month stays below 1 KB.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from suno_jobs.errors import Conflict
from suno_jobs.jobs.record import Item, Job
from suno_jobs.jobs.spending import spending
from suno_jobs.storage.table import Table
from suno_jobs.storage.update_expressions import Change

IN_PROGRESS, JOBS, SPENT = "in_progress", "jobs", "spent"
DAY_SECONDS = 86_400
SECOND_KEPT_SECONDS = 3600

Bounds = Mapping[str, int]
"""The most that a counter may be at before a job is added."""


def usage_key(tenant: str, month: str) -> Item:
    return {"pk": f"USAGE#{tenant}", "sk": month}


def month_of(at: float) -> str:
    """As in ``2026-11``."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m}"


def last_month(at: float) -> str:
    """The month before."""
    return month_of(at - datetime.fromtimestamp(at, UTC).day * DAY_SECONDS)


def day_counter(name: str, day: int) -> str:
    """The counter of one day of the month."""
    return f"{name}_{day:02}"


def job_usage_key(job: Job) -> Item:
    return usage_key(job.tenant, month_of(job.created_at))


def creation(job: Job, bounds: Bounds) -> Change:
    """Counts a new job, on condition that no counter exceeds its bound."""
    change = Change(adds={IN_PROGRESS: 1, **_added(job, JOBS, 1), **_added(job, SPENT, job.counted)})
    for name, most in bounds.items():
        # A counter that does not exist is 0, and the bound may be less.
        absent = f"attribute_not_exists(#{name}) OR " if most >= 0 else ""
        change.require(f"{absent}#{name} <= :most_{name}", name, **{f"most_{name}": most})
    return change


def settlement(job: Job, after: Job) -> Change | None:
    """Releases a job that ends, and corrects what it counts as. None: there is nothing to change."""
    ends, correction = after.terminal and not job.terminal, spending(after) - job.counted
    if not after.terminal or not (ends or correction):
        return None
    return Change(adds={**({IN_PROGRESS: -1} if ends else {}), **(_added(job, SPENT, correction) if correction else {})})


def _added(job: Job, name: str, number: int) -> dict[str, int]:
    return {name: number, day_counter(name, datetime.fromtimestamp(job.created_at, UTC).day): number}


class UsageStore(Table):
    def read(self, tenant: str, month: str) -> Mapping[str, int]:
        """The counters of the month."""
        item: dict[str, Any] = self._get(usage_key(tenant, month)) or {}
        return {name: value for name, value in item.items() if name not in ("pk", "sk")}

    def take_request(self, tenant: str, second: int, most: int) -> bool:
        """Counts a request in that second. False: there were that many already."""
        change = Change(sets={"expires_at": second + SECOND_KEPT_SECONDS}, adds={"requests": 1})
        change.require("attribute_not_exists(#requests) OR #requests < :most", "requests", most=most)
        try:
            self._update(usage_key(tenant, f"SECOND#{second}"), change, "NONE")
        except Conflict:
            return False
        return True
