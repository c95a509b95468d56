"""That a seed can be replayed. The seeds themselves are run by ``make simulate``, which is a part of ``make test``."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation import report
from tests.simulation.faults import draw
from tests.simulation.report import run_seed
from tests.simulation.world import World
from tests.world import ROOT

JOBS = 20
LAGGING = 46
"""A seed with slow calls, clocks that are off, deaths, and an index that lags."""

HISTORY = """
from tests.simulation.test_seeds import LAGGING, happenings
print(*happenings(7), *happenings(LAGGING), sep="\\n")
"""


def happenings(seed: int) -> list[str]:
    world = World(draw(seed, JOBS))
    with world.open():
        world.run()
    return [f"{moment} {job_id} {what}" for moment, job_id, what in world.timeline]


def test_a_seed_is_the_same_world_in_every_process() -> None:
    """Otherwise a failure could not be replayed. The order of sets is what differs between processes."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = {
        subprocess.run(
            [sys.executable, "-c", HISTORY],
            cwd=ROOT,
            env={**environment, "PYTHONHASHSEED": number},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for number in ("1", "2")
    }
    assert len(told) == 1
    assert "state STORING -> SUCCEEDED" in told.pop()


def test_a_broken_invariant_is_told_with_the_command_that_replays_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "violations", lambda world: [(next(iter(world.jobs())), "I0: broken")])
    told = run_seed(7, 3)
    assert "python -m tests.simulation --start 7 --seeds 1 --jobs 3" in told
    assert "I0: broken" in told
    assert "state none -> ACCEPTED" in told
