from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.errors import ErrorCode, Fault, InvalidRequest, JobNotFound, WrongState
from suno_jobs.jobs.record import Attempt, JobView, TaskEnd
from suno_jobs.jobs.states import Charged, JobState
from suno_jobs.jobs.views import job_view
from suno_jobs.steps.retry_job import JobRetrier
from tests.builders import JOB_ID, event, handler, music, put_job, task, timed_out
from tests.world import START, World, a_job

ACCEPTED = {"accept_second_charge": True}


def job_retrier(world: World) -> JobRetrier:
    return JobRetrier(world.job_creator())


def failed(world: World) -> str:
    job_id = world.generating()
    world.jobs.finish(world.job(job_id), JobState.FAILED, Fault(ErrorCode.QUOTA, "no"), now=world.now)
    return job_id


def test_a_failed_job_is_retried_once(world: World) -> None:
    job_id = failed(world)
    world.clock.sleep(500)
    view, created = job_retrier(world).retry_job("acme", job_id, ACCEPTED)
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
    again, created = job_retrier(world).retry_job("acme", job_id, ACCEPTED)
    assert (again.job.job_id, created) == (new.job_id, False)
    assert world.job(job_id).state is JobState.FAILED


@pytest.mark.parametrize("state", ["open", JobState.CANCELLED, JobState.SUCCEEDED])
def test_only_a_failed_job_can_be_retried(world: World, state: str) -> None:
    job_id = world.generating()
    if state != "open":
        job = world.start_storing(job_id)
        world.jobs.finish(job, JobState(state), None, now=world.now)
    with pytest.raises(WrongState):
        job_retrier(world).retry_job("acme", job_id, ACCEPTED)
    assert len(world.executions.states) == 1


class Died(BaseException):
    """The end of a function at that point."""


def retry_that_dies_before_the_job_exists(world: World, job_id: str) -> None:
    original = world.jobs.submissions.create

    def die(*_: Any, **__: Any) -> Any:
        raise Died

    world.jobs.submissions.create = die  # type: ignore[method-assign]
    with pytest.raises(Died):
        job_retrier(world).retry_job("acme", job_id, ACCEPTED)
    world.jobs.submissions.create = original  # type: ignore[method-assign]
    assert world.job(job_id).retried_as


def succeed(world: World, job_id: str) -> None:
    world.wire.answers = [task(music(1))]
    world.task_checker().check_task(job_id)
    world.jobs.finish(world.job(job_id), JobState.SUCCEEDED, None, now=world.now)


def test_a_retry_that_died_before_creating_the_job_is_continued_by_the_same_call(world: World) -> None:
    job_id = timed_out(world)
    retry_that_dies_before_the_job_exists(world, job_id)
    view, created = job_retrier(world).retry_job("acme", job_id, ACCEPTED)
    assert (created, view.job.retry_of, world.job(job_id).retried_as) == (True, job_id, view.job.job_id)


def test_no_second_song_is_ordered_once_the_first_has_arrived(world: World) -> None:
    job_id = timed_out(world)
    retry_that_dies_before_the_job_exists(world, job_id)
    succeed(world, job_id)
    with pytest.raises(WrongState, match="this one is SUCCEEDED"):
        job_retrier(world).retry_job("acme", job_id, ACCEPTED)
    assert len(world.executions.states) == 1


def test_no_second_song_is_ordered_if_the_first_arrives_during_the_request(world: World) -> None:
    job_id = timed_out(world)
    retrier, original = job_retrier(world), world.jobs.mark_retried

    def overtaken(*given: Any, **named: Any) -> bool:
        succeed(world, job_id)
        return original(*given, **named)

    world.jobs.mark_retried = overtaken  # type: ignore[method-assign]
    with pytest.raises(WrongState, match="this one is SUCCEEDED"):
        retrier.retry_job("acme", job_id, ACCEPTED)
    assert (world.job(job_id).retried_as, len(world.executions.states)) == (None, 1)


def test_while_the_second_job_does_not_exist_its_charge_must_be_accepted(world: World) -> None:
    job_id = timed_out(world)
    retry_that_dies_before_the_job_exists(world, job_id)
    with pytest.raises(WrongState, match="accept_second_charge"):
        job_retrier(world).retry_job("acme", job_id, {})
    assert len(world.executions.states) == 1


def test_a_repetition_finds_the_second_job_after_the_first_has_succeeded(world: World) -> None:
    job_id = timed_out(world)
    first, _ = job_retrier(world).retry_job("acme", job_id, ACCEPTED)
    succeed(world, job_id)
    again, created = job_retrier(world).retry_job("acme", job_id, {})
    assert (again.job.job_id, created) == (first.job.job_id, False)


def test_the_second_of_two_concurrent_retries_finds_the_job_of_the_first(world: World) -> None:
    job_id = failed(world)
    first = job_retrier(world)
    original = world.jobs.read

    def overtaken(wanted: str) -> Any:
        found, world.jobs.read = original(wanted), original  # type: ignore[method-assign]
        assert job_retrier(world).retry_job("acme", job_id, ACCEPTED)[1]
        return found

    world.jobs.read = overtaken  # type: ignore[method-assign, assignment]
    view, created = first.retry_job("acme", job_id, ACCEPTED)
    assert (created, view.job.retry_of) == (False, job_id)
    assert len(world.executions.states) == 2


def test_a_job_of_another_tenant_cannot_be_retried(world: World) -> None:
    job_id = failed(world)
    with pytest.raises(JobNotFound):
        job_retrier(world).retry_job("other", job_id, ACCEPTED)
    assert world.job(job_id).retried_as is None


@pytest.mark.parametrize(
    ("attempts", "charged"),
    [
        ([], Charged.NO),
        ([Attempt(1)], Charged.MAYBE),
        ([Attempt(1, "J1")], Charged.YES),
        ([Attempt(1, "J1", TaskEnd.INCOMPLETE)], Charged.YES),
        ([Attempt(1, None, TaskEnd.COMPLETE, answered=True)], Charged.YES),
        ([Attempt(1, "J1", TaskEnd.REFUNDED)], Charged.NO),
        ([Attempt(1, "J1", TaskEnd.REFUNDED), Attempt(2)], Charged.MAYBE),
        ([Attempt(1), Attempt(2, "J1")], Charged.YES),
    ],
)
def test_what_is_known_about_the_charge(attempts: list[Attempt], charged: Charged) -> None:
    job = a_job(state=JobState.FAILED, attempts=tuple(attempts))
    assert job.charged is charged
    assert job_view(JobView(job))["charged"] == charged


def test_an_error_is_retryable_only_if_the_job_was_not_charged() -> None:
    fault = Fault(ErrorCode.RATE_LIMITED, "later", retryable=True)
    shown = [job_view(JobView(a_job(fault=fault, submitted_at=at)))["error"] for at in (None, 1)]
    assert [(each["retryable"], each["charged"]) for each in shown if each] == [(True, "no"), (False, "maybe")]


def test_a_job_that_may_have_been_charged_is_repeated_only_if_the_client_accepts_a_second_charge(world: World) -> None:
    job_id = timed_out(world)
    for body in ({}, {"accept_second_charge": False}):
        with pytest.raises(WrongState) as refused:
            job_retrier(world).retry_job("acme", job_id, body)
        assert (refused.value.members["charged"], "accept_second_charge" in refused.value.detail) == ("yes", True)
        assert refused.value.members["recoverable_until"] in refused.value.detail
    assert job_retrier(world).retry_job("acme", job_id, ACCEPTED)[1]
    assert not job_retrier(world).retry_job("acme", job_id, {})[1], "a repetition needs no consent, it costs nothing"


def test_a_job_that_was_refused_for_certain_is_repeated_without_consent(world: World) -> None:
    job_id = world.accept()
    world.jobs.finish(world.job(job_id), JobState.FAILED, Fault(ErrorCode.QUOTA, "no"), now=world.now)
    assert job_retrier(world).retry_job("acme", job_id, {})[1]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], ""),
        ("yes", ""),
        (None, ""),
        ({"accept_second_charge": "yes"}, "/accept_second_charge"),
        ({"accept": True}, "/accept"),
    ],
)
@pytest.mark.parametrize("state", ["charged", "not charged", "retried before", "open"])
def test_a_wrong_body_is_always_refused(world: World, body: Any, field: str, state: str) -> None:
    job_id = world.accept()
    if state == "charged":
        job_id = timed_out(world, world.generating())
    elif state != "open":
        world.jobs.finish(world.job(job_id), JobState.FAILED, Fault(ErrorCode.QUOTA, "no"), now=world.now)
    if state == "retried before":
        job_retrier(world).retry_job("acme", job_id, {})
    with pytest.raises(InvalidRequest) as refused:
        job_retrier(world).retry_job("acme", job_id, body)
    assert [error["pointer"] for error in refused.value.members["errors"]] == [field]


@pytest.mark.parametrize(("body", "status"), [("{", 400), ("x" * 70_000, 413), ('{"accept": 1}', 422)])
def test_the_handler_refuses_a_wrong_body(deployed: SimpleNamespace, world: World, body: str, status: int) -> None:
    put_job(world)
    assert handler("retry_job")({**event("retry_job/retry"), "body": body})["statusCode"] == status


def test_a_refused_retry_says_what_was_charged_and_until_when_a_song_may_arrive(
    deployed: SimpleNamespace, world: World
) -> None:
    put_job(world, submitted_at=world.now, task_id="J1")
    fault = Fault(ErrorCode.DEADLINE_EXCEEDED, "late")
    until = world.now + 900
    world.jobs.finish(world.job(JOB_ID), JobState.TIMED_OUT, fault, now=world.now, recoverable_until=until)
    refused = handler("retry_job")(event("retry_job/retry"))
    problem = json.loads(refused["body"])
    assert (refused["statusCode"], problem["charged"], problem["recoverable_until"]) == (409, "yes", "2027-01-15T08:15:00Z")
    given = {**event("retry_job/retry"), "body": json.dumps(ACCEPTED)}
    assert handler("retry_job")(given)["statusCode"] == 202


def test_the_handler_answers_a_repeated_retry_with_the_same_job(deployed: SimpleNamespace, world: World) -> None:
    put_job(world)
    world.jobs.finish(world.job(JOB_ID), JobState.FAILED, Fault(ErrorCode.QUOTA, "no"), now=world.now)
    answers = [handler("retry_job")(event("retry_job/retry")) for _ in range(2)]
    assert [answer["statusCode"] for answer in answers] == [202, 200]
    [location] = {answer["headers"]["Location"] for answer in answers}
    assert location == f"/v1/jobs/{world.job(JOB_ID).retried_as}"


def test_the_handler_answers_a_retry_of_an_open_job_with_409(deployed: SimpleNamespace, world: World) -> None:
    put_job(world)
    refused = handler("retry_job")(event("retry_job/retry"))
    assert (refused["statusCode"], json.loads(refused["body"])["title"]) == (409, "The state of the job does not allow this")
