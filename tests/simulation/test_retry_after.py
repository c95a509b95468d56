"""A gateway that refuses for now names the time of the next request, later than the job would come by itself."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from suno_jobs.catalog.kinds import Kind
from tests.simulation.faults import Order, Plan
from tests.simulation.invariants import violations
from tests.simulation.world import World

ALWAYS = 10**6
SONGS = 3
SLOW = {"slow_task": 400, "lost_callback": ALWAYS}
REFUSED: Mapping[str, tuple[str, str, Mapping[str, float]]] = {
    "a submission": ("crun", "", {"rate_limited": 2}),
    "a read": ("crun", "", {"poll_rate_limited": 2}),
    "a read of an adopted task": ("crun", "task", {"poll_rate_limited": 2}),
    "a batch read": ("acedata", "", {**SLOW, "poll_rate_limited": 2}),
    "a repetition": ("evolink", "", {"lost_callback": ALWAYS, "garbled_answer": ALWAYS, "repetition_rate_limited": 2}),
}


@pytest.mark.parametrize("refused", REFUSED)
def test_no_request_of_a_job_leaves_before_the_time_that_its_gateway_has_named(refused: str) -> None:
    gateway, adopts, faults = REFUSED[refused]
    # No read of the first song is refused, so a later one can be read along with it.
    each_has: list[Mapping[str, float]] = [SLOW, *(SONGS - 1) * [{**faults, "retry_after": 200}]]
    orders = [
        Order(20.0 * number, f"order-1-{number}-", (gateway,), Kind.MUSIC, each, adopts=adopts)
        for number, each in enumerate(each_has)
    ]
    world = World(Plan(1, tuple(orders)))
    with world.open():
        world.run()
        named = [each for requests in world.network.sent.values() for each in requests if each.retry_at]
        assert violations(world) == []
        assert {job["state"]["S"] for job in world.jobs().values()} == {"SUCCEEDED"}
    assert len(named) >= 2
