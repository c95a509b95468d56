"""The sweep reads many tasks in one request where the gateway offers it, and leaves those alone that still run."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from suno_jobs.gateways.protocol import BatchReading
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import Attempt, FileTerms
from suno_jobs.jobs.states import JobState
from suno_jobs.lifecycle.recovery import SHORTEST_INTERVAL_SECONDS
from suno_jobs.network.http import httpx
from suno_jobs.runtime.executions import ExecutionState
from suno_jobs.traffic.batch_reads import BatchReader
from tests.builders import always, use_accounts
from tests.simulation.job_evidence import STUCK_SWEEPS
from tests.world import DEADLINE, PACE, FixedSecret, World


def acedata(world: World, number: int) -> str:
    """A job whose task is T{number}."""
    job_id = world.accept("acedata", f"key-{number}")
    job = world.jobs.submissions.begin_submission(world.job(job_id), "i", FileTerms(), now=world.now, due_at=world.now)
    world.jobs.submissions.accept_task(job, f"T{number}", now=world.now, due_at=world.now)
    return job_id


def timed_out(world: World, count: int) -> list[str]:
    jobs = [acedata(world, number) for number in range(count)]
    world.clock.sleep(DEADLINE)
    for job_id in jobs:
        world.jobs.finish(world.job(job_id), JobState.TIMED_OUT, None, now=world.now, recoverable_until=world.now + 10**6)
        world.job_finisher().finish_job(job_id)
        world.executions.states[job_id, 0] = ExecutionState.ENDED
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    return jobs


def gateway(*running: int) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        ids = json.loads(request.content)["ids"]
        done = {"success": True, "data": [{"id": "a", "audio_url": "https://cdn.example/a.mp3", "state": "succeeded"}]}
        items = [{"id": each, "request": {}, "response": {} if each in {f"T{n}" for n in running} else done} for each in ids]
        return httpx.Response(200, json={"items": items, "count": len(items)})

    return answer


def test_timed_out_jobs_whose_tasks_still_run_are_left_alone(world: World) -> None:
    jobs = timed_out(world, 3)
    world.wire.answers = [gateway(0, 2)]
    assert world.job_reconciler().reconcile_jobs(always).started == [jobs[1]]
    assert len(world.wire.requests) == 1
    assert (world.job_reconciler().reconcile_jobs(always).started, len(world.wire.requests)) == ([], 1)
    world.executions.states[jobs[1], 1] = ExecutionState.ENDED
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS * 2)
    assert world.job_reconciler().reconcile_jobs(always).started == [jobs[1]]


def test_a_batch_has_at_most_the_allowed_size_and_never_a_single_task(world: World) -> None:
    acedata_gateway = GATEWAYS["acedata"]
    assert isinstance(acedata_gateway, BatchReading)
    many = acedata_gateway.batch_size + 1
    jobs = timed_out(world, many)
    world.wire.answers = [gateway(*range(many))]
    swept = world.job_reconciler().reconcile_jobs(always)
    ids = [each for request in world.wire.requests for each in json.loads(request.content)["ids"]]
    assert len(ids) == len(set(ids)) == many - len(swept.started)
    assert set(swept.started) < set(jobs)
    assert all(len(json.loads(request.content)["ids"]) <= acedata_gateway.batch_size for request in world.wire.requests)


@pytest.mark.parametrize("state", [ExecutionState.RUNNING, ExecutionState.ENDED])
def test_an_open_job_whose_task_runs_is_resumed_only_if_no_execution_runs(world: World, state: ExecutionState) -> None:
    jobs = [acedata(world, number) for number in range(2)]
    for job_id in jobs:
        world.executions.states[job_id, 0] = state
    world.clock.sleep(PACE.slack)
    world.wire.answers = [gateway(0, 1)]
    swept = world.job_reconciler().reconcile_jobs(always)
    assert (swept.woken, set(swept.started)) == ([], set() if state is ExecutionState.RUNNING else set(jobs))


def test_at_its_deadline_a_job_is_woken_even_if_its_task_runs(world: World) -> None:
    jobs = [acedata(world, number) for number in range(2)]
    world.clock.sleep(DEADLINE)
    assert set(world.job_reconciler().reconcile_jobs(always).woken) == set(jobs)
    assert world.wire.requests == []


@pytest.mark.parametrize("broken", ["unreachable", "unreadable", "no account", "no slot"])
def test_tasks_that_cannot_be_read_together_are_checked_one_by_one(world: World, broken: str) -> None:
    jobs = timed_out(world, 2)
    world.wire.answers = [httpx.ConnectError("x") if broken == "unreachable" else httpx.Response(500, text="<html>")]
    if broken == "no account":
        use_accounts(world, FixedSecret({}))
    if broken == "no slot":
        world.use_up_slots(jobs[0])
    assert set(world.job_reconciler().reconcile_jobs(always).started) == set(jobs)


@pytest.mark.parametrize("interval", [60, 300, 420, 600])
def test_no_gateway_is_asked_first_by_every_sweep(world: World, monkeypatch: pytest.MonkeyPatch, interval: int) -> None:
    """If its request never returns, the sweep is stopped there, and no other gateway is asked."""
    monkeypatch.setattr(BatchReader, "_running", lambda *_: None)
    found = [world.job(acedata(world, number)) for number in range(2)]
    jobs = [replace(job, gateway=name) for name in ("acedata", "evolink", "newapi") for job in found]
    first = []
    for _ in range(STUCK_SWEEPS):
        groups = BatchReader(world.task_creator().calls).find_running(jobs)
        assert next(groups) == ([], ())
        first.append(next(groups)[0][0].gateway)
        world.clock.sleep(interval)
    assert {*first} == {"acedata", "evolink", "newapi"}


def test_after_one_refusal_no_further_batch_is_read(world: World) -> None:
    batch = GATEWAYS["acedata"]
    assert isinstance(batch, BatchReading)
    jobs = [world.job(job_id) for job_id in timed_out(world, 4)]
    many = [replace(job, attempts=(Attempt(0, f"{job.task_id}-{n}"),)) for n in range(batch.batch_size) for job in jobs]
    world.wire.answers = [httpx.Response(500, text="<html>")]
    assert not any(running for _, running in world.job_reconciler().find_running(many))
    assert len(world.wire.requests) == 1
