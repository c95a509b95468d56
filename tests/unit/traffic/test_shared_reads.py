"""Jobs that poll at a gateway with batch reads share them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from suno_jobs.gateways.protocol import TaskReport, TaskStatus
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.states import Cause
from suno_jobs.network.http import httpx
from suno_jobs.traffic.shared_reads import FRESH_SECONDS, SharedReads
from tests.builders import use_accounts
from tests.world import DEADLINE, PACE, FixedSecret, World

DONE = {"success": True, "data": [{"id": "a", "audio_url": "https://cdn.example/a.mp3", "state": "succeeded"}]}


def submitted(world: World, count: int) -> list[str]:
    """Jobs whose tasks T0, T1, ... are in flight, and whose callbacks are overdue."""
    jobs = []
    for number in range(count):
        jobs.append(world.accept("acedata", f"key-{number}"))
        world.wire.answers = [httpx.Response(200, json={"success": True, "task_id": f"T{number}"})]
        world.task_creator().create_task(jobs[-1])
        assert world.job(jobs[-1]).task_id == f"T{number}"
    world.clock.sleep(PACE.first_check)
    world.wire.requests.clear()
    return jobs


def gateway(done: set[str]) -> Any:
    def item(task: str) -> dict[str, Any]:
        return {"id": task, "request": {}, "response": DONE if task in done else {}}

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if "ids" not in body:
            return httpx.Response(200, json=item(body["id"]))
        return httpx.Response(200, json={"items": [item(task) for task in body["ids"]], "count": len(body["ids"])})

    return answer


def read(world: World) -> list[list[str]]:
    """The tasks that each request read."""
    bodies = [json.loads(request.content) for request in world.wire.requests]
    return [body.get("ids") or [body["id"]] for body in bodies]


def polling(world: World, job_id: str) -> Job:
    return replace(world.job(job_id), cause=Cause.POLL)


def poll(world: World, jobs: list[str]) -> list[str]:
    return [world.task_checker().check_task(job_id).next for job_id in jobs]


def test_one_request_serves_all_jobs_that_poll_there(world: World) -> None:
    jobs = submitted(world, 3)
    world.wire.answers = [gateway(set())]
    assert poll(world, jobs) == ["wait"] * 3
    assert read(world) == [["T0"], ["T1"], ["T2"]], "the first poll makes a job known"
    world.wire.requests.clear()
    for _ in range(3):
        world.clock.sleep(20)
        assert poll(world, jobs) == ["wait"] * 3
    assert [sorted(tasks) for tasks in read(world)] == [["T0", "T1", "T2"]] * 3


def test_a_task_that_has_ended_is_read_by_its_own_job(world: World) -> None:
    jobs = submitted(world, 2)
    world.wire.answers = [gateway(set())]
    poll(world, jobs)
    world.wire.answers = [gateway({"T1"})]
    world.wire.requests.clear()
    world.clock.sleep(20)
    assert poll(world, jobs) == ["wait", "store"]
    assert read(world) == [["T0", "T1"], ["T1"]]
    assert [item["sk"]["S"] for item in world.items("TASK#")] == [f"TASK#{jobs[0]}"]
    receipts = {item["pk"]["S"] for item in world.items("RECEIPT#") if item["sk"]["S"].startswith("RECEIPT#status")}
    assert receipts == {f"JOB#{jobs[1]}"}


def test_a_job_that_was_woken_or_is_at_its_deadline_reads_its_task_itself(world: World) -> None:
    jobs = submitted(world, 2)
    world.wire.answers = [gateway(set())]
    poll(world, jobs)
    world.wire.requests.clear()
    world.jobs.signals.signal(jobs[0], Cause.CALLBACK)
    poll(world, jobs[:1])
    world.clock.sleep(DEADLINE)
    poll(world, jobs[1:])
    assert read(world) == [["T0"], ["T1"]]


@pytest.mark.parametrize("broken", ["unreachable", "unreadable", "no account"])
def test_after_a_batch_that_cannot_be_read_a_job_reads_its_own_task(world: World, broken: str) -> None:
    jobs = submitted(world, 2)
    world.wire.answers = [gateway(set())]
    poll(world, jobs)
    world.clock.sleep(FRESH_SECONDS)
    world.wire.answers = [httpx.ConnectError("x") if broken == "unreachable" else httpx.Response(500, text="x"), gateway(set())]
    if broken == "no account":
        use_accounts(world, FixedSecret({}))
    world.wire.requests.clear()
    assert SharedReads(world.calls()).read_running(polling(world, jobs[0]), "T0") is None
    assert len(world.wire.requests) == (broken != "no account")


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [(429, {"Retry-After": "200"}, 200), (429, {}, PACE.interval), (503, {"Retry-After": "200"}, 200)],
)
def test_after_a_batch_that_is_refused_for_now_a_job_waits(
    world: World, status: int, headers: dict[str, str], wait: int
) -> None:
    jobs = submitted(world, 2)
    world.wire.answers = [gateway(set())]
    poll(world, jobs)
    world.clock.sleep(20)
    world.wire.requests.clear()
    refusal = {"success": False, "error": {"code": "too_many_requests" if status == 429 else "api_error", "message": "x"}}
    world.wire.answers = [httpx.Response(status, json=refusal, headers=headers), gateway(set())]
    step = world.task_checker().check_task(jobs[0])
    job = world.job(jobs[0])
    assert (step.next, step.wait_seconds) == ("wait", max(wait, PACE.backoff(job)))
    assert read(world) == [["T0", "T1"]]
    assert (job.due_at or 0) >= world.now + wait


def test_at_its_deadline_a_job_reads_its_task_whatever_a_batch_was_answered(world: World) -> None:
    jobs = submitted(world, 2)
    world.wire.answers = [gateway(set())]
    poll(world, jobs)
    world.clock.sleep(20)
    world.wire.answers = [httpx.Response(429, json={}, headers={"Retry-After": "3600"}), gateway({"T0"})]
    step = world.task_checker().check_task(jobs[0])
    world.clock.sleep(step.wait_seconds)
    assert world.clock() == pytest.approx(world.job(jobs[0]).deadline_at, abs=1)
    assert poll(world, jobs[:1]) == ["store"]


def test_a_mark_does_not_bring_back_a_task_that_has_ended(world: World) -> None:
    [job_id] = submitted(world, 1)
    calls = world.calls()
    calls.concurrency.end(world.job(job_id))
    SharedReads(calls).mark_running(polling(world, job_id), "T0")
    assert world.items("TASK#") == []


def test_another_task_of_the_same_job_is_not_known(world: World) -> None:
    jobs = submitted(world, 2)
    shared = SharedReads(world.calls())
    shared.mark_running(polling(world, jobs[0]), "T0")
    known = shared.read_running(polling(world, jobs[0]), "T0")
    assert isinstance(known, TaskReport)
    assert known.status is TaskStatus.PENDING
    assert shared.read_running(polling(world, jobs[0]), "other") is None
