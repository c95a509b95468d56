"""Limits of tenants: those of a seed, how a client reacts to a refusal, and the invariant that usage is what the jobs say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

from suno_jobs.jobs.identifiers import tenant_name
from suno_jobs.storage.attribute_values import unpack
from suno_jobs.tenants.limits import UNLIMITED, Limits
from tests.simulation.expressions import Item
from tests.simulation.state_monitor import ENDS

if TYPE_CHECKING:
    from tests.simulation.faults import Plan
    from tests.simulation.job_evidence import JobEvidence
    from tests.simulation.world import Response, World

USD_PER_UNIT = {"evolink": 0.0147, "kie": 0.005, "sunoapi": 0.005, "ttapi": 0.01}
"""Each is published by its gateway."""

PATIENCE_SECONDS = 60
"""A client that is asked to wait longer gives up."""
QUOTA_RETRIES = 6


def with_limits(plan: Plan, random: Random) -> Plan:
    """Small limits in a third of the plans, but not where the shares of tenants are watched because gateways take few tasks."""
    if plan.most_tasks or random.random() < 0.6:
        return plan
    return replace(plan, limits={tenant: _limits(random) for tenant in sorted(plan.tenants)})


def _limits(random: Random) -> Limits:
    return Limits(
        requests_per_second=random.choice((None, None, 1)),
        jobs_in_progress=random.choice((None, None, 2, 8)),
        jobs_per_day=random.choice((None, 6, 15)),
        jobs_per_month=random.choice((None, None, 12)),
        usd_per_month=random.choice((None, None, 0.1, 0.3)),
    )


def limits_of(limits: Mapping[str, Limits], tenant: str) -> Limits:
    """A sandbox has the limits of its tenant, and counters of its own."""
    return limits.get(tenant_name(tenant), UNLIMITED)


def quota_pause(response: Response) -> int | None:
    """The seconds after which the client tries again. None: no limit of the tenant refused the request, or for too long."""
    seconds = int(response.headers.get("retry-after", PATIENCE_SECONDS + 1))
    return seconds if response.status == 429 and seconds <= PATIENCE_SECONDS else None


@dataclass(eq=False, slots=True)
class UsageMonitor:
    """What the jobs say, by every write of their records. ``broken`` has the jobs that a limit forbade."""

    limits: Mapping[str, Limits]
    open_jobs: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    created: defaultdict[str, dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))
    counted: dict[str, int] = field(default_factory=dict)
    broken: list[tuple[str, str]] = field(default_factory=list)

    def written(self, old: Item, new: Item) -> None:
        if new.get("sk") != {"S": "JOB"} or "deleted_at" in new:
            return
        job = unpack(new)
        job_id, tenant = job["job_id"], job["tenant"]
        if not old:
            if not (job.get("adopts") and job["account"] == "default"):  # by an operator, whom no limit concerns
                self.broken += [(job_id, f"created although {each}") for each in self._reached(tenant, job)]
            self.open_jobs[tenant].add(job_id)
            self.created[tenant][job_id] = datetime.fromtimestamp(job["created_at"], UTC)
        if job["state"] in ENDS:
            self.open_jobs[tenant].discard(job_id)
        self.counted[job_id] = job["counted"]

    def _reached(self, tenant: str, job: dict[str, Any]) -> Iterator[str]:
        limits, at = limits_of(self.limits, tenant), datetime.fromtimestamp(job["created_at"], UTC)
        month = [job_id for job_id, then in self.created[tenant].items() if (then.year, then.month) == (at.year, at.month)]
        day = [job_id for job_id in month if self.created[tenant][job_id].day == at.day]
        found = {
            "jobs_in_progress": len(self.open_jobs[tenant]) + 1,
            "jobs_per_day": len(day) + 1,
            "jobs_per_month": len(month) + 1,
            "usd_per_month": (sum(self.counted[job_id] for job_id in month) + job["counted"]) / 1e6,
        }
        for name, number in found.items():
            most = getattr(limits, name)
            if most is not None and number > most:
                yield f"{name} is {most}"

    def usage(self) -> dict[tuple[str, str], dict[str, int]]:
        """By tenant and month, as the items have it, without zeros."""
        found: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for tenant, jobs in self.created.items():
            for job_id, at in jobs.items():
                spent = self.counted[job_id]
                counts = {"jobs": 1, f"jobs_{at:%d}": 1, "spent": spent, f"spent_{at:%d}": spent}
                found[tenant, f"{at:%Y-%m}"].update({**counts, "in_progress": int(job_id in self.open_jobs[tenant])})
        return {place: {name: number for name, number in counts.items() if number} for place, counts in found.items()}


def broken_usage(world: World) -> Iterator[tuple[str, str]]:
    yield from world.usage.broken
    told = {
        (partition.removeprefix("USAGE#"), sort): _counters(item)
        for partition, items in world.jobs_table.items.items()
        for sort, item in items.items()
        if partition.startswith("USAGE#") and not sort.startswith("SECOND#")
    }
    expected = world.usage.usage()
    for place in sorted(told.keys() | expected.keys()):
        if told.get(place) != expected.get(place):
            yield "", f"usage of {' in '.join(place)} is {told.get(place)}, but by the jobs {expected.get(place)}"
    for tenant, token, body in world.quota_refusals:
        names = body["violated-policies"]
        if limits_of(world.plan.limits, tenant) == UNLIMITED:
            yield "", f"{token} of {tenant}, which has no limits, was refused: {names}"


def _counters(item: Item) -> dict[str, int]:
    return {name: number for name, number in unpack(item).items() if name not in ("pk", "sk") and number}


def counts_its_cost(job: JobEvidence) -> Iterator[str]:
    """An ended job counts as what it costs by the last figure: for each task that was or may have been charged."""
    item = job.item
    cost, rate = item.get("cost"), USD_PER_UNIT.get(item["gateway"])
    paid = [attempt for attempt in item["attempts"] if attempt.get("end") != "refunded"]
    expected = round(cost["amount"] * rate * 1e6) * len(paid) if cost and rate and "adopts" not in item else 0
    if job.state in ENDS and item["counted"] != expected:
        yield f"counts as {item['counted']} millionths of USD, but has cost {expected}"
