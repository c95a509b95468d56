"""The crash matrix.

Each path of a job is run once to find every external call. It is then run again with a crash before and after each of these
calls, and with each call to AWS throttled. The same happens to as many further invocations that repeat the work as
FURTHER_CRASHES says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from unittest.mock import patch

import pytest

from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways.sandbox import Marker
from suno_jobs.jobs.identifiers import sandbox_of
from suno_jobs.lifecycle import resuming
from suno_jobs.storage import receipts
from suno_jobs.tenants.limits import Limits
from suno_jobs.webhooks.endpoints import SUBSCRIBED
from tests.simulation.crashes import READS, Boundary, Crash, CrashInjector
from tests.simulation.faults import TENANT, Order, Plan
from tests.simulation.invariants import violations
from tests.simulation.lambdas import FaultInjector
from tests.simulation.report import timeline
from tests.simulation.template import deploy
from tests.simulation.webhook_receivers import Receiver
from tests.simulation.world import World
from tests.unit.project.aws_calls import FURTHER, OPERATIONS, PARTS, reachable_actions, read_code
from tests.world import ROOT

ALWAYS = 10.0**6
Moment = Literal["before", "after", "throttled"]
MOST_REPEATS = int(os.environ.get("FURTHER_CRASHES", "0"))
"""How many further invocations crash at the same call."""
LOST = {"lost_callback": ALWAYS}
FAULTS_UNTIL = 300.0


@dataclass(frozen=True, slots=True)
class JobPath:
    """``end`` is the end of each job without crashes, ``at`` the times of the orders, ``retries`` the number of retried jobs.

    ``checks`` is how many an execution makes before it hands its job over.
    ``idle_accounts``: there are accounts at the other gateways too, which every sweep visits although they have no job. What
    happens there is the same on every path, so only two have them.

    ``refusing`` has faults of the next order at a gateway. ``died``: this path includes the crash of a function after its first
    call with that label. ``within``: only the calls of these functions are crashed; other paths have those of the others.
    ``adopts``: the order adopts a task from elsewhere; with an ``own_account``, its client does, otherwise an operator.
    ``marker``: the order is in test mode.
    """

    end: str
    gateway: str | tuple[str, ...] = "ttapi"
    kind: Kind = Kind.MUSIC
    faults: Mapping[str, float] = field(default_factory=dict)
    actions: tuple[tuple[float, str], ...] = ()
    inline_bytes: int = receipts.INLINE_BYTES
    checks: int = resuming.CHECKS_PER_EXECUTION
    at: tuple[float, ...] = (0.0,)
    died: tuple[str, str] | None = None
    refusing: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    resubmit: bool = False
    retries: int = 0
    deadline: int = 1200
    most_tasks: int | None = None
    within: tuple[str, ...] = ()
    adopts: str = ""
    own_account: bool = False
    marker: Marker | None = None
    receivers: tuple[Receiver, ...] = ()
    idle_accounts: bool = False

    def world(self, faults: FaultInjector) -> World:
        orders = tuple(
            Order(
                at=at,
                token=f"order-0-{number}-",
                gateways=(self.gateway,) if isinstance(self.gateway, str) else self.gateway,
                kind=self.kind,
                faults=self.faults,
                # With the same key, as a client does that got no answer.
                repeats=(at + 20, at + 50, at + 80),
                actions=self.actions,
                resubmit=self.resubmit,
                adopts=self.adopts,
                marker=self.marker or Marker.NONE,
                tenant=TENANT if self.marker is None else sandbox_of(TENANT),
            )
            for number, at in enumerate(self.at)
        )
        seconds = {"JobDeadlineSeconds": f"{self.deadline}", "AmbiguousSubmitGraceSeconds": f"{min(900, self.deadline // 2)}"}
        parameters = {"SweepIntervalMinutes": "10", **seconds}
        own = frozenset({("crun", TENANT)} if self.own_account else ())
        # A job that a crash leaves counted twice, or released never, would keep another one out.
        limits = {TENANT: Limits(jobs_in_progress=len(orders), jobs_per_day=len(orders) + self.retries)}
        plan = Plan(0, orders, faults_until=FAULTS_UNTIL, refusing=self.refusing, parameters=parameters, own_accounts=own)
        world = World(replace(plan, limits=limits, receivers=self.receivers), faults)
        for name in [*world.accounts]:
            if not self.idle_accounts and name.partition("/")[0] not in orders[0].gateways:
                del world.accounts[name]
        if self.most_tasks:
            world.studio.limit_tasks("ttapi", self.most_tasks)
        return world


# Each action is repeated until it succeeds.
CANCEL = ((30.0, "cancel"), (31.0, "cancel"), (60.0, "cancel"), (100.0, "cancel"))
RETRY = ((100.0, "retry"), (150.0, "retry"), (400.0, "retry"), (1300.0, "retry"))

SANDBOX_FUNCTIONS = ("CreateTaskFunction", "CheckTaskFunction", "StoreTrackFunction")

PATHS = {
    "success by callback": JobPath("SUCCEEDED", idle_accounts=True),
    "success by callback in stages": JobPath("SUCCEEDED", "sunoapi"),
    "success by poll": JobPath("SUCCEEDED", faults=LOST),
    "callback before the answer": JobPath("SUCCEEDED", "kie", faults={"callback_before_answer": ALWAYS}),
    "refused, then accepted": JobPath("SUCCEEDED", faults={"rate_limited": 2}),
    "refused, then accepted, callback lost": JobPath("SUCCEEDED", "crun", faults={"maintenance": 2, **LOST}),
    "refused for good": JobPath("FAILED", "anyint", faults={"quota_exhausted": ALWAYS}),
    "failed task": JobPath("FAILED", faults={"failed_task": ALWAYS}),
    "failed task, callback lost": JobPath("FAILED", "sunoapi", faults={"failed_task": ALWAYS, **LOST}),
    "ambiguous answer, recovered by callback": JobPath("SUCCEEDED", "crun", faults={"garbled_answer": ALWAYS}),
    "ambiguous to the end": JobPath("TIMED_OUT", faults={"garbled_answer": ALWAYS, **LOST}, deadline=400),
    "partial": JobPath("SUCCEEDED", "acedata", faults={"one_track_failed": ALWAYS}),
    "partial, callback lost": JobPath("SUCCEEDED", "kie", faults={"one_track_failed": ALWAYS, **LOST}),
    "synchronous operation": JobPath("SUCCEEDED", "acedata", Kind.LYRICS),
    "upload": JobPath("SUCCEEDED", "ttapi", Kind.UPLOAD),
    "a damaged file at first": JobPath("SUCCEEDED", faults={"damaged_audio": 2}),
    "files that are available late": JobPath("SUCCEEDED", "acedata", faults={"audio_404_first": 6}),
    "not done at the deadline": JobPath("TIMED_OUT", "acedata", faults={"slow_task": 50_000}, deadline=400, at=(0.0, 1.0)),
    "two jobs at an account that takes one task": JobPath("SUCCEEDED", at=(0.0, 1.0), most_tasks=1),
    "a check when all slots are taken": JobPath("FAILED", faults={"failed_task": ALWAYS}, at=(0.0, 0.0, 36.0)),
    "a file was uploaded and not recorded": JobPath("SUCCEEDED", died=("StoreTrackFunction", "s3.put_object")),
    "an event was sent and not recorded": JobPath("SUCCEEDED", died=("FinishJobFunction", "events.put_events")),
    "a song was paid for and not recorded": JobPath("SUCCEEDED", "kie", died=("CreateTaskFunction", "gateway.POST")),
    "a song was paid for and not recorded, callback lost": JobPath(
        "TIMED_OUT", "kie", faults=LOST, died=("CreateTaskFunction", "gateway.POST"), deadline=600
    ),
    "cancelled while its task runs": JobPath("CANCELLED", actions=CANCEL),
    "cancelled before its task is known": JobPath("CANCELLED", "crun", faults={"garbled_answer": ALWAYS}, actions=CANCEL),
    "deleted after its end": JobPath(
        "DELETED", "acedata", Kind.LYRICS, actions=((60.0, "delete"), (70.0, "delete")), inline_bytes=64
    ),
    "deleted while its operation is answered": JobPath(
        "DELETED", "acedata", Kind.LYRICS, {"slow_task": 15}, ((8.0, "cancel"), (8.5, "delete")), inline_bytes=64
    ),
    "failed, then retried": JobPath("FAILED", faults={"failed_task": ALWAYS}, actions=RETRY, retries=1),
    "late, and recovered by its callback": JobPath("SUCCEEDED", "acedata", faults={"slow_task": 500}, deadline=400),
    "late, and recovered by a sweep": JobPath(
        "SUCCEEDED", "crun", faults={"slow_task": 500, **LOST}, deadline=400, idle_accounts=True
    ),
    "refused, then accepted by another gateway": JobPath(
        "SUCCEEDED", ("ttapi", "crun"), refusing={"ttapi": {"quota_exhausted": ALWAYS}}
    ),
    "lost, then submitted again": JobPath("SUCCEEDED", faults={"dropped_connection": 1}, resubmit=True, deadline=600),
    "a gateway that never calls back": JobPath("SUCCEEDED", "newapi"),
    "handed over to its next execution": JobPath(
        "SUCCEEDED", "kie", faults={"slow_task": 300, **LOST}, checks=2, within=("CheckTaskFunction",)
    ),
    "failed and refunded": JobPath("FAILED", "evolink", faults={"failed_task": ALWAYS}),
    "lost, then repeated with its key": JobPath(
        "SUCCEEDED",
        "evolink",
        faults={"garbled_answer": ALWAYS, "outcome_unknown": 1, **LOST},
        within=("CreateTaskFunction",),
    ),
    "never arrived, then repeated with its key": JobPath(
        "SUCCEEDED", "evolink", faults={"dropped_connection": 1, **LOST}, within=("CreateTaskFunction",)
    ),
    "adopted": JobPath(
        "SUCCEEDED",
        "crun",
        adopts="task",
        own_account=True,
        within=("SubmitJobFunction", "CheckTaskFunction"),
    ),
    "adopted by an operator, but unknown": JobPath("FAILED", "sunoapi", adopts="unknown", within=("CheckTaskFunction",)),
    "in test mode": JobPath("SUCCEEDED", "sunoapi", marker=Marker.NONE, within=SANDBOX_FUNCTIONS),
    "in test mode, and its answer is lost": JobPath(
        "TIMED_OUT", "crun", marker=Marker.AMBIGUOUS, within=("CreateTaskFunction",), deadline=400
    ),
    "delivered to webhooks that fail": JobPath(
        "SUCCEEDED",
        "acedata",
        Kind.LYRICS,
        within=("FinishJobFunction", "DeliverWebhookFunction"),
        receivers=(Receiver(TENANT, 0, "fails", 8.0), Receiver(TENANT, 1, "is gone", ALWAYS)),
    ),
    "delivered to a webhook and not recorded": JobPath(
        "SUCCEEDED",
        died=("DeliverWebhookFunction", "webhook.POST"),
        within=("ReconcileJobsFunction",),
        receivers=(Receiver(TENANT, 0, "works", 0.0, events=(*SUBSCRIBED, "job.progress")),),
    ),
    "large replies": JobPath("SUCCEEDED", "sunoapi", faults={"garbled_answer": ALWAYS}, inline_bytes=64),
}


@pytest.mark.parametrize("name", PATHS)
def test_no_crash_at_any_boundary_breaks_an_invariant(name: str, record_property: Callable[[str, object], None]) -> None:
    path = PATHS[name]
    boundaries = [each for each in record(path) if not path.within or each.function in path.within]
    record_property("boundaries", len(boundaries))
    earlier = earlier_deaths(path)
    broken = []
    runs = 0
    for boundary, when in moments(boundaries):
        repeats = MOST_REPEATS
        while repeats >= 0:
            crash = Crash(boundary, when, repeats)
            broken += [what] if (what := violations_after(path, earlier, crash)) else []
            runs += 1
            # Where the call was reached less often than it would have crashed, fewer crashes are the same run.
            repeats = min(repeats, crash.count - 1) - 1
    record_property("runs", runs)
    assert not broken, f"\n{len(broken)} of {runs} runs broke an invariant, first:\n" + broken[0]


def moments(boundaries: list[Boundary]) -> list[tuple[Boundary, Moment]]:
    """A crash before a call leaves the same as a crash after the call before it, unless something happened between them.

    A crash after a call that only reads leaves the same as one before that call. The n-th call of a later invocation may be
    another, so with FURTHER_CRASHES there is a crash after every call.
    """
    begun = first_of_moments(boundaries)
    before: list[tuple[Boundary, Moment]] = [(each, "before") for each in boundaries if each in begun]
    after: list[tuple[Boundary, Moment]] = [(each, "after") for each in boundaries if MOST_REPEATS or each.label not in READS]
    throttled: list[tuple[Boundary, Moment]] = [(each, "throttled") for each in boundaries if each.is_aws]
    return before + after + throttled


def first_of_moments(boundaries: list[Boundary]) -> set[Boundary]:
    """The first call of each invocation, and those before which it waited or another process ran."""
    found = {(each.function, each.invocation, each.call): each.moment for each in boundaries}
    return {each for each in boundaries if found.get((each.function, each.invocation, each.call - 1)) != each.moment}


def test_a_crash_before_a_call_is_the_same_as_one_after_the_call_before_it_or_after_a_read() -> None:
    path = PATHS["success by callback"]
    boundaries = sorted(record(path), key=lambda each: (each.function, each.invocation, each.call))
    begun = first_of_moments(boundaries)
    after: dict[str, object] = {}
    for boundary in boundaries:
        before = remains(path, Crash(boundary, "before"))
        assert boundary in begun or before == after, boundary
        after = remains(path, Crash(boundary, "after"))
        assert boundary.label not in READS or before == after, boundary


def remains(path: JobPath, crash: Crash) -> dict[str, object]:
    """What became of the jobs, without identifiers: those are random."""
    world = run(path, CrashInjector((crash,)))
    states = [job["state"]["S"] for job in world.jobs().values()]
    return {"states": states, "ends": ends(world), "tasks": len(world.studio.tasks()), "files": len(world.s3.objects)}


def record(path: JobPath) -> list[Boundary]:
    faults = CrashInjector(earlier_deaths(path))
    world = run(path, faults)
    assert not violations(world)
    assert [job.get("state", {"S": "DELETED"})["S"] for job in world.jobs().values()] == [path.end] * (
        len(path.at) + path.retries
    )
    return faults.boundaries


def earlier_deaths(path: JobPath) -> tuple[Crash, ...]:
    if path.died is None:
        return ()
    clean = CrashInjector()
    run(path, clean)
    return (Crash(next(each for each in clean.boundaries if (each.function, each.label) == path.died), "after"),)


def violations_after(path: JobPath, earlier: tuple[Crash, ...], crash: Crash) -> str:
    """Empty if all invariants hold."""
    world = run(path, CrashInjector((*(replace(each, count=0) for each in earlier), crash)))
    assert crash.count
    broken = violations(world)
    if len(world.jobs()) != len(path.at) + path.retries:
        broken.append(("", f"{len(world.jobs())} jobs for {len(path.at)} orders"))
    lines = [f"{crash}", *(f"{job_id}: {what}" for job_id, what in broken)]
    return "\n".join([*lines, *(line for job_id in world.jobs() for line in timeline(world, job_id))]) if broken else ""


def run(path: JobPath, faults: FaultInjector) -> World:
    world = path.world(faults)
    with (
        patch.object(receipts, "INLINE_BYTES", path.inline_bytes),
        patch.object(resuming, "CHECKS_PER_EXECUTION", path.checks),
        world.open(),
    ):
        world.run()
    return world


REPEATED = {"CheckTaskFunction", "StoreTrackFunction", "FinishJobFunction"}
REPEATED_SECONDS = 30
"""Well below the time to the next sweep."""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_function_is_repeated_before_the_next_sweep(when: Literal["before", "after"]) -> None:
    path = PATHS["success by callback"]
    clean = CrashInjector()
    [expected] = ends(run(path, clean))
    boundaries = [each for each in clean.boundaries if each.function in REPEATED]
    assert {each.function for each in boundaries} == REPEATED
    for boundary in boundaries:
        [ended] = ends(run(path, CrashInjector((Crash(boundary, when),))))
        assert ended < expected + REPEATED_SECONDS, boundary


def ends(world: World) -> list[float]:
    """When each job ended first."""
    return [world.monitor.ends[job_id][0][0] for job_id in world.jobs()]


JOB_FUNCTIONS = (
    "SubmitJobFunction",
    "CreateTaskFunction",
    "ReceiveCallbackFunction",
    "CheckTaskFunction",
    "StoreTrackFunction",
    "FinishJobFunction",
    "CancelJobFunction",
    "DeleteJobFunction",
    "RetryJobFunction",
    "DeliverWebhookFunction",
    "ReconcileJobsFunction",
)
NOT_REACHED = {
    ("ReconcileJobsFunction", "states:SendTaskSuccess"),
    ("SubmitJobFunction", "lambda:InvokeFunction"),
}
"""Calls that no path reaches. One is for a wait that Step Functions does not end in time, since a job is due only after its
wait has ended. The last is for a client that prefers to wait for its answer; it changes nothing."""


def test_the_paths_cover_every_operation_that_the_code_can_reach() -> None:
    """The calls that the functions of a job can make are read from their source; each must be a boundary."""
    code = read_code(ROOT / "layers/core/python/suno_jobs")
    boundaries = {(each.function, each.label) for path in PATHS.values() for each in record(path)}
    covered = {(function, action) for function, label in boundaries for action in _actions(label)} | NOT_REACHED
    plans = deploy().functions
    reachable = {
        (name, each) for name in JOB_FUNCTIONS for each in reachable_actions(code, ROOT / plans[name].folder / "app.py")
    }
    assert reachable - covered == set()
    callers = {function for function, label in boundaries if label.startswith("gateway")}
    assert callers == {"CreateTaskFunction", "CheckTaskFunction", "ReconcileJobsFunction"}


def _actions(label: str) -> set[str]:
    """The IAM actions that permit a call."""
    operation = label.partition(".")[2]
    if operation == "transact_write_items":
        return {f"dynamodb:{action}" for action in PARTS.values()}
    return {OPERATIONS[operation], FURTHER.get(operation, OPERATIONS[operation])} if operation in OPERATIONS else set()
