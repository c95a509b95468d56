from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.errors import ErrorCode, Fault, JobNotFound, WrongState
from suno_jobs.jobs.record import TaskEnd
from suno_jobs.jobs.states import JobState
from suno_jobs.steps.retry_job import JobRetrier
from tests.builders import JOB_ID, event, handler, music, put_job, task, timed_out
from tests.world import START, World


def job_retrier(world: World) -> JobRetrier:
    return JobRetrier(world.job_creator())


def failed(world: World) -> str:
    job_id = world.generating()
    world.jobs.finish(world.job(job_id), JobState.FAILED, Fault(ErrorCode.QUOTA, "no"), partial=False, now=world.now)
    return job_id


def test_a_failed_job_is_retried_once(world: World) -> None:
    job_id = failed(world)
    world.clock.sleep(500)
    view, created = job_retrier(world).retry_job("acme", job_id)
    new = view.job
    assert created
    assert (new.state, new.retry_of, new.deadline_at - new.created_at, new.created_at) == (
        JobState.ACCEPTED,
        job_id,
        1200,
        START + 500,
    )
    assert world.jobs.request(new.job_id) == world.jobs.request(job_id)
    assert (new.metadata, new.gateway, new.kind) == (world.job(job_id).metadata, "ttapi", "music")
    assert (new.job_id, 0) in world.executions.states
    assert world.job(job_id).retried_as == new.job_id
    again, created = job_retrier(world).retry_job("acme", job_id)
    assert (again.job.job_id, created) == (new.job_id, False)
    assert world.job(job_id).state is JobState.FAILED


@pytest.mark.parametrize("state", ["open", JobState.CANCELLED, JobState.SUCCEEDED])
def test_only_a_failed_job_can_be_retried(world: World, state: str) -> None:
    job_id = world.generating()
    if state != "open":
        job = world.jobs.start_storing(world.job(job_id), TaskEnd.COMPLETE, now=world.now, due_at=world.now)
        world.jobs.finish(job, JobState(state), None, partial=False, now=world.now)
    with pytest.raises(WrongState):
        job_retrier(world).retry_job("acme", job_id)
    assert len(world.executions.states) == 1


def test_a_retry_that_died_before_creating_the_job_continues_after_a_late_success(world: World) -> None:
    job_id = timed_out(world)

    def crash(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    crashing = job_retrier(world)
    original, world.jobs.create = world.jobs.create, crash  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        crashing.retry_job("acme", job_id)
    world.jobs.create = original  # type: ignore[method-assign]
    world.wire.answers = [task(music(1))]
    world.task_checker().check_task(job_id)
    world.jobs.finish(world.job(job_id), JobState.SUCCEEDED, None, partial=False, now=world.now)
    view, created = job_retrier(world).retry_job("acme", job_id)
    assert (created, view.job.retry_of, world.job(job_id).retried_as) == (True, job_id, view.job.job_id)


def test_the_second_of_two_concurrent_retries_finds_the_job_of_the_first(world: World) -> None:
    job_id = failed(world)
    first = job_retrier(world)
    original = world.jobs.request

    def overtaken(wanted: str) -> Any:
        world.jobs.request = original  # type: ignore[method-assign]
        assert job_retrier(world).retry_job("acme", job_id)[1]
        return original(wanted)

    world.jobs.request = overtaken  # type: ignore[method-assign, assignment]
    view, created = first.retry_job("acme", job_id)
    assert (created, view.job.retry_of) == (False, job_id)
    assert len(world.executions.states) == 2


def test_a_job_of_another_tenant_cannot_be_retried(world: World) -> None:
    job_id = failed(world)
    with pytest.raises(JobNotFound):
        job_retrier(world).retry_job("other", job_id)
    assert world.job(job_id).retried_as is None


def test_the_handler_answers_a_repeated_retry_with_the_same_job(deployed: SimpleNamespace, world: World) -> None:
    put_job(world)
    world.jobs.finish(world.job(JOB_ID), JobState.FAILED, Fault(ErrorCode.QUOTA, "no"), partial=False, now=world.now)
    answers = [handler("retry_job")(event("retry_job/retry")) for _ in range(2)]
    assert [answer["statusCode"] for answer in answers] == [202, 200]
    [location] = {answer["headers"]["Location"] for answer in answers}
    assert location == f"/v1/jobs/{world.job(JOB_ID).retried_as}"


def test_the_handler_answers_a_retry_of_an_open_job_with_409(deployed: SimpleNamespace, world: World) -> None:
    put_job(world)
    refused = handler("retry_job")(event("retry_job/retry"))
    assert (refused["statusCode"], json.loads(refused["body"])["title"]) == (409, "The state of the job does not allow this")
