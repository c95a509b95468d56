from typing import Any

import pytest

from suno_jobs.cancelling import Canceller
from suno_jobs.errors import ErrorCode, Fault, JobNotFound, WrongState
from suno_jobs.history import Entry
from suno_jobs.models import Ending, Job, JobView
from suno_jobs.retrying import Retrier
from suno_jobs.transitions import JobState
from suno_jobs.workflow import Step
from tests.unit.test_care import timed_out
from tests.unit.test_checking import music, task
from tests.world import START, World


def canceller(world: World) -> Canceller:
    return Canceller(jobs=world.jobs, executions=world.starter().executions, clock=world.clock)


def retrier(world: World) -> Retrier:
    return Retrier(world.starter())


def failed(world: World) -> str:
    job_id = world.generating()
    world.jobs.finish(world.job(job_id), JobState.FAILED, Fault(ErrorCode.QUOTA, "no"), partial=False, now=world.now)
    return job_id


def test_a_job_that_was_not_submitted_is_cancelled_and_never_will_be(world: World) -> None:
    job_id = world.accept()
    view = canceller(world)("acme", job_id)
    assert view.job.state is JobState.CANCELLED
    assert world.submitter()(job_id) == Step(job_id, "wait", 1)
    assert world.checker()(job_id) == Step(job_id, "finish")
    assert world.finisher()(job_id) is JobState.CANCELLED
    assert [event["DetailType"] for event in world.bus.events] == ["job.cancelled"]
    fault = world.job(job_id).fault
    assert fault is not None
    assert fault.code is ErrorCode.CANCELLED
    assert fault.message == "Cancelled by the client. It was not submitted, and nothing is charged."
    assert (world.wire.requests, world.due()) == ([], [])


def test_whoever_waits_is_woken_and_nothing_more_is_stored(world: World) -> None:
    job_id = world.generating()
    world.dynamodb.update_item(
        TableName="jobs",
        Key={"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}},
        UpdateExpression="SET task_token = :t",
        ExpressionAttributeValues={":t": {"S": "token"}},
    )
    fault = canceller(world)("acme", job_id).job.fault
    assert fault is not None
    assert "may be charged" in fault.message
    assert world.executions.woken == ["token"]
    assert world.checker()(job_id) == Step(job_id, "finish")
    last = Entry.read(world.job(job_id).history[-1])
    assert (last.state, last.cause) == (JobState.CANCELLED, "client")


def test_cancelling_again_wakes_whoever_a_crash_left_waiting(world: World) -> None:
    job_id = world.generating()
    canceller(world)("acme", job_id)
    world.dynamodb.update_item(
        TableName="jobs",
        Key={"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}},
        UpdateExpression="SET task_token = :t",
        ExpressionAttributeValues={":t": {"S": "left"}},
    )
    canceller(world)("acme", job_id)
    assert world.executions.woken == ["left"]


def test_cancelling_again_changes_nothing(world: World) -> None:
    job_id = world.accept()
    first = canceller(world)("acme", job_id)
    world.clock.sleep(100)
    second = canceller(world)("acme", job_id)
    assert (second.job.ended_at, len(second.job.history)) == (first.job.ended_at, 2)


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.TIMED_OUT])
def test_an_end_is_not_cancelled(world: World, state: JobState) -> None:
    job_id = world.generating()
    job = world.jobs.start_storing(world.job(job_id), Ending.WHOLE, now=world.now, due_at=world.now)
    world.jobs.finish(job, state, None, partial=False, now=world.now)
    with pytest.raises(WrongState, match=state):
        canceller(world)("acme", job_id)
    assert world.job(job_id).state is state


@pytest.mark.parametrize("end", [JobState.FAILED, JobState.CANCELLED])
def test_an_end_that_comes_a_moment_before_wins(world: World, end: JobState) -> None:
    job_id = world.generating()
    original = world.jobs.view

    def overtaken(wanted: str) -> JobView | None:
        found = original(wanted)
        world.jobs.view = original  # type: ignore[method-assign]
        world.jobs.finish(world.job(job_id), end, Fault(ErrorCode.QUOTA, "x"), partial=False, now=world.now)
        return found

    world.jobs.view = overtaken  # type: ignore[method-assign, assignment]
    if end is JobState.FAILED:
        with pytest.raises(WrongState):
            canceller(world)("acme", job_id)
    else:
        assert canceller(world)("acme", job_id).job.state is JobState.CANCELLED


def test_a_submission_that_begins_a_moment_before_is_not_denied(world: World) -> None:
    job_id = world.accept()
    original = world.jobs.view

    def overtaken(wanted: str) -> JobView | None:
        found = original(wanted)
        world.jobs.view = original  # type: ignore[method-assign]
        world.jobs.begin_submission(world.job(job_id), "i", now=world.now, due_at=world.now)
        return found

    world.jobs.view = overtaken  # type: ignore[method-assign, assignment]
    fault = canceller(world)("acme", job_id).job.fault
    assert fault is not None
    assert "may be charged" in fault.message


@pytest.mark.parametrize("act", [canceller, retrier])
def test_a_job_of_another_tenant_does_not_exist(world: World, act: Any) -> None:
    job_id = failed(world)
    with pytest.raises(JobNotFound):
        act(world)("other", job_id)


def test_a_failed_job_is_done_over_once(world: World) -> None:
    job_id = failed(world)
    world.clock.sleep(500)
    view, created = retrier(world)("acme", job_id)
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
    again, created = retrier(world)("acme", job_id)
    assert (again.job.job_id, created) == (new.job_id, False)
    assert world.job(job_id).state is JobState.FAILED


@pytest.mark.parametrize("state", ["open", JobState.CANCELLED, JobState.SUCCEEDED])
def test_only_a_failed_job_is_done_over(world: World, state: str) -> None:
    job_id = world.generating()
    if state != "open":
        job = world.jobs.start_storing(world.job(job_id), Ending.WHOLE, now=world.now, due_at=world.now)
        world.jobs.finish(job, JobState(state), None, partial=False, now=world.now)
    with pytest.raises(WrongState):
        retrier(world)("acme", job_id)
    assert len(world.executions.states) == 1


def test_a_retry_that_died_before_it_made_the_job_goes_on_although_the_old_one_healed(world: World) -> None:
    job_id = timed_out(world)

    class Dead(Exception):
        pass

    def die(*_: Any, **__: Any) -> Any:
        raise Dead

    dying = retrier(world)
    original, world.jobs.create = world.jobs.create, die  # type: ignore[method-assign]
    with pytest.raises(Dead):
        dying("acme", job_id)
    world.jobs.create = original  # type: ignore[method-assign]
    world.wire.answers = [task(music(1))]
    world.checker()(job_id)
    job: Job = world.job(job_id)
    world.jobs.finish(job, JobState.SUCCEEDED, None, partial=False, now=world.now)
    view, created = retrier(world)("acme", job_id)
    assert (created, view.job.retry_of, world.job(job_id).retried_as) == (True, job_id, view.job.job_id)


def test_of_two_retries_at_once_the_second_finds_the_first(world: World) -> None:
    job_id = failed(world)
    first = retrier(world)
    original = world.jobs.request

    def overtaken(wanted: str) -> Any:
        world.jobs.request = original  # type: ignore[method-assign]
        assert retrier(world)("acme", job_id)[1]
        return original(wanted)

    world.jobs.request = overtaken  # type: ignore[method-assign, assignment]
    view, created = first("acme", job_id)
    assert (created, view.job.retry_of) == (False, job_id)
    assert len(world.executions.states) == 2
