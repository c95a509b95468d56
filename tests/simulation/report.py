"""One seed from beginning to end, and what is said of it when an invariant was broken."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from itertools import groupby

from tests.simulation.faults import draw
from tests.simulation.invariants import violations
from tests.simulation.world import START, World

MOST_TIMELINES = 3


def spare_the_collector() -> None:
    """Worlds leave millions of objects and hardly a cycle: collecting less often saves a twentieth of the time."""
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def run_seed(seed: int, jobs: int) -> str:
    """Empty when all invariants hold; else what was broken, the command to replay it, and the timelines of jobs at fault."""
    world = World(draw(seed, jobs))
    with world.open():
        try:
            world.run()
        except Exception as error:
            error.add_note(_command(seed, jobs))
            raise
    return "\n".join(_tell(world, seed, jobs))


def _tell(world: World, seed: int, jobs: int) -> Iterator[str]:
    broken = sorted(violations(world))
    if not broken:
        return
    yield f"seed {seed}: {len(broken)} broken invariants; replay with: {_command(seed, jobs)}"
    yield f"  {world.plan.chances}, calm after {world.plan.calm_at:.0f} s, {dict(world.plan.parameters)}"
    for number, (job_id, reasons) in enumerate(groupby(broken, key=lambda each: each[0])):
        yield from (f"  {job_id or 'the world'}: {reason}" for _, reason in reasons)
        if job_id and number < MOST_TIMELINES:
            yield from timeline(world, job_id)


def timeline(world: World, job_id: str) -> Iterator[str]:
    """Every change of state, call of a gateway, callback and mishap of one job, in seconds since the beginning."""
    for moment, subject, what in world.timeline:
        if subject == job_id:
            yield f"    {moment - START:10.3f}  {what}"


def _command(seed: int, jobs: int) -> str:
    return f"python -m tests.simulation --start {seed} --seeds 1 --jobs {jobs}"
