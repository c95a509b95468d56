"""Runs one seed, and reports the invariants that it broke."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby

from tests.simulation.elsewhere import with_adoptions
from tests.simulation.faults import Plan, draw
from tests.simulation.invariants import violations
from tests.simulation.sandbox_jobs import with_test_orders
from tests.simulation.webhook_receivers import with_webhooks
from tests.simulation.world import START, World

MAX_TIMELINES = 3


def allow_deep_stacks() -> None:
    """A process of a world begins at the depth of the one that was running. In some worlds many begin at once."""
    sys.setrecursionlimit(20_000)


def run_seed(seed: int, jobs: int) -> str:
    """Empty if all invariants hold; otherwise the broken ones, the command that replays them, and timelines of the jobs."""
    world = World(plan_of(seed, jobs))
    with world.open():
        try:
            world.run()
        except Exception as error:
            error.add_note(_command(seed, jobs))
            raise
    return "\n".join(_describe(world, seed, jobs))


def _describe(world: World, seed: int, jobs: int) -> Iterator[str]:
    broken = sorted(violations(world))
    if not broken:
        return
    yield f"seed {seed}: {len(broken)} broken invariants; replay with: {_command(seed, jobs)}"
    yield f"  {world.plan.probabilities}, faults for {world.plan.faults_until:.0f} s, {dict(world.plan.parameters)}"
    for number, (job_id, reasons) in enumerate(groupby(broken, key=lambda each: each[0])):
        yield from (f"  {job_id or 'the world'}: {reason}" for _, reason in reasons)
        if job_id and number < MAX_TIMELINES:
            yield from timeline(world, job_id)


def plan_of(seed: int, jobs: int) -> Plan:
    return with_webhooks(with_test_orders(with_adoptions(draw(seed, jobs))))


def happenings(seed: int, jobs: int) -> list[str]:
    """Everything that happens in the world of a seed."""
    world = World(plan_of(seed, jobs))
    with world.open():
        world.run()
    return [f"{moment} {job_id} {what}" for moment, job_id, what in world.timeline]


def timeline(world: World, job_id: str) -> Iterator[str]:
    """Every change of state, gateway call, callback and fault of one job, with the seconds since the start."""
    for moment, subject, what in world.timeline:
        if subject == job_id:
            yield f"    {moment - START:10.3f}  {what}"


def _command(seed: int, jobs: int) -> str:
    return f"python -m tests.simulation --start {seed} --seeds 1 --jobs {jobs}"
