"""No execution reaches the 25,000 events at which Step Functions ends it, whatever the parameters are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from suno_jobs.catalog.kinds import Kind
from suno_jobs.lifecycle.resuming import CHECKS_PER_EXECUTION
from tests.simulation.asl import INVOKE
from tests.simulation.faults import Order, Plan
from tests.simulation.invariants import MOST_EVENTS, violations
from tests.simulation.world import World
from tests.world import ROOT

MACHINE: dict[str, Any] = json.loads((ROOT / "statemachine/suno_job.asl.json").read_text())
STATES: dict[str, dict[str, Any]] = MACHINE["States"]
CHECK = "Check Task"
EVENTS_PER_CHECK = 12
"""Of Await Signal and Check Task without a retry."""

EXTREME = {
    "FirstCheckSeconds": "1",
    "CheckIntervalSeconds": "1",
    "MaxCheckIntervalSeconds": "1",
    "JobDeadlineSeconds": "21600",
}


def most_events(state: dict[str, Any]) -> int:
    """Of the state when it needs all its retries: it begins and ends, and each try is scheduled, starts and ends. One that
    waits for its token also has an event for the call."""
    tries = 1 + sum(each["MaxAttempts"] for each in state.get("Retry", ())) if state["Type"] == "Task" else 0
    return 2 + tries * (3 if state.get("Resource") == INVOKE else 4)


def ways(name: str, passed: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The states of each way from this one to the next check, or to the end. None is passed twice."""
    assert name not in passed, "a loop without a check would not be counted"
    passed = (*passed, name)
    following = {each["Next"] for each in (STATES[name], *STATES[name].get("Catch", ())) if "Next" in each}
    if following - {CHECK} != following or not following:
        yield passed
    for each in following - {CHECK}:
        yield from ways(each, passed)


def test_an_execution_has_room_for_its_checks_even_if_every_state_needs_all_its_retries() -> None:
    begun = [*ways(MACHINE["StartAt"]), *ways(CHECK)]
    longest = max(sum(most_events(STATES[each]) for each in way) for way in begun)
    assert longest > 300
    assert 2 + (1 + CHECKS_PER_EXECUTION) * longest < MOST_EVENTS


def test_a_job_that_is_checked_every_second_goes_on_in_further_executions() -> None:
    order = Order(0.0, "order-1-1-", ("newapi",), Kind.MUSIC, {"slow_task": 2000.0})
    world = World(Plan(1, (order,), parameters=EXTREME))
    with world.open():
        world.run()
        assert violations(world) == []
        [job] = world.jobs().values()
        executions = [*world.state_machine.executions.values()]
    # In a single execution, these checks would be more events than that invariant permits.
    assert int(job["checks"]["N"]) * EVENTS_PER_CHECK > MOST_EVENTS
    assert {execution.status for execution in executions} == {"SUCCEEDED"}
    assert len(executions) == 1 + (int(job["checks"]["N"]) - 1) // CHECKS_PER_EXECUTION
