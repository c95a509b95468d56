"""Reserved concurrency: what exceeds it waits for its turn in the state machine, and nothing else happens to it."""

from __future__ import annotations

from collections import Counter

import pytest

from suno_jobs.catalog.kinds import Kind
from tests.simulation.crashes import CrashInjector
from tests.simulation.faults import Order, Plan
from tests.simulation.invariants import violations
from tests.simulation.lambdas import Invocation
from tests.simulation.world import World

SONGS = 40
DOWNLOAD_SECONDS = 4.0
"""Of each file. A song has two tracks with an audio file and an image each."""


class SlowDownloads(CrashInjector):
    """Nothing crashes, but every download takes a while."""

    def before(self, invocation: Invocation, label: str) -> None:
        super().before(invocation, label)
        if label.startswith("cdn"):
            invocation.spend(DOWNLOAD_SECONDS)


@pytest.mark.parametrize("limit", [4, 8])
def test_songs_wait_for_the_limited_downloads_and_are_checked_once(limit: int) -> None:
    """A state that gives up too early would read the task at its gateway again and again, up to the deadline of the job."""
    orders = tuple(Order(0.2 * number, f"order-1-{number}-", ("ttapi",), Kind.MUSIC, {}) for number in range(SONGS))
    world = World(Plan(1, orders, parameters={"StoreTrackConcurrency": str(limit)}), SlowDownloads())
    with world.open():
        world.run()
        # They end late on purpose.
        assert [each for each in violations(world) if "after its first callback" not in str(each)] == []
        assert Counter(job["state"]["S"] for job in world.jobs().values()) == {"SUCCEEDED": SONGS}
    stored = world.lambdas.begun["StoreTrackFunction"]
    assert len(stored) == SONGS
    throttled = sum(line == "StoreTrackFunction is throttled" for _, _, line in world.timeline)
    assert throttled > 0
    assert {int(job["checks"]["N"]) for job in world.jobs().values()} == {1}
