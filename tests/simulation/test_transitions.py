"""What a job costs at Step Functions, where each transition is billed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from suno_jobs.catalog.kinds import Kind
from tests.simulation.faults import Order, Plan
from tests.simulation.invariants import violations
from tests.simulation.world import World

ALWAYS = 10**6


def passed(gateway: str, faults: Mapping[str, float] | None = None) -> tuple[int, int]:
    """The transitions of one song with the start, and the number of its checks."""
    world = World(Plan(1, (Order(0.0, "order-1-1-", (gateway,), Kind.MUSIC, faults or {}),)))
    with world.open():
        world.run()
        assert violations(world) == []
        [job] = world.jobs().values()
        [execution] = world.state_machine.executions.values()
    assert job["state"]["S"] == "SUCCEEDED"
    return 1 + execution.transitions, int(job["checks"]["N"])


@pytest.mark.parametrize("gateway", ["ttapi", "crun", "acedata", "evolink"])
def test_a_job_by_one_callback_passes_six_transitions(gateway: str) -> None:
    assert passed(gateway) == (6, 1)


@pytest.mark.parametrize(
    ("gateway", "faults"),
    [("newapi", {}), ("ttapi", {"lost_callback": ALWAYS, "slow_task": 900}), ("sunoapi", {})],
    ids=["never calls back", "callback lost", "three callbacks"],
)
def test_a_further_wake_up_passes_two_transitions(gateway: str, faults: Mapping[str, float]) -> None:
    transitions, checks = passed(gateway, faults)
    assert checks > 1 or gateway == "sunoapi"
    assert transitions == 6 + 2 * (checks - 1)
