"""GET /v1/usage: what a tenant has used in a month, and its limits."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, cast

from suno_jobs.errors import InvalidRequest
from suno_jobs.jobs.identifiers import mode_of
from suno_jobs.jobs.spending import MICROS
from suno_jobs.storage.usage import IN_PROGRESS, JOBS, SPENT, UsageStore, day_counter, month_of
from suno_jobs.tenants.tenant_list import TenantCache

if TYPE_CHECKING:
    from suno_jobs.tenants.answers import LimitsAnswer, UsageAnswer, UsedDayAnswer

MONTH_PATTERN = "2[0-9]{3}-(?:0[1-9]|1[0-2])"


@dataclass(frozen=True, slots=True)
class UsageReader:
    tenants: TenantCache
    usage: UsageStore
    clock: Callable[[], float]

    def read_usage(self, tenant: str, month: str | None) -> UsageAnswer:
        """``month`` as in ``2026-11``; None is the current one. Raises InvalidRequest."""
        now = self.clock()
        month = month_of(now) if month is None else month
        if not re.fullmatch(MONTH_PATTERN, month):
            raise InvalidRequest([{"parameter": "month", "detail": "must be a month, such as 2026-11"}])
        counters = self.usage.read(tenant, month)
        return {
            "month": month,
            "mode": mode_of(tenant),
            "jobs_in_progress": counters.get(IN_PROGRESS, 0),
            "jobs": counters.get(JOBS, 0),
            "usd": counters.get(SPENT, 0) / MICROS,
            "days": [_day_view(day, counters) for day in _days(month) if day <= datetime.fromtimestamp(now, UTC).date()],
            "limits": cast("LimitsAnswer", asdict(self.tenants.tenant(tenant).limits)),
        }


def _days(month: str) -> list[date]:
    year, number = map(int, month.split("-"))
    return [date(year, number, day) for day in range(1, calendar.monthrange(year, number)[1] + 1)]


def _day_view(day: date, counters: Mapping[str, Any]) -> UsedDayAnswer:
    spent = counters.get(day_counter(SPENT, day.day), 0)
    return {"day": day.isoformat(), "jobs": counters.get(day_counter(JOBS, day.day), 0), "usd": spent / MICROS}
