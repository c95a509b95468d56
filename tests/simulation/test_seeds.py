"""A seed can be replayed. The seeds themselves are run by ``make simulate``, which is part of ``make test``."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation import report
from tests.simulation.report import run_seed
from tests.world import ROOT

JOBS = 20
EVERY_FAULT = 46
"""A seed with slow calls, inaccurate clocks, crashes, and stale reads of the index."""

HISTORY = f"""
from tests.simulation.report import happenings
print(*happenings(7, {JOBS}), *happenings({EVERY_FAULT}, {JOBS}), sep="\\n")
"""


def test_a_seed_produces_the_same_world_in_every_process() -> None:
    """Otherwise a failure could not be replayed. The order of sets differs between processes."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    histories = {
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
    assert len(histories) == 1
    assert "state STORING -> SUCCEEDED" in histories.pop()


def test_a_broken_invariant_is_reported_with_the_command_that_replays_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "violations", lambda world: [(next(iter(world.jobs())), "I0: broken")])
    described = run_seed(7, 3)
    assert "python -m tests.simulation --start 7 --seeds 1 --jobs 3" in described
    assert "I0: broken" in described
    assert "state none -> ACCEPTED" in described
