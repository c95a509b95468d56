"""A sweep after all executions have died at once, and Step Functions describes only a few of them."""

from __future__ import annotations

from collections import Counter

import pytest

from suno_jobs.catalog.kinds import Kind
from tests.simulation import state_machine
from tests.simulation.faults import Order, Plan
from tests.simulation.invariants import violations
from tests.simulation.world import World

SONGS = 12


def test_throttled_descriptions_delay_jobs_and_lose_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_machine, "DESCRIPTIONS", 3.0)
    monkeypatch.setattr(state_machine, "DESCRIPTIONS_A_SECOND", 0.05)
    orders = tuple(Order(float(number), f"order-1-{number}-", ("ttapi",), Kind.MUSIC, {}) for number in range(SONGS))
    world = World(Plan(1, orders, faults_until=60.0, parameters={"SweepIntervalMinutes": "1"}))

    def stop_all() -> None:
        for name in list(world.state_machine.executions):
            arn = f"{world.state_machine.arn.replace(':stateMachine:', ':execution:')}:{name}"
            world.state_machine.stop_execution(executionArn=arn)

    with world.open():
        world.state_machine.descriptions = 3.0
        world.loop.spawn(stop_all, after=50.0)
        world.run()
        assert violations(world) == []
        assert Counter(job["state"]["S"] for job in world.jobs().values()) == {"SUCCEEDED": SONGS}
        assert '"complete":false' in world.logs.getvalue()
