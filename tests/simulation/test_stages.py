"""Callbacks in three stages, of more songs than the rate limit could read three times."""

from __future__ import annotations

from collections import Counter

from suno_jobs.catalog.kinds import Kind
from tests.simulation.faults import Order, Plan
from tests.simulation.invariants import violations
from tests.simulation.world import World

SONGS = 500
GATEWAY = "sunoapi"


def test_all_of_five_hundred_songs_with_callbacks_in_three_stages_are_stored() -> None:
    """20 requests in 10 s: 500 submissions and 500 reads need most of the time that a job has."""
    orders = tuple(Order(0.2 * number, f"order-1-{number}-", (GATEWAY,), Kind.MUSIC, {}) for number in range(SONGS))
    world = World(Plan(1, orders))
    with world.open():
        world.run()
        assert violations(world) == []
        assert Counter(job["state"]["S"] for job in world.jobs().values()) == {"SUCCEEDED": SONGS}
        requests = len(world.network.request_times[GATEWAY, "default"])
    assert 2 * SONGS <= requests <= 2.3 * SONGS


def test_the_stages_of_a_single_song_are_visible_early() -> None:
    world = World(Plan(1, (Order(0.0, "order-1-1-", (GATEWAY,), Kind.MUSIC, {}),)))
    with world.open():
        world.run()
        [item] = world.jobs().values()
        seen = [line for _, job, line in world.timeline if job == item["job_id"]["S"] and " GET answers" in line]
    assert len(seen) == 3
