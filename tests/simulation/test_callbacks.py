"""No callback that was accepted is lost: whatever is down, it is delivered later, or it is a dead letter."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.simulation.crashes import CrashInjector
from tests.simulation.invariants import violations
from tests.simulation.lambdas import FunctionError, Invocation
from tests.simulation.test_crashes import JobPath, run
from tests.simulation.world import START, World

RECEIVER = "ReceiveCallbackFunction"
QUIET = JobPath("SUCCEEDED", at=(0.0, 1.0, 2.0))


@dataclass(slots=True)
class Outage(CrashInjector):
    """Lambda starts no receive_callback before ``until``, in seconds of the plan."""

    until: float = 0.0
    refused: list[float] = field(default_factory=list)

    def begin(self, invocation: Invocation) -> bool:
        if invocation.function == RECEIVER and invocation.began < START + self.until:
            self.refused.append(invocation.began)
            raise FunctionError("Lambda.TooManyRequestsException", "not started")
        return True


def stored(world: World) -> int:
    return sum(key.startswith("RECEIPT#callback#") for items in world.jobs_table.items.values() for key in items)


def test_a_throttled_function_receives_the_callbacks_when_it_starts_again() -> None:
    world = run(QUIET, Outage(until=600))
    assert (violations(world), stored(world), world.callback_queue.dead) == ([], 3, [])
    assert max(message.receives for message in world.callback_queue.sent) > 1


def test_what_fails_for_too_long_is_a_dead_letter_and_can_be_redriven() -> None:
    outage = Outage(until=10**9)
    world = QUIET.world(outage)
    with world.open():
        world.run()
        assert (violations(world), stored(world), len(world.callback_queue.dead)) == ([], 0, 3)
        assert {message.receives for message in world.callback_queue.sent} == {world.stack.queues["CallbackQueue"].max_receives}
        outage.until = 0.0
        world.callback_queue.redrive()
        world.loop.run(world.loop.now + 60)
    assert (violations(world), stored(world), world.callback_queue.dead) == ([], 3, [])


@pytest.mark.parametrize("lost", ["deleted", "forgotten"])
def test_the_invariant_sees_a_callback_that_was_accepted_and_lost(lost: str) -> None:
    world = run(QUIET, CrashInjector())
    assert violations(world) == []
    message = world.callback_queue.sent[0]
    job_id = message.subject
    if lost == "forgotten":
        message.deleted_at = None
    else:
        items = world.jobs_table.items[f"JOB#{job_id}"]
        for key in [key for key in items if key.startswith("RECEIPT#callback#")]:
            del items[key]
    assert any(job_id in what for _, what in violations(world))


def test_a_forged_callback_is_accepted_and_changes_nothing() -> None:
    world = QUIET.world(CrashInjector())
    with world.open():
        world.run()
        before = {key: dict(items) for key, items in world.jobs_table.items.items()}
        [job_id, *_] = world.jobs()
        forged = f"/v1/callbacks/ttapi/{job_id}/{'0' * 64}"
        assert world.deliver(forged, {"content-type": "application/json"}, b'{"forged": true}') == 200
        world.loop.run(world.loop.now + 10)
    message = world.callback_queue.sent[-1]
    assert (message.deleted_at is not None, message.receives) == (True, 1)
    assert {key: dict(items) for key, items in world.jobs_table.items.items()} == before
