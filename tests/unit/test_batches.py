"""The sweep asks for many tasks at once where the gateway can, and leaves alone what still runs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from suno_jobs.care import SOONEST_SECONDS
from suno_jobs.gateways import GATEWAYS
from suno_jobs.gateways.base import BatchReading
from suno_jobs.secret import Secret
from suno_jobs.transitions import JobState
from suno_jobs.workflow import ExecutionState
from tests.unit.test_care import always
from tests.world import DEADLINE, PACE, FixedSecret, World

RUNNING: dict[str, Any] = {"request": {}, "response": {}}


def acedata(world: World, number: int) -> str:
    """A job whose task is T{number}."""
    job_id = world.accept("acedata", f"key-{number}")
    job = world.jobs.begin_submission(world.job(job_id), "i", now=world.now, due_at=world.now)
    world.jobs.accept_task(job, f"T{number}", now=world.now, due_at=world.now)
    return job_id


def timed_out(world: World, count: int) -> list[str]:
    jobs = [acedata(world, number) for number in range(count)]
    world.clock.sleep(DEADLINE)
    for job_id in jobs:
        world.jobs.finish(
            world.job(job_id), JobState.TIMED_OUT, None, partial=False, now=world.now, care_until=world.now + 10**6
        )
        world.finisher()(job_id)
        world.executions.states[job_id, 0] = ExecutionState.ENDED
    world.clock.sleep(SOONEST_SECONDS)
    return jobs


def gateway(*running: int) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)["ids"]
        done = {"success": True, "data": [{"id": "a", "audio_url": "https://cdn.example/a.mp3", "state": "succeeded"}]}
        items = [{"id": each, "request": {}, "response": {} if each in {f"T{n}" for n in running} else done} for each in asked]
        return httpx.Response(200, json={"items": items, "count": len(items)})

    return answer


def test_of_jobs_that_timed_out_those_that_still_run_are_left_alone(world: World) -> None:
    jobs = timed_out(world, 3)
    world.wire.answers = [gateway(0, 2)]
    assert world.sweeper()(always).started == [jobs[1]]
    assert len(world.wire.requests) == 1
    assert (world.sweeper()(always).started, len(world.wire.requests)) == ([], 1)
    world.executions.states[jobs[1], 1] = ExecutionState.ENDED
    world.clock.sleep(SOONEST_SECONDS * 2)
    assert world.sweeper()(always).started == [jobs[1]]


def test_no_more_are_asked_for_than_the_gateway_allows_and_one_alone_not_at_all(world: World) -> None:
    acedata_gateway = GATEWAYS["acedata"]
    assert isinstance(acedata_gateway, BatchReading)
    many = acedata_gateway.batch_size + 1
    jobs = timed_out(world, many)
    world.wire.answers = [gateway(*range(many))]
    swept = world.sweeper()(always)
    asked = [each for request in world.wire.requests for each in json.loads(request.content)["ids"]]
    assert len(asked) == len(set(asked)) == many - len(swept.started)
    assert set(swept.started) < set(jobs)
    assert all(len(json.loads(request.content)["ids"]) <= acedata_gateway.batch_size for request in world.wire.requests)


@pytest.mark.parametrize("state", [ExecutionState.RUNNING, ExecutionState.ENDED])
def test_an_open_job_whose_task_runs_is_only_woken_if_nobody_waits_for_it(world: World, state: ExecutionState) -> None:
    jobs = [acedata(world, number) for number in range(2)]
    for job_id in jobs:
        world.executions.states[job_id, 0] = state
    world.clock.sleep(PACE.slack)
    world.wire.answers = [gateway(0, 1)]
    swept = world.sweeper()(always)
    assert (swept.woken, set(swept.started)) == ([], set() if state is ExecutionState.RUNNING else set(jobs))


def test_at_its_deadline_a_job_is_woken_although_its_task_runs(world: World) -> None:
    jobs = [acedata(world, number) for number in range(2)]
    world.clock.sleep(DEADLINE)
    assert set(world.sweeper()(always).woken) == set(jobs)
    assert world.wire.requests == []


@pytest.mark.parametrize("broken", ["unreachable", "unreadable", "no account", "no slot"])
def test_what_cannot_be_asked_together_is_looked_at_one_by_one(world: World, broken: str) -> None:
    jobs = timed_out(world, 2)
    world.wire.answers = [httpx.ConnectError("x") if broken == "unreachable" else httpx.Response(500, text="<html>")]
    if broken == "no account":
        world.secret = Secret(lambda: FixedSecret({}), "accounts", world.clock)  # type: ignore[arg-type,return-value]
    if broken == "no slot":
        world.use_up_slots(jobs[0])
    assert set(world.sweeper()(always).started) == set(jobs)


def test_after_one_refusal_nothing_more_is_asked_together(world: World) -> None:
    batch = GATEWAYS["acedata"]
    assert isinstance(batch, BatchReading)
    jobs = [world.job(job_id) for job_id in timed_out(world, 4)]
    many = [replace(job, task_id=f"{job.task_id}-{n}") for n in range(batch.batch_size) for job in jobs]
    world.wire.answers = [httpx.Response(500, text="<html>")]
    assert world.sweeper().still_running(many) == frozenset()
    assert len(world.wire.requests) == 1
