"""A ``Retry-After`` beyond the deadline excludes the gateway that sent it, and no other one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways.protocol import Refused
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import Candidate, Job
from suno_jobs.jobs.states import JobState
from suno_jobs.network.http import httpx
from suno_jobs.steps.create_task import TaskCreator
from tests.builders import JOB, opened
from tests.world import BREAKER_SECONDS, DEADLINE, GRACE, PACE, START, World

BEYOND = str(2 * DEADLINE)
BUSY = Refused(Fault(ErrorCode.RATE_LIMITED, "busy"), may_retry=True)
CODE = {"code": 429, "message": "m"}
FOR_GOOD = httpx.Response(200, json={"code": 402, "message": "no credits"})
CRUN_OK = httpx.Response(200, json={"code": 200, "message": "success", "data": {"task_id": "C1"}})
NAMES = ["ttapi", "crun", "kie"]


def busy(retry_after: str, **headers: str) -> httpx.Response:
    body = {"status": "FAILED", **CODE}
    return httpx.Response(429, json=body, headers={"Retry-After": retry_after, **headers})


def accept(world: World, *gateways: str) -> str:
    body = {"gateway": list(gateways), "kind": "music", "input": {"prompt": "a song about rain"}}
    return world.job_submitter().submit_job("acme", body, None)[0].job.job_id


def answers(**by_gateway: httpx.Response) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        [name] = [name for name in by_gateway if str(request.url.host) in GATEWAYS[name].base_url]
        return by_gateway[name]

    return answer


def run(world: World, job_id: str) -> Job:
    """Until the job is decided or has a task."""
    while True:
        step = world.task_creator().create_task(job_id)
        job = world.job(job_id)
        if job.terminal or job.task_id:
            return job
        world.clock.sleep(step.wait_seconds)
        world.task_checker().check_task(job_id)


@pytest.mark.parametrize(
    "refusal",
    [busy(BEYOND), busy("Sun, 22 Nov 2026 04:00:00 GMT", Date="Sun, 22 Nov 2026 02:00:00 GMT"), busy("9" * 400)],
    ids=["seconds", "date", "absurd"],
)
def test_the_next_gateway_is_asked_at_once(world: World, refusal: httpx.Response) -> None:
    job_id = accept(world, "ttapi", "crun")
    world.wire.answers = [answers(ttapi=refusal, crun=CRUN_OK)]
    job = run(world, job_id)
    assert (job.gateway, job.task_id) == ("crun", "C1")
    assert world.now <= START + 3


def test_the_only_gateway_with_time_left_is_asked_again(world: World) -> None:
    """crun has refused for 100 s, then ttapi for longer than the job may last: the job waits for crun."""
    job_id = accept(world, "crun", "ttapi")
    world.wire.answers = [answers(crun=busy("100"), ttapi=busy(BEYOND))]
    for _ in range(2):
        world.clock.sleep(world.task_creator().create_task(job_id).wait_seconds)
    assert (world.job(job_id).gateway, world.job(job_id).terminal) == ("crun", False)
    world.wire.answers = [CRUN_OK]
    assert run(world, job_id).task_id == "C1"
    assert world.now <= START + 110


def test_a_gateway_with_an_open_circuit_breaker_is_asked_when_it_closes(world: World) -> None:
    job_id = accept(world, "ttapi", "crun")
    world.wire.answers = [busy(BEYOND)]
    world.clock.sleep(world.task_creator().create_task(job_id).wait_seconds)
    opened(world, "crun")
    world.wire.answers = [CRUN_OK]
    assert run(world, job_id).task_id == "C1"
    assert world.now <= START + 2 * BREAKER_SECONDS


@pytest.mark.parametrize(("second", "asked"), [(busy(BEYOND), "for now"), (FOR_GOOD, "for good")], ids=["for now", "for good"])
def test_the_job_fails_at_once_when_no_gateway_is_left(world: World, second: httpx.Response, asked: str) -> None:
    job_id = accept(world, "ttapi", "crun")
    world.wire.answers = [answers(ttapi=busy(BEYOND), crun=second)]
    assert run(world, job_id).state is JobState.FAILED, asked
    assert world.wire.submissions == 2
    assert world.now <= START + 5


class Recorder:
    """Stands in for the jobs table: how a refusal was recorded."""

    def __init__(self) -> None:
        self.submissions = self
        self.ended = False
        self.order: list[Candidate] = []

    def finish(self, *_: object, **__: object) -> None:
        self.ended = True

    def refuse_submission(self, _job: Job, _fault: Fault, order: list[Candidate], *_: object, **__: object) -> None:
        self.order = order


TIMES = st.integers(0, 2 * DEADLINE)


@given(st.lists(TIMES, max_size=2), TIMES, TIMES.filter(lambda now: now < DEADLINE), st.booleans())
def test_a_refusal_ends_the_job_only_if_no_gateway_can_be_asked_in_time(
    others: list[int], retry_after: int, now: int, resubmitted: bool
) -> None:
    candidates = tuple(Candidate(name, START + after) for name, after in zip(NAMES[1:], others, strict=False))
    job = Job(**{**{name: getattr(JOB, name) for name in JOB.__dataclass_fields__}, "candidates": candidates})
    jobs: Any = Recorder()
    nothing: Any = None
    creator = TaskCreator(
        jobs=jobs,
        receipts=nothing,
        calls=nothing,
        admission=nothing,
        callback_url=lambda *_: "",
        schedule=PACE,
        grace_seconds=GRACE,
        clock=lambda: START + now,
        random_bytes=bytes,
        repeats=nothing,
    )
    creator._refuse(job, Refused(BUSY.fault, may_retry=True, retry_after_seconds=retry_after))
    in_time = [each.gateway for each in candidates if each.after < job.deadline_at]
    if now + PACE.jittered(job, max(PACE.backoff(job), retry_after)) < DEADLINE:
        in_time.append(job.gateway)
    assert jobs.ended is not bool(in_time)
    assert not jobs.order or jobs.order[0].gateway in in_time
