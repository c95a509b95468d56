# ruff: noqa: S311 - random orders, no secrets
"""Orders in test mode among the others: each ends as its marker says, and nothing of it leaves the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways.registry import GATEWAYS, gateways_offering
from suno_jobs.gateways.sandbox import Marker
from suno_jobs.jobs.identifiers import mode_of, mode_of_job, sandbox_of
from tests.simulation.faults import Order, Plan

if TYPE_CHECKING:
    from tests.simulation.job_evidence import JobEvidence
    from tests.simulation.world import World

TEST_ORDERS = 2
FIRST_NUMBER = 9000

MARKED_ENDS: Mapping[Marker, str] = {
    Marker.NONE: "SUCCEEDED",
    Marker.REFUSED: "FAILED",
    Marker.NO_CREDITS: "FAILED",
    Marker.AMBIGUOUS: "TIMED_OUT",
    Marker.FAILED: "FAILED",
    Marker.PARTIAL: "SUCCEEDED",
    Marker.NO_AUDIO: "TIMED_OUT",
    Marker.DAMAGED_FILE: "TIMED_OUT",
    Marker.SLOW: "SUCCEEDED",
    Marker.LATE: "SUCCEEDED",
    Marker.TIMED_OUT: "TIMED_OUT",
}
"""The last state of a song with that marker."""

ANSWERED_ENDS: Mapping[Marker, str] = {Marker.TIMED_OUT: "SUCCEEDED", Marker.NO_AUDIO: "FAILED"}
"""The same for an operation that its gateway answers with the result, where it is another one."""

OF_SONGS = frozenset({Marker.PARTIAL, Marker.DAMAGED_FILE})
"""These markers concern files, so lyrics fail, or succeed."""

SHARED = ("BUDGET#", "QUEUE#", "HEALTH", "BALANCE")
"""The partitions of what tenants share at a gateway account."""


def with_test_orders(plan: Plan) -> Plan:
    """A few orders more, with test keys of the plan's tenants, and a random stream of their own."""
    random = Random(f"sandbox {plan.seed}")
    tenants, latest = sorted(plan.tenants), max(order.at for order in plan.orders)
    orders = tuple(_order(plan.seed, number, random, random.choice(tenants), latest) for number in range(TEST_ORDERS))
    return replace(plan, orders=(*plan.orders, *orders))


def _order(seed: int, number: int, random: Random, tenant: str, latest: float) -> Order:
    kind = random.choice((Kind.MUSIC, Kind.MUSIC, Kind.LYRICS))
    offering = gateways_offering(kind)
    at = random.uniform(0.0, latest)
    action = (at + random.uniform(1.0, 200.0), random.choice(("cancel", "retry", "delete")))
    return Order(
        at=at,
        token=f"order-{seed}-{FIRST_NUMBER + number}-",
        gateways=tuple(random.sample(offering, random.choice((1, 2)))),
        kind=kind,
        faults={},
        repeats=(at + random.choice((1.0, 40.0)),) if random.random() < 0.3 else (),
        actions=(action,) if random.random() < 0.2 else (),
        resubmit=random.random() < 0.3,
        tenant=sandbox_of(tenant),
        marker=random.choice([*Marker, Marker.NONE, Marker.NONE]),
    )


def ends_as_its_marker_says(job: JobEvidence) -> Iterator[str]:
    """Functions that die or are late can only make it end later: by its deadline, or with a lost answer."""
    order, plan = job.order, job.world.plan
    expected = _expected(order)
    allowed = {expected} | ({"CANCELLED"} if job.cancel_requested else set())
    if plan.faults_until or plan.troubles.api:
        allowed |= {"TIMED_OUT", "SUCCEEDED"} if expected == "SUCCEEDED" else {"TIMED_OUT"}
    if job.state not in allowed:
        yield f"ended {job.state} in test mode, and not {expected}: {order.marker}"
    if job.state == "SUCCEEDED" and not job.tracks() and order.kind is Kind.MUSIC:
        yield "I4: SUCCEEDED in test mode without a track"
    if (cost := job.item.get("cost")) and cost["amount"]:
        yield f"a job in test mode has cost {cost['amount']}"
    if job.tasks:
        yield "a gateway has a task of a job in test mode"


def _expected(order: Order) -> str:
    if order.kind is Kind.LYRICS and order.marker in OF_SONGS:
        return "FAILED" if order.marker is Marker.PARTIAL else "SUCCEEDED"
    # The first gateway accepts the job, or each of them refuses it.
    if GATEWAYS[order.gateways[0]].kinds[order.kind].synchronous:
        return ANSWERED_ENDS.get(order.marker, MARKED_ENDS[order.marker])
    return MARKED_ENDS[order.marker]


def nothing_left_the_sandbox(world: World) -> Iterator[str]:
    yield from (f"a request of a job in test mode left: {request}" for request in world.network.of_test_jobs)
    for partition, items in world.jobs_table.items.items():
        if partition.startswith(SHARED):
            named = [sort for sort, item in items.items() if any(each in json.dumps(item) for each in (".test", "job_test_"))]
            yield from (f"{partition} {sort} is of a job in test mode" for sort in named)
    for tenant, listed in world.listed.items():
        mixed = [job_id for job_id in listed if mode_of_job(job_id) is not mode_of(tenant)]
        yield from (f"{job_id} is in the list of {tenant}" for job_id in mixed)
