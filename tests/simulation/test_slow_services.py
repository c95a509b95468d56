"""Services of AWS that are in trouble for minutes: no job is lost, and none is submitted twice."""

from __future__ import annotations

import pytest

from suno_jobs.catalog.kinds import Kind
from tests.simulation.faults import Order, Plan
from tests.simulation.invariants import violations
from tests.simulation.report import timeline
from tests.simulation.troubles import SLOW_SECONDS, Trouble, Troubles
from tests.simulation.world import START, World

TROUBLED_SECONDS = 600.0
WITHOUT_TROUBLE_SECONDS = 95.0
"""A job takes this long from its submission to its end."""


@pytest.mark.parametrize(
    ("services", "ended_before"),
    [
        (("s3", "events"), WITHOUT_TROUBLE_SECONDS + 12 * max(SLOW_SECONDS)),
        (("secretsmanager",), TROUBLED_SECONDS + 2 * WITHOUT_TROUBLE_SECONDS),
    ],
)
def test_a_job_ends_with_its_song_although_services_are_slow_or_throttled(
    services: tuple[str, ...], ended_before: float
) -> None:
    orders = tuple(Order(0.0, f"order-0-{number}-", ("ttapi",), Kind.MUSIC, {}) for number in range(2))
    troubles = Troubles(services={name: Trouble(0.0, TROUBLED_SECONDS, 1.0) for name in services})
    world = World(Plan(0, orders, troubles=troubles, faults_until=TROUBLED_SECONDS))
    with world.open():
        world.run()
    broken = violations(world)
    assert not broken, "\n".join([*map(str, broken), *(line for job_id in world.jobs() for line in timeline(world, job_id))])
    assert [item["state"]["S"] for item in world.jobs().values()] == ["SUCCEEDED", "SUCCEEDED"]
    ended = max(world.monitor.ends[job_id][0][0] for job_id in world.jobs())
    assert WITHOUT_TROUBLE_SECONDS < ended - START < ended_before
