"""Waiting for a job: the function that waits, and the requests that call it."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from suno_jobs.jobs.states import JobState, Progress
from suno_jobs.runtime.waiting import WaitFunction, preferred_wait
from suno_jobs.steps.read_jobs import JobReader
from suno_jobs.steps.wait_for_job import JobWaiter
from suno_jobs.storage.job_list import JobList
from suno_jobs.storage.job_versions import JobVersions, version_of
from tests.builders import JOB_ID, cancel, event, handler, put_job
from tests.world import BUCKET, TABLE, World


def waiter(world: World, during: Callable[[], object] = lambda: None, after: float = 0.0) -> JobWaiter:
    """``during`` happens once, that many seconds after the start."""
    began, acts = world.clock(), [during]

    def sleep(seconds: float) -> None:
        world.clock.sleep(seconds)
        if acts and world.clock() >= began + after:
            acts.pop()()

    return JobWaiter(versions=JobVersions(world.dynamodb, TABLE), stopwatch=world.clock, sleep=sleep)


def test_a_wait_ends_soon_after_the_job(world: World) -> None:
    job_id, began = world.generating(), world.clock()
    assert waiter(world, lambda: cancel(world, job_id), 5.0).wait_for_job(job_id, None, 25)
    assert 5 <= world.clock() - began <= 7.5


def test_a_wait_is_over_in_time_after_few_reads(world: World) -> None:
    job_id, began = world.generating(), world.clock()
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        world.clock.sleep(seconds)

    versions = JobVersions(world.dynamodb, TABLE)
    assert not JobWaiter(versions=versions, stopwatch=world.clock, sleep=sleep).wait_for_job(job_id, None, 25)
    assert world.clock() - began == pytest.approx(25)
    assert len(pauses) <= 20
    assert max(pauses) <= 2


@pytest.mark.parametrize("change", ["progress", "check", "history"])
def test_a_wait_for_a_change_ends_with_any_change(world: World, change: str) -> None:
    job_id = world.generating()
    seen = version_of(world.job(job_id))

    def act() -> None:
        if change == "progress":
            world.jobs.advance(job_id, Progress.FIRST, now=world.now)
        elif change == "check":
            world.jobs.begin_check(job_id, now=world.now, due_at=world.now)
        else:
            world.start_storing(job_id)

    assert waiter(world, act, 3.0).wait_for_job(job_id, seen, 25)
    assert not waiter(world).wait_for_job(job_id, version_of(world.job(job_id)), 5)


def test_a_job_that_the_read_does_not_see_yet_is_awaited_and_a_deleted_one_is_not(world: World) -> None:
    assert not waiter(world).wait_for_job("job_unknown", None, 3)
    job_id = world.generating()
    cancel(world, job_id)
    world.job_deleter().delete_job("acme", job_id)
    assert waiter(world).wait_for_job(job_id, None, 3)


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("wait=20", 20),
        ("respond-async, WAIT = 5", 5),
        ('wait="7"; foo=bar', 7),
        ("wait=100", 25),
        ("wait=0", 0),
        ("wait=-1", 0),
        ("wait=1.5", 0),
        ("wait", 0),
        ("waiting=3", 0),
    ],
)
def test_the_preference_is_read_as_rfc_7240_says(prefer: str | None, seconds: int) -> None:
    assert preferred_wait(prefer) == seconds


def reader(world: World) -> JobReader:
    return JobReader(
        jobs=world.jobs,
        job_list=JobList(world.dynamodb, TABLE),
        s3=world.s3,
        bucket=BUCKET,
        url_seconds=900,
        interval_seconds=20,
        wait_function=world.wait_function(),
    )


def test_a_read_waits_for_the_end(world: World) -> None:
    job_id = world.generating()
    world.waited = lambda: cancel(world, job_id)
    status, body, headers = reader(world).read_job("acme", job_id, None, 20)
    assert (status, body["state"], headers["Preference-Applied"]) == (200, "CANCELLED", "wait=20")
    assert world.waits == [{"function": "wait-for-job", "job_id": job_id, "seen": None, "seconds": 20, "request_id": None}]


def test_a_read_of_what_the_client_has_waits_for_a_change(world: World) -> None:
    job_id = world.generating()
    tag = reader(world).read_job("acme", job_id, None)[2]["ETag"]
    world.waited = lambda: world.jobs.advance(job_id, Progress.FIRST, now=world.now)
    status, body, headers = reader(world).read_job("acme", job_id, tag, 20)
    assert (status, body["progress"], headers["Preference-Applied"]) == (200, "first", "wait=20")
    assert world.waits[0]["seen"] is not None


def test_a_read_that_has_news_or_an_end_does_not_wait(world: World) -> None:
    job_id = world.generating()
    assert reader(world).read_job("acme", job_id, '"another"', 20)[2]["Preference-Applied"] == "wait=20"
    cancel(world, job_id)
    assert reader(world).read_job("acme", job_id, None, 20)[2]["Preference-Applied"] == "wait=20"
    assert world.waits == []


def test_beyond_the_cap_a_request_is_answered_at_once(world: World) -> None:
    job_id = world.generating()
    status, body, headers = reader(world).read_job("acme", job_id, None, 20)
    assert (status, body["state"], "Preference-Applied" in headers, len(world.waits)) == (200, "GENERATING", False, 1)
    view, headers = world.job_submitter().wait_for_end(world.view(job_id), 20)
    assert (view.job.state, headers) == (JobState.GENERATING, {})


def test_a_function_that_fails_or_cannot_be_reached_is_not_waited_for() -> None:
    def unreachable(**_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://lambda.example")

    for invoke in (lambda **_: {"FunctionError": "Unhandled"}, unreachable):
        client: Any = SimpleNamespace(invoke=invoke)
        assert not WaitFunction(lambda client=client: client, "f").wait("job_1", None, 5)  # type: ignore[misc]


def test_a_new_job_is_awaited(world: World) -> None:
    view = world.view(world.accept())
    assert world.job_submitter().wait_for_end(view, 0) == (view, {})
    world.waited = lambda: cancel(world, view.job.job_id)
    latest, headers = world.job_submitter().wait_for_end(view, 20)
    assert (latest.job.state, headers) == (JobState.CANCELLED, {"Preference-Applied": "wait=20"})
    assert world.job_submitter().wait_for_end(latest, 20) == (latest, headers)
    assert len(world.waits) == 1


def test_a_new_job_that_is_deleted_meanwhile_is_shown_as_it_was(world: World) -> None:
    view = world.view(world.accept())

    def deleted() -> None:
        cancel(world, view.job.job_id)
        world.job_deleter().delete_job("acme", view.job.job_id)

    world.waited = deleted
    assert world.job_submitter().wait_for_end(view, 20)[0] == view


def test_the_handler_reports_an_end(deployed: SimpleNamespace, world: World) -> None:
    put_job(world, JobState.SUCCEEDED)
    assert handler("wait_for_job")(event("wait_for_job/wait")) == {"changed": True}


def test_the_handlers_answer_at_once_if_the_function_cannot_be_called(deployed: SimpleNamespace, world: World) -> None:
    put_job(world)
    asked = event("read_jobs/job")
    asked["headers"]["prefer"] = "wait=20"
    answer = handler("read_jobs")(asked)
    assert (answer["statusCode"], json.loads(answer["body"])["job_id"]) == (200, JOB_ID)
    assert "Preference-Applied" not in answer["headers"]
