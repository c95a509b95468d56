"""The usage of a tenant is what its jobs say: each is counted once, released once, and counts as what it has cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError as AwsError

from bench.units import UNIT_BYTES, size
from suno_jobs.catalog.costs import Cost, CostSource
from suno_jobs.errors import Conflict, JobBeingChanged
from suno_jobs.jobs.record import Attempt, Renewal, TaskEnd
from suno_jobs.jobs.spending import spending
from suno_jobs.jobs.states import JobState
from suno_jobs.network.http import httpx
from suno_jobs.runtime import contention, http_api
from suno_jobs.steps.cancel_job import JobCanceller
from suno_jobs.storage.attribute_values import pack
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.table import CONTENDED_ATTEMPTS, jittered
from suno_jobs.storage.usage import UsageStore, usage_key
from tests.builders import ACCEPTED, Contended, cancel, music, task
from tests.world import TABLE, World

PRICE = 60_000
"""Of a song at TTAPI: 6 quota of 0.01 USD."""


def usage(world: World) -> Mapping[str, int]:
    return UsageStore(world.dynamodb, TABLE).read("acme", "2027-01")


def counters(in_progress: int, jobs: int, spent: int) -> Mapping[str, int]:
    return {"in_progress": in_progress, "jobs": jobs, "jobs_15": jobs, "spent": spent, "spent_15": spent}


def generating(world: World) -> str:
    job_id = world.accept("ttapi")
    world.wire.answers = [ACCEPTED]
    world.task_creator().create_task(job_id)
    return job_id


def read(world: World, job_id: str, **data: Any) -> None:
    done = json.loads(task(music(1)).content)
    done["data"] |= data
    world.wire.answers = [httpx.Response(200, json=done)]
    world.task_checker().check_task(job_id)


def test_a_new_job_counts_as_its_listed_price(world: World) -> None:
    world.accept("ttapi")
    assert usage(world) == counters(1, 1, PRICE)


def test_a_job_that_was_not_submitted_counts_as_nothing_when_it_ends(world: World) -> None:
    cancel(world, world.accept("ttapi"))
    assert usage(world) == counters(0, 1, 0)


def test_the_reported_cost_replaces_the_estimate_at_the_end(world: World) -> None:
    job_id = generating(world)
    read(world, job_id, quota="5.5")
    assert usage(world) == counters(1, 1, PRICE)
    world.jobs.finish(world.job(job_id), JobState.SUCCEEDED, None, now=world.now)
    assert usage(world) == counters(0, 1, 55_000)
    assert world.job(job_id).counted == 55_000


def test_a_late_result_releases_nothing_again_and_corrects_the_cost(world: World) -> None:
    job_id = generating(world)
    job = world.jobs.finish(world.job(job_id), JobState.TIMED_OUT, None, now=world.now, recoverable_until=world.now + 900)
    assert usage(world) == counters(0, 1, PRICE)
    world.jobs.mark_announced(job, recoverable_until=world.now + 900, due_at=world.now + 900, now=world.now)
    read(world, job_id, quota=7)
    assert usage(world) == counters(0, 1, 70_000)
    world.jobs.finish(world.job(job_id), JobState.SUCCEEDED, None, now=world.now)
    assert usage(world) == counters(0, 1, 70_000)


def test_a_task_that_is_found_after_the_end_counts(world: World) -> None:
    job_id = generating(world)
    job = world.jobs.finish(world.job(job_id), JobState.TIMED_OUT, None, now=world.now)
    found = world.jobs.submissions.accept_task(job, "another", now=world.now, due_at=world.now, attempt=1)
    assert (found.counted, usage(world)) == (2 * PRICE, counters(0, 1, 2 * PRICE))


def test_of_two_concurrent_ends_one_is_counted(world: World) -> None:
    stale = world.job(generating(world))
    world.jobs.finish(stale, JobState.TIMED_OUT, None, now=world.now)
    with pytest.raises(Conflict):
        world.jobs.finish(stale, JobState.FAILED, None, now=world.now)
    assert usage(world) == counters(0, 1, PRICE)


def test_of_two_concurrent_reports_about_an_ended_job_one_corrects_its_cost(world: World) -> None:
    job = world.jobs.finish(world.job(generating(world)), JobState.TIMED_OUT, None, now=world.now)
    report = replace(job, cost=Cost(7, "quota", CostSource.REPORTED))
    world.jobs.record_task_ends(report, job.attempts, now=world.now, due_at=world.now)
    with pytest.raises(Conflict):
        world.jobs.record_task_ends(report, job.attempts, now=world.now, due_at=world.now)
    assert usage(world) == counters(0, 1, 70_000)


def test_the_end_returns_the_job_as_it_is_stored(world: World) -> None:
    job_id = generating(world)
    ended = world.jobs.finish(world.job(job_id), JobState.FAILED, None, now=world.now)
    assert ended == world.job(job_id)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"attempts": (Attempt(1, "T"),)}, PRICE),
        ({"attempts": (Attempt(1, "T", TaskEnd.REFUNDED),)}, 0),
        ({"attempts": (Attempt(1),)}, PRICE),
        ({"attempts": (Attempt(1), Attempt(2, "T"))}, 2 * PRICE),
        ({"attempts": (Attempt(1, "T"),), "adopts": "T"}, 0),
        ({"attempts": (Attempt(1, "T"),), "usd_per_unit": None}, 0),
        ({"attempts": (Attempt(1, "T"),), "cost": None}, 0),
    ],
)
def test_what_a_job_has_cost(world: World, given: dict[str, Any], expected: int) -> None:
    job = world.job(world.accept("ttapi"))
    assert spending(replace(job, **given)) == expected


def test_the_item_of_a_month_takes_one_write_unit() -> None:
    days = {f"{name}_{day:02}": most for name, most in (("jobs", 99_999), ("spent", 99_999_999_999)) for day in range(1, 32)}
    item = usage_key("a" * 64, "2027-01") | days | {"in_progress": 99_999, "jobs": 9_999_999, "spent": 9_999_999_999_999}
    assert size(pack(item)) <= UNIT_BYTES


class Busy:
    """Another transaction holds the item at the first calls."""

    def __init__(self, client: Any, calls: int) -> None:
        self._client, self.left = client, calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name not in ("transact_write_items", "update_item", "put_item"):
            return found

        def call(**arguments: Any) -> Any:
            if self.left == 0:
                return found(**arguments)
            self.left -= 1
            reasons: Any = {"CancellationReasons": [{"Code": "TransactionConflict"}, {"Code": "None"}], "Error": {"Code": "x"}}
            kinds = self._client.exceptions
            together = name == "transact_write_items"
            raise (kinds.TransactionCanceledException if together else kinds.TransactionConflictException)(reasons, name)

        return call


def busy_table(world: World, calls: int, pauses: list[float] | None = None) -> JobStore:
    seconds = [] if pauses is None else pauses
    return JobStore(Busy(world.dynamodb, calls), TABLE, jittered(seconds.append, lambda: 1.0))  # type: ignore[arg-type]


@pytest.mark.parametrize("calls", [1, CONTENDED_ATTEMPTS - 1])
def test_a_write_that_meets_a_transaction_is_repeated(world: World, calls: int) -> None:
    job = world.job(generating(world))
    busy_table(world, calls).record_link_renewal(job, Renewal(0, 1), now=world.now)
    busy_table(world, calls).finish(job, JobState.TIMED_OUT, None, now=world.now)
    assert usage(world) == counters(0, 1, PRICE)
    busy_table(world, calls).deletions.place_tombstone(job, None, now=world.now)
    assert world.jobs.deletions.tombstone(job.job_id)


def test_a_write_waits_at_random_for_a_transaction_to_end(world: World) -> None:
    job, pauses = world.job(generating(world)), list[float]()
    busy_table(world, 6, pauses).record_link_renewal(job, Renewal(0, 1), now=world.now)
    assert pauses == [0.004, 0.008, 0.016, 0.032, 0.064, 0.064]
    jittered(pauses.append, lambda: 0.25)(1)
    assert pauses[-1] == 0.002


def test_endless_contention_is_an_error_of_aws_and_changes_nothing(world: World) -> None:
    job, pauses = world.job(generating(world)), list[float]()
    with pytest.raises(contention.Contended) as raised:
        busy_table(world, CONTENDED_ATTEMPTS, pauses).finish(job, JobState.TIMED_OUT, None, now=world.now)
    assert isinstance(raised.value, AwsError), "a function that no client waits for is repeated as after any error of AWS"
    assert len(pauses) == CONTENDED_ATTEMPTS - 1
    assert (world.job(job.job_id), usage(world)) == (job, counters(1, 1, PRICE))


def test_a_transaction_that_is_cancelled_for_another_reason_is_not_repeated(world: World) -> None:
    job, pauses = world.job(generating(world)), list[float]()
    jobs = JobStore(Contended(world, "ThrottlingError"), TABLE, jittered(pauses.append, lambda: 1.0))  # type: ignore[arg-type]
    with pytest.raises(AwsError) as raised:
        jobs.finish(job, JobState.TIMED_OUT, None, now=world.now)
    assert (type(raised.value).__name__, pauses) == ("TransactionCanceledException", [])


def test_a_client_is_told_of_endless_contention(world: World) -> None:
    job_id, app = generating(world), http_api.resolver()

    @app.post("/v1/cancel")
    def cancel_job() -> None:
        jobs = busy_table(world, CONTENDED_ATTEMPTS)
        JobCanceller(jobs=jobs, executions=world.executions, clock=world.clock).cancel_job("acme", job_id)  # type: ignore[arg-type]

    event = {"rawPath": "/v1/cancel", "requestContext": {"http": {"method": "POST", "path": "/v1/cancel"}, "stage": "$default"}}
    answer = app.resolve({**event, "headers": {}}, None)  # type: ignore[arg-type]
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["type"]) == (409, JobBeingChanged.type_uri())
    assert not world.job(job_id).terminal
