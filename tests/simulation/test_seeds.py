"""Any thousand worlds: whatever goes wrong in them, the invariants hold."""

from __future__ import annotations

import pytest

from tests.simulation.report import run_seed

SEEDS = 1000
CHUNKS = 40
JOBS = 20


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_invariants_hold(chunk: int) -> None:
    failed = [report for seed in range(chunk, SEEDS, CHUNKS) if (report := run_seed(seed, JOBS))]
    assert not failed, "\n" + "\n\n".join(failed)
