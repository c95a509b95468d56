"""The crash matrix: each path of a job is run once to find every call that it makes to the world outside, and then again with

a death before and after each of these calls, followed by none, one and two deaths of those that make up for the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal
from unittest.mock import patch

import pytest

from suno_jobs import receipts
from suno_jobs.vocabulary import Kind
from tests.simulation.crashes import Boundary, Deadly, Death
from tests.simulation.faults import Order, Plan
from tests.simulation.invariants import violations
from tests.simulation.lambdas import Weather
from tests.simulation.report import timeline
from tests.simulation.template import deploy
from tests.simulation.world import World
from tests.unit.aws_calls import OPERATIONS, PARTS, reachable_actions, read_code
from tests.world import ROOT

ALWAYS = 10.0**6
MOMENTS: tuple[Literal["before", "after"], ...] = ("before", "after")
FURTHER = (0, 1, 2)
LOST = {"lost_callback": ALWAYS}
DISTURBED_UNTIL = 300.0


@dataclass(frozen=True, slots=True)
class Path:
    """``end`` is how each job ends when nothing dies; ``at`` is when each is ordered, ``retries`` how many are done over.

    ``refusing``: what befalls the next order at a gateway. ``died``: in this path a function has died already, after the first
    call with that label.
    """

    end: str
    gateway: str | tuple[str, ...] = "ttapi"
    kind: Kind = Kind.MUSIC
    faults: Mapping[str, float] = field(default_factory=dict)
    actions: tuple[tuple[float, str], ...] = ()
    inline_bytes: int = receipts.INLINE_BYTES
    at: tuple[float, ...] = (0.0,)
    died: tuple[str, str] | None = None
    refusing: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    resubmit: bool = False
    retries: int = 0
    deadline: int = 1200

    def world(self, weather: Weather) -> World:
        orders = tuple(
            Order(
                at=at,
                token=f"order-0-{number}-",
                gateways=(self.gateway,) if isinstance(self.gateway, str) else self.gateway,
                kind=self.kind,
                faults=self.faults,
                # With the same key, as one does that got no answer.
                repeats=(at + 20, at + 50, at + 80),
                actions=self.actions,
                resubmit=self.resubmit,
            )
            for number, at in enumerate(self.at)
        )
        seconds = {"JobDeadlineSeconds": f"{self.deadline}", "AmbiguousSubmitGraceSeconds": f"{min(900, self.deadline // 2)}"}
        parameters = {"SweepIntervalMinutes": "10", **seconds}
        return World(Plan(0, orders, calm_at=DISTURBED_UNTIL, refusing=self.refusing, parameters=parameters), weather)


# Each wish is uttered until it is heard.
CANCEL = ((30.0, "cancel"), (31.0, "cancel"), (60.0, "cancel"), (100.0, "cancel"))
RETRY = ((100.0, "retry"), (150.0, "retry"), (400.0, "retry"), (1300.0, "retry"))

PATHS = {
    "success by callback": Path("SUCCEEDED"),
    "success by callback in stages": Path("SUCCEEDED", "sunoapi"),
    "success by poll": Path("SUCCEEDED", faults=LOST),
    "callback before the answer": Path("SUCCEEDED", "kie", faults={"callback_before_answer": ALWAYS}),
    "refused, then accepted": Path("SUCCEEDED", faults={"rate_limited": 2}),
    "refused, then accepted, callback lost": Path("SUCCEEDED", "crun", faults={"maintenance": 2, **LOST}),
    "refused for good": Path("FAILED", "anyint", faults={"quota_exhausted": ALWAYS}),
    "failed task": Path("FAILED", faults={"failed_task": ALWAYS}),
    "failed task, callback lost": Path("FAILED", "sunoapi", faults={"failed_task": ALWAYS, **LOST}),
    "ambiguous answer, healed by callback": Path("SUCCEEDED", "crun", faults={"garbled_answer": ALWAYS}),
    "ambiguous to the end": Path("TIMED_OUT", faults={"garbled_answer": ALWAYS, **LOST}, deadline=400),
    "partial": Path("SUCCEEDED", "acedata", faults={"one_track_failed": ALWAYS}),
    "partial, callback lost": Path("SUCCEEDED", "kie", faults={"one_track_failed": ALWAYS, **LOST}),
    "synchronous operation": Path("SUCCEEDED", "acedata", Kind.LYRICS),
    "upload": Path("SUCCEEDED", "ttapi", Kind.UPLOAD),
    "files that come late": Path("SUCCEEDED", "acedata", faults={"audio_404_first": 6}),
    "not done by the deadline": Path("TIMED_OUT", "acedata", faults={"slow_task": 50_000}, deadline=400, at=(0.0, 1.0)),
    # A task fails after 36 seconds, so that three requests come at once where the budget has two slots.
    "three jobs, two slots": Path("FAILED", faults={"failed_task": ALWAYS}, at=(0.0, 0.0, 36.0)),
    "a file was put and not recorded": Path("SUCCEEDED", died=("StoreTrackFunction", "s3.put_object")),
    "an event was sent and not recorded": Path("SUCCEEDED", died=("FinishJobFunction", "events.put_events")),
    "a song was paid for and not recorded": Path("SUCCEEDED", "kie", died=("CreateTaskFunction", "gateway.POST")),
    "the same, and no callback comes": Path(
        "TIMED_OUT", "kie", faults=LOST, died=("CreateTaskFunction", "gateway.POST"), deadline=600
    ),
    "cancelled while its task runs": Path("CANCELLED", actions=CANCEL),
    "cancelled before its task is known": Path("CANCELLED", "crun", faults={"garbled_answer": ALWAYS}, actions=CANCEL),
    "done over": Path("FAILED", faults={"failed_task": ALWAYS}, actions=RETRY, retries=1),
    "late, and healed by its callback": Path("SUCCEEDED", "acedata", faults={"slow_task": 500}, deadline=400),
    "late, and healed by a sweep": Path("SUCCEEDED", "crun", faults={"slow_task": 500, **LOST}, deadline=400),
    "refused, and done by another gateway": Path(
        "SUCCEEDED", ("ttapi", "crun"), refusing={"ttapi": {"quota_exhausted": ALWAYS}}
    ),
    "lost, and submitted again": Path("SUCCEEDED", faults={"dropped_connection": 1}, resubmit=True, deadline=600),
    "large replies": Path("SUCCEEDED", "sunoapi", faults={"garbled_answer": ALWAYS}, inline_bytes=64),
}


@pytest.mark.parametrize("name", PATHS)
def test_no_death_at_any_boundary_breaks_an_invariant(name: str, record_property: Callable[[str, object], None]) -> None:
    path = PATHS[name]
    boundaries = record(path)
    record_property("boundaries", len(boundaries))
    earlier = earlier_deaths(path)
    deaths = [Death(boundary, when, more) for boundary, when, more in product(boundaries, MOMENTS, FURTHER)]
    record_property("runs", len(deaths))
    broken = [what for death in deaths if (what := crash(path, earlier, death))]
    assert not broken, f"\n{len(broken)} of {len(deaths)} runs broke an invariant, first:\n" + broken[0]


def record(path: Path) -> list[Boundary]:
    weather = Deadly(earlier_deaths(path))
    world = run(path, weather)
    assert not violations(world)
    assert [job["state"]["S"] for job in world.jobs().values()] == [path.end] * (len(path.at) + path.retries)
    return weather.boundaries


def earlier_deaths(path: Path) -> tuple[Death, ...]:
    if path.died is None:
        return ()
    clean = Deadly()
    run(path, clean)
    return (Death(next(each for each in clean.boundaries if (each.function, each.label) == path.died), "after"),)


def crash(path: Path, earlier: tuple[Death, ...], death: Death) -> str:
    """Empty when all invariants hold."""
    world = run(path, Deadly((*(replace(each, struck=0) for each in earlier), death)))
    assert death.struck
    broken = violations(world)
    if len(world.jobs()) != len(path.at) + path.retries:
        broken.append(("", f"{len(world.jobs())} jobs for {len(path.at)} orders"))
    told = [f"killed {death}", *(f"{job_id}: {what}" for job_id, what in broken)]
    return "\n".join([*told, *(line for job_id in world.jobs() for line in timeline(world, job_id))]) if broken else ""


def run(path: Path, weather: Weather) -> World:
    world = path.world(weather)
    with patch.object(receipts, "INLINE_BYTES", path.inline_bytes), world.open():
        world.run()
    return world


ON_THE_WAY = (
    "SubmitJobFunction",
    "CreateTaskFunction",
    "ReceiveCallbackFunction",
    "CheckTaskFunction",
    "StoreTrackFunction",
    "FinishJobFunction",
    "ChangeJobFunction",
    "ReconcileJobsFunction",
)
NOT_ALONE = {("SubmitJobFunction", "dynamodb:GetItem"), ("ReconcileJobsFunction", "states:SendTaskSuccess")}
"""What follows only on a TransactionConflict, which the seeds have; and what is there for the case that Step Functions forgets
the end of a wait, for a job is due only after its wait has ended."""


def test_the_paths_come_to_every_operation_that_the_code_can_reach() -> None:
    """What the functions on a job's way may call is read from their source, and each of it is killed somewhere above."""
    code = read_code(ROOT / "layers/core/python/suno_jobs")
    boundaries = {(each.function, each.label) for path in PATHS.values() for each in record(path)}
    came_to = {(function, action) for function, label in boundaries for action in _actions(label)} | NOT_ALONE
    plans = deploy().functions
    reachable = {(name, each) for name in ON_THE_WAY for each in reachable_actions(code, ROOT / plans[name].folder / "app.py")}
    assert reachable - came_to == set()
    asking = {function for function, label in boundaries if label.startswith("gateway")}
    assert asking == {"CreateTaskFunction", "CheckTaskFunction", "ReconcileJobsFunction"}


def _actions(label: str) -> set[str]:
    """What permits a call."""
    operation = label.partition(".")[2]
    if operation == "transact_write_items":
        return {f"dynamodb:{action}" for action in PARTS.values()}
    return {OPERATIONS[operation]} if operation in OPERATIONS else set()
