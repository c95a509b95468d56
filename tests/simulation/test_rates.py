# ruff: noqa: S311 - delays, no secrets
"""I7: the rate limit holds although functions are late for their slots."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest

from tests.simulation.crashes import CrashInjector
from tests.simulation.invariants import violations
from tests.simulation.lambdas import Invocation
from tests.simulation.test_fairness import Shared, songs

pytestmark = pytest.mark.usefixtures("deep_stack")

SONGS = 60


@dataclass(slots=True)
class Lateness(CrashInjector):
    """Some sleeps last up to ``overrun`` seconds longer, and some writes to the table take up to ``write`` seconds."""

    overrun: float = 0.0
    write: float = 0.0
    start: float = 0.0
    random: Random = field(default_factory=lambda: Random(1))

    def start_seconds(self) -> float:
        return self.random.uniform(0, self.start)

    def overrun_seconds(self) -> float:
        return self._some(self.overrun)

    def after(self, invocation: Invocation, label: str) -> None:
        CrashInjector.after(self, invocation, label)
        if self.write and label == "dynamodb.update_item":
            invocation.spend(self._some(self.write))

    def _some(self, most: float) -> float:
        return self.random.uniform(0, most) if self.random.random() < 0.5 else 0.0


@pytest.mark.parametrize("late", [Lateness(overrun=0.9), Lateness(write=0.9, start=10.0)])
def test_i7_functions_that_are_late_for_their_slots_take_others(late: Lateness) -> None:
    burst = songs("acme", SONGS)
    shared = Shared(burst, faults=late)
    with shared.open():
        shared.run()
        assert violations(shared) == []
        assert shared.states(burst) == {"SUCCEEDED": SONGS}
        assert all(shared.tries(order) == 1 for _, order in burst)
