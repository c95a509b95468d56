"""An operator adopts a task that a gateway created although it refused the submission of another tenant's job.

No report of these gateways repeats the callback URL.
"""

from __future__ import annotations

import pytest

from suno_jobs.catalog.kinds import Kind
from tests.simulation.faults import OTHER_TENANTS, Order, Plan
from tests.simulation.invariants import violations
from tests.simulation.report import timeline
from tests.simulation.world import World

UNREAD = 3.0
"""For so many reads, the gateway does not know the task that its callback names."""


@pytest.mark.parametrize(
    ("gateways", "reads", "actions"),
    [
        (("evolink",), "poll_not_found", ()),
        (("newapi",), "poll_server_error", ()),
        (("evolink", "ttapi"), "poll_not_found", ()),
        (("newapi",), "poll_not_found", ("cancel", "delete")),
        (("evolink", "ttapi"), "poll_not_found", ("cancel", "delete")),
    ],
)
@pytest.mark.parametrize("refusal", ["refused_after_create", "rejected_after_create"])
def test_a_task_that_only_a_callback_shows_belongs_to_its_submitter(
    gateways: tuple[str, ...], reads: str, actions: tuple[str, ...], refusal: str
) -> None:
    faults = {refusal: 10.0**6, "early_callback": 1.0, reads: UNREAD}
    requested = tuple((40.0 + 5 * number, action) for number, action in enumerate(actions))
    submitter = Order(0.0, "order-0-0-", gateways, Kind.MUSIC, faults, actions=requested)
    adopter = Order(60.0, "order-0-1-", gateways[:1], Kind.MUSIC, {}, tenant=OTHER_TENANTS[0], adopts="taken")
    world = World(Plan(0, (submitter, adopter), days=5.0))
    with world.open():
        world.run()
    submitted = world.job_ids[submitter.token]
    broken = violations(world)
    assert not broken, "\n".join([*map(str, broken), *timeline(world, submitted)])
    assert world.elsewhere[adopter.token].endswith(tuple(world.courier.submitters))
    assert adopter.token not in world.job_ids
