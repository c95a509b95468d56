"""A sweep while one gateway is in trouble: the jobs of the other gateways are resumed all the same, and first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.protocol import GatewayReply, GatewayRequest, ReadFailed, Reading, TaskReport, TaskStatus
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import FileTerms
from suno_jobs.network.http import httpx
from suno_jobs.runtime.executions import ExecutionState
from suno_jobs.traffic import batch_reads
from suno_jobs.traffic.batch_reads import REPLY_SECONDS, SLOW_SECONDS
from suno_jobs.traffic.client import CONNECT_SECONDS
from tests.builders import always
from tests.world import DEADLINE, PACE, World

BATCH = 2


class Batching:
    """A gateway that reads two tasks in one request; it reports each of them as running."""

    batch_size = BATCH

    def __init__(self, name: str) -> None:
        self.name = name

    def batch_request(self, task_ids: Sequence[str]) -> GatewayRequest:
        return GatewayRequest("GET", f"/{self.name}", params={"ids": ",".join(task_ids)})

    def read_batch(self, kinds: Mapping[str, Kind], reply: GatewayReply) -> Mapping[str, Reading] | ReadFailed:
        assert reply.status == 200
        return dict.fromkeys(kinds, TaskReport(TaskStatus.PENDING))


@pytest.fixture(autouse=True)
def _two_gateways_that_read_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    batching = {name: Batching(name) for name in ("acedata", "crun")}
    monkeypatch.setattr(batch_reads, "gateway_of", lambda job: batching.get(job.gateway) or GATEWAYS[job.gateway])


def running_jobs(world: World, gateway: str, count: int) -> list[str]:
    """Jobs with a task whose execution has ended, so that a sweep starts the next one, and that are due."""
    jobs = []
    for number in range(count):
        job_id = world.accept(gateway, f"{gateway}-{number}")
        job = world.jobs.submissions.begin_submission(world.job(job_id), "i", FileTerms(), now=world.now, due_at=world.now)
        world.jobs.submissions.accept_task(job, f"{gateway}-T{number}", now=world.now, due_at=world.now)
        world.executions.states[job_id, 0] = ExecutionState.RUNNING
        jobs.append(job_id)
    return jobs


def asked(world: World) -> list[str]:
    return [request.url.path.strip("/") for request in world.wire.requests]


class Gateways:
    """Each answers after a second, except that the ``troubled`` one takes ``seconds`` and then fails with ``error``, if any."""

    def __init__(self, world: World, troubled: str, seconds: float, error: httpx.TransportError | None) -> None:
        self.world = world
        self.troubled = troubled
        self.seconds = seconds
        self.error = error

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == f"/{self.troubled}":
            self.world.clock.sleep(self.seconds)
            if self.error:
                raise self.error
        else:
            self.world.clock.sleep(1)
        return httpx.Response(200, json={})


@pytest.mark.parametrize("troubled", ["acedata", "crun"])
@pytest.mark.parametrize(
    ("seconds", "error"),
    [(10.0, httpx.ReadTimeout("drip")), (0.0, httpx.ConnectError("down")), (SLOW_SECONDS + 0.1, None)],
    ids=["hangs", "down", "slow"],
)
def test_a_gateway_in_trouble_is_asked_once_and_the_others_as_ever(
    world: World, troubled: str, seconds: float, error: httpx.TransportError | None
) -> None:
    jobs = {name: running_jobs(world, name, 3 * BATCH) for name in ("acedata", "crun")}
    healthy = "crun" if troubled == "acedata" else "acedata"
    world.clock.sleep(PACE.slack)
    world.wire.answers = [Gateways(world, troubled, seconds, error)]
    began = world.now
    swept = world.job_reconciler().reconcile_jobs(always)
    assert asked(world).count(troubled) == 1
    assert asked(world).count(healthy) == 3
    assert swept.complete
    assert world.now - began <= CONNECT_SECONDS + REPLY_SECONDS + 3
    assert not set(swept.woken) & set(jobs[healthy]), "their tasks are certainly running"
    left_alone = BATCH if error is None else 0
    assert len(set(swept.woken) & set(jobs[troubled])) == 3 * BATCH - left_alone


def test_without_a_slot_for_one_batch_the_next_one_is_read(world: World) -> None:
    jobs = running_jobs(world, "acedata", 2 * BATCH)
    world.clock.sleep(PACE.slack)
    world.use_up_slots(jobs[0])
    reconciler, original = world.job_reconciler(), world.executions.state

    def state(job_id: str, number: int) -> ExecutionState:
        world.clock.sleep(1)
        return original(job_id, number)

    world.executions.state = state  # type: ignore[method-assign]
    world.wire.answers = [httpx.Response(200, json={})]
    assert len(reconciler.reconcile_jobs(always).woken) == BATCH
    assert len(world.wire.requests) == 1


def test_the_trouble_is_forgotten_by_the_next_sweep(world: World) -> None:
    running_jobs(world, "crun", BATCH)
    world.wire.answers = [httpx.ConnectError("down")]
    reconciler = world.job_reconciler()
    for sweep in range(1, 3):
        world.clock.sleep(PACE.slack)
        reconciler.reconcile_jobs(always)
        assert len(world.wire.requests) == sweep


def test_what_needs_no_gateway_is_settled_first(world: World) -> None:
    waiting = running_jobs(world, "acedata", BATCH)
    others = [world.accept(key=f"key-{number}") for number in range(3)] + running_jobs(world, "ttapi", 2)
    single = running_jobs(world, "crun", 1)
    world.clock.sleep(PACE.slack + 1)
    resumed: list[str] = []
    before: list[str] = []
    original = world.executions.state

    def state(job_id: str, number: int) -> ExecutionState:
        resumed.append(job_id)
        return original(job_id, number)

    def hang(_: httpx.Request) -> httpx.Response:
        before.extend(resumed)
        raise httpx.ReadTimeout("drip")

    world.executions.state = state  # type: ignore[method-assign]
    world.wire.answers = [hang]
    swept = world.job_reconciler().reconcile_jobs(always)
    assert sorted(before) == sorted([*others, *single])
    assert sorted(swept.woken) == sorted([*others, *single, *waiting])


def test_i6_a_job_past_its_deadline_is_settled_before_any_gateway_is_asked(world: World) -> None:
    late = running_jobs(world, "acedata", BATCH)
    world.clock.sleep(DEADLINE - PACE.slack)
    waiting = running_jobs(world, "crun", BATCH)
    world.clock.sleep(PACE.slack + 1)
    before: list[str] = []

    def hang(_: httpx.Request) -> httpx.Response:
        signalled = [item["job_id"]["S"] for item in world.items("JOB") if "signalled" in item]
        before.extend(job_id for job_id in signalled if job_id in late)
        raise httpx.ReadTimeout("drip")

    world.wire.answers = [hang]
    swept = world.job_reconciler().reconcile_jobs(always)
    assert sorted(before) == sorted(late)
    assert asked(world) == ["crun"]
    assert sorted(swept.woken) == sorted([*late, *waiting])


def test_no_batch_is_read_once_the_time_is_over(world: World) -> None:
    running_jobs(world, "acedata", BATCH)
    jobs = running_jobs(world, "ttapi", 2)
    world.clock.sleep(PACE.slack)
    left = iter([*[True] * (BATCH + 2), *[True] * 2, True, False])
    swept = world.job_reconciler().reconcile_jobs(lambda: next(left))
    assert (len(swept.woken), swept.complete, world.wire.requests) == (1, False, [])
    assert set(swept.woken) < set(jobs)


def test_a_batch_that_breaks_leaves_no_job_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = running_jobs(world, "acedata", 2 * BATCH) + running_jobs(world, "crun", BATCH)

    def broken(*_: object) -> Any:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(Batching, "read_batch", broken)
    world.clock.sleep(PACE.slack)
    world.wire.answers = [httpx.Response(200)]
    with pytest.raises(ExceptionGroup) as failed:
        world.job_reconciler().reconcile_jobs(always)
    assert [error.__notes__ for error in failed.value.exceptions] == [["batch read"]]
    assert len(world.wire.requests) == 1
    running_jobs_left = [job_id for job_id in jobs if job_id in world.due(0)]
    assert running_jobs_left == []


@pytest.mark.parametrize("answer", ["refused", "down", "well"])
def test_health_learns_how_a_batch_read_went(world: World, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.undo()
    jobs = running_jobs(world, "acedata", 2)
    world.clock.sleep(PACE.slack)
    refused = httpx.Response(401, json={"success": False, "error": {"code": "invalid_token", "message": "bad token"}})
    items = [{"id": f"acedata-T{number}", "request": {}, "response": {}} for number in range(2)]
    well = httpx.Response(200, json={"items": items, "count": 2})
    answers: dict[str, httpx.Response | Exception] = {"refused": refused, "down": httpx.ReadTimeout("drip"), "well": well}
    world.wire.answers = [answers[answer]]
    swept = world.job_reconciler().reconcile_jobs(always)
    health = world.calls().health.read("acme")["acedata"]
    expected = {"refused": ErrorCode.AUTHENTICATION, "down": ErrorCode.GATEWAY_ERROR, "well": None}[answer]
    assert (health["status"], health["last_error"]) == ("ok" if expected is None else "failing", expected)
    assert set(swept.woken) == (set() if answer == "well" else set(jobs))
    assert json.loads(world.wire.requests[0].content)["ids"]
