"""A gateway whose calls never return, for longer than a job is open."""

from __future__ import annotations

from math import inf

from suno_jobs.catalog.kinds import Kind
from tests.simulation.faults import Order, Plan
from tests.simulation.invariants import violations
from tests.simulation.network import Manner
from tests.simulation.report import timeline
from tests.simulation.troubles import Trouble, Troubles
from tests.simulation.world import World

NEVER_DONE = {"lost_callback": 10**6, "slow_task": 10**5}
SILENT_HOURS = 9
MOST_CHECKS = 120
"""About seven for each of the runs of recovery, and those before the deadline."""


def test_i6_jobs_whose_reads_never_return_end_soon_after_their_deadline() -> None:
    orders = tuple(Order(13.0 * number, f"order-0-{number}-", ("crun",), Kind.MUSIC, NEVER_DONE) for number in range(8))
    for seed, began in enumerate((30.0, 400.0, 800.0, 1180.0)):
        world = World(Plan(seed, orders, troubles=Troubles({"crun": Trouble(began, inf, 1.0, Manner.STUCK)})))
        with world.open():
            world.run()
        assert {item["state"]["S"] for item in world.jobs().values()} == {"TIMED_OUT"}
        assert not violations(world)


def test_i11_the_song_of_a_gateway_that_was_silent_for_hours_is_recovered() -> None:
    order = Order(0.0, "order-0-0-", ("crun",), Kind.MUSIC, {"lost_callback": 10**6})
    troubles = Troubles({"crun": Trouble(30.0, SILENT_HOURS * 3600.0, 1.0, Manner.STUCK)})
    world = World(Plan(0, (order,), troubles=troubles, faults_until=SILENT_HOURS * 3600.0, days=2.0))
    with world.open():
        world.run()
    [(job_id, item)] = world.jobs().items()
    broken = violations(world)
    assert not broken, "\n".join([*map(str, broken), *timeline(world, job_id)])
    assert item["state"]["S"] == "SUCCEEDED"
    assert len(world.lambdas.begun["CheckTaskFunction"]) < MOST_CHECKS
