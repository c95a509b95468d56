from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.errors import ErrorCode, Fault, JobNotFound, WrongState
from suno_jobs.jobs.history import Entry
from suno_jobs.jobs.record import FileTerms, JobView
from suno_jobs.jobs.schedule import NextStep
from suno_jobs.jobs.states import JobState
from suno_jobs.steps.cancel_job import JobCanceller
from suno_jobs.storage.deletions import Tombstone
from tests.builders import await_signal, event, handler, put_job
from tests.world import World


def job_canceller(world: World) -> JobCanceller:
    return JobCanceller(jobs=world.jobs, executions=world.job_creator().executions, clock=world.clock)


def test_a_job_that_was_not_submitted_is_cancelled_and_never_submitted(world: World) -> None:
    job_id = world.accept()
    view = job_canceller(world).cancel_job("acme", job_id)
    assert view.job.state is JobState.CANCELLED
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", 1)
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "finish")
    assert world.job_finisher().finish_job(job_id) is JobState.CANCELLED
    assert [event["DetailType"] for event in world.bus.events] == ["job.cancelled"]
    fault = world.job(job_id).fault
    assert fault is not None
    assert fault.code is ErrorCode.CANCELLED
    assert fault.message == "Cancelled by the client. It was not submitted, and nothing is charged."
    assert (world.wire.requests, world.due()) == ([], [])


def test_the_waiting_execution_is_woken_and_nothing_more_is_stored(world: World) -> None:
    job_id = world.generating()
    await_signal(world, job_id)
    fault = job_canceller(world).cancel_job("acme", job_id).job.fault
    assert fault is not None
    assert "may be charged" in fault.message
    assert world.executions.woken == ["token"]
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "finish")
    last = Entry.read(world.job(job_id).history[-1])
    assert (last.state, last.cause) == (JobState.CANCELLED, "client")


def test_cancelling_again_wakes_an_execution_that_a_crash_left_waiting(world: World) -> None:
    job_id = world.generating()
    await_signal(world, job_id)

    def crash(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    original, world.jobs.signals.signal = world.jobs.signals.signal, crash  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        job_canceller(world).cancel_job("acme", job_id)
    world.jobs.signals.signal = original  # type: ignore[method-assign]
    assert (world.job(job_id).state, world.executions.woken) == (JobState.CANCELLED, [])
    job_canceller(world).cancel_job("acme", job_id)
    assert world.executions.woken == ["token"]


def test_cancelling_again_changes_nothing(world: World) -> None:
    job_id = world.accept()
    first = job_canceller(world).cancel_job("acme", job_id)
    world.clock.sleep(100)
    second = job_canceller(world).cancel_job("acme", job_id)
    assert (second.job.ended_at, len(second.job.history)) == (first.job.ended_at, 2)


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.TIMED_OUT])
def test_an_ended_job_cannot_be_cancelled(world: World, state: JobState) -> None:
    job_id = world.generating()
    job = world.start_storing(job_id)
    world.jobs.finish(job, state, None, now=world.now)
    with pytest.raises(WrongState, match=state):
        job_canceller(world).cancel_job("acme", job_id)
    assert world.job(job_id).state is state


@pytest.mark.parametrize("end", [JobState.FAILED, JobState.CANCELLED])
def test_an_end_recorded_just_before_wins(world: World, end: JobState) -> None:
    job_id = world.generating()
    original = world.jobs.read

    def overtaken(wanted: str) -> JobView | Tombstone | None:
        found = original(wanted)
        world.jobs.read = original  # type: ignore[method-assign]
        world.jobs.finish(world.job(job_id), end, Fault(ErrorCode.QUOTA, "x"), now=world.now)
        return found

    world.jobs.read = overtaken  # type: ignore[method-assign, assignment]
    if end is JobState.FAILED:
        with pytest.raises(WrongState):
            job_canceller(world).cancel_job("acme", job_id)
    else:
        assert job_canceller(world).cancel_job("acme", job_id).job.state is JobState.CANCELLED


def test_a_submission_that_began_just_before_may_be_charged(world: World) -> None:
    job_id = world.accept()
    original = world.jobs.read

    def overtaken(wanted: str) -> JobView | Tombstone | None:
        found = original(wanted)
        world.jobs.read = original  # type: ignore[method-assign]
        world.jobs.submissions.begin_submission(world.job(job_id), "i", FileTerms(), now=world.now, due_at=world.now)
        return found

    world.jobs.read = overtaken  # type: ignore[method-assign, assignment]
    fault = job_canceller(world).cancel_job("acme", job_id).job.fault
    assert fault is not None
    assert "may be charged" in fault.message


def test_a_job_of_another_tenant_cannot_be_cancelled(world: World) -> None:
    job_id = world.accept()
    with pytest.raises(JobNotFound):
        job_canceller(world).cancel_job("other", job_id)
    assert world.job(job_id).state is JobState.ACCEPTED


def test_the_handler_cancels_a_job_and_records_it_in_the_history(deployed: SimpleNamespace, world: World) -> None:
    put_job(world)
    cancelled = handler("cancel_job")(event("cancel_job/cancel"))
    assert (cancelled["statusCode"], json.loads(cancelled["body"])["state"]) == (200, "CANCELLED")
    events = json.loads(handler("read_jobs")(event("read_jobs/events"))["body"])["events"]
    assert [(each["state"], each["cause"]) for each in events] == [("CANCELLED", "client")]
