"""Limits of a tenant: what each of them refuses, what a refusal says, and what changes nothing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import Conflict, QuotaExceeded
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.states import JobState
from suno_jobs.steps.retry_job import JobRetrier
from suno_jobs.storage.usage import UsageStore
from suno_jobs.tenants.limits import Limits
from suno_jobs.tenants.quotas import Quotas, quotas_of
from suno_jobs.tenants.tenant_list import Tenant, TenantList
from tests.builders import cancel, event, handler
from tests.world import START, TABLE, World

SONG: dict[str, Any] = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "rain"}}
UNPRICED: dict[str, Any] = {"gateway": "anyint", "kind": "music", "input": {"prompt": "rain"}}
NUMBERS = itertools.count()
MONTH = "2027-01"
"""That of START: 2027-01-15, 08:00 UTC."""


def limit(world: World, **limits: Any) -> None:
    TenantList(world.dynamodb, TABLE).create(Tenant("acme", START, Limits(**limits)))


def submit(world: World, key: str = "", body: Mapping[str, Any] = SONG) -> Job:
    return world.job_submitter().submit_job("acme", body, key or f"key-{next(NUMBERS)}")[0].job


def usage(world: World, month: str = MONTH) -> Mapping[str, int]:
    return UsageStore(world.dynamodb, TABLE).read("acme", month)


def refusal(world: World, **given: Any) -> QuotaExceeded:
    before = world.dynamodb.scan(TableName=TABLE)["Items"]
    started = len(world.executions.states)
    with pytest.raises(QuotaExceeded) as refused:
        submit(world, **given)
    assert world.dynamodb.scan(TableName=TABLE)["Items"] == before
    assert len(world.executions.states) == started
    return refused.value


@pytest.mark.parametrize(
    ("limits", "named", "retry_after", "policy", "state"),
    [
        ({"jobs_in_progress": 2}, "jobs-in-progress", 30, '"jobs-in-progress";q=2;qu="concurrent-requests"', "r=0;t=30"),
        ({"jobs_per_day": 2}, "jobs-per-day", 57_600, '"jobs-per-day";q=2;w=86400', "r=0;t=57600"),
        ({"jobs_per_month": 2}, "jobs-per-month", 1_440_000, '"jobs-per-month";q=2;w=2678400', "r=0;t=1440000"),
        # A song is 6 quota, and 100 quota are 1 USD.
        ({"usd_per_month": 0.15}, "usd-per-month", 1_440_000, '"usd-per-month";q=15;w=2678400;qu="usd-cents"', "r=3;t=1440000"),
    ],
)
def test_a_limit_refuses_the_third_song(
    world: World, limits: dict[str, Any], named: str, retry_after: int, policy: str, state: str
) -> None:
    limit(world, **limits)
    submit(world)
    submit(world)
    error = refusal(world)
    assert error.members == {"violated-policies": [named]}
    assert named in error.detail
    assert error.headers == {
        "Retry-After": str(retry_after),
        "RateLimit-Policy": policy,
        "RateLimit": f'"{named}";{state}',
    }


def test_a_refusal_has_every_policy_the_state_of_those_reached_and_the_longest_wait(world: World) -> None:
    limit(world, jobs_in_progress=1, jobs_per_day=1, jobs_per_month=5)
    submit(world)
    error = refusal(world)
    assert error.members == {"violated-policies": ["jobs-in-progress", "jobs-per-day"]}
    assert error.headers["Retry-After"] == "57600"
    assert error.headers["RateLimit"] == '"jobs-in-progress";r=0;t=30, "jobs-per-day";r=0;t=57600'
    assert error.headers["RateLimit-Policy"].count(";q=") == 3


@pytest.mark.parametrize("name", ["requests_per_second", "jobs_in_progress", "jobs_per_day", "jobs_per_month", "usd_per_month"])
def test_a_limit_of_zero_lets_no_job_in(world: World, name: str) -> None:
    limit(world, **{name: 0})
    assert refusal(world, body=UNPRICED).members == {"violated-policies": [name.replace("_", "-")]}


def test_another_tenant_is_not_concerned(world: World) -> None:
    limit(world, jobs_per_day=0)
    assert world.job_submitter().submit_job("other", SONG, None)[1]


def test_a_repeated_key_is_not_counted_and_never_refused(world: World) -> None:
    limit(world, requests_per_second=1, jobs_in_progress=1)
    first = submit(world, "k")
    assert submit(world, "k").job_id == first.job_id
    assert usage(world)["jobs"] == 1


@pytest.mark.parametrize("limits", [{"requests_per_second": 1}, {"jobs_per_day": 1}])
def test_a_request_that_another_one_with_its_key_has_overtaken_is_not_refused(world: World, limits: dict[str, Any]) -> None:
    limit(world, **limits)
    first = submit(world, "k")
    # As if the job had been created just after the first read.
    assert not world.job_creator().create_job(first, world.jobs.request(first.job_id))


def test_requests_are_counted_by_the_second(world: World) -> None:
    limit(world, requests_per_second=2)
    submit(world)
    submit(world)
    error = refusal(world)
    assert error.headers == {
        "Retry-After": "1",
        "RateLimit": '"requests-per-second";r=0;t=1',
        "RateLimit-Policy": '"requests-per-second";q=2;w=1',
    }
    world.clock.sleep(1)
    submit(world)


def test_the_end_of_a_job_makes_room_for_another_one(world: World) -> None:
    limit(world, jobs_in_progress=1)
    cancel(world, submit(world).job_id)
    submit(world)
    refusal(world)


def test_a_day_begins_again_at_midnight_and_a_month_on_its_first_day(world: World) -> None:
    limit(world, jobs_per_day=1, jobs_per_month=2)
    submit(world)
    world.clock.sleep(57_600)
    submit(world)
    world.clock.sleep(57_600 + 86_400)
    assert refusal(world).members == {"violated-policies": ["jobs-per-month"]}
    world.clock.sleep(15 * 86_400)
    submit(world)
    assert usage(world, "2027-02") == {"in_progress": 1, "jobs": 1, "jobs_01": 1, "spent": 60_000, "spent_01": 60_000}


def test_jobs_in_progress_are_those_of_the_month_before_too(world: World) -> None:
    limit(world, jobs_in_progress=2)
    world.clock.sleep(int(datetime(2027, 1, 31, 23, 59, tzinfo=UTC).timestamp()) - START)
    old = submit(world)
    world.clock.sleep(120)
    submit(world)
    assert refusal(world).headers["RateLimit"] == '"jobs-in-progress";r=0;t=30'
    cancel(world, old.job_id)
    submit(world)
    assert [usage(world, month)["in_progress"] for month in (MONTH, "2027-02")] == [0, 2]


def test_a_job_without_a_known_price_is_refused_when_everything_is_spent(world: World) -> None:
    limit(world, usd_per_month=0.06)
    submit(world, body=UNPRICED)
    submit(world)
    refusal(world, body=UNPRICED)


def test_a_hundred_threads_at_the_limit_create_exactly_as_many_jobs(world: World) -> None:
    limit(world, jobs_in_progress=37)
    submitter = world.job_submitter()

    def one(number: int) -> bool:
        try:
            return submitter.submit_job("acme", SONG, f"k{number}")[1]
        except QuotaExceeded:
            return False

    with ThreadPoolExecutor(100) as pool:
        created = sum(pool.map(one, range(100)))
    assert (created, usage(world)["in_progress"], usage(world)["jobs"]) == (37, 37, 37)


def test_a_job_is_created_if_another_one_ends_between_the_refusal_and_its_reason(world: World) -> None:
    limit(world, jobs_in_progress=1)
    first, create = submit(world), world.jobs.submissions.create

    def overtaken(*given: Any, **named: Any) -> bool:
        try:
            return create(*given, **named)
        except Exception:
            cancel(world, first.job_id)
            raise

    world.jobs.submissions.create = overtaken  # type: ignore[method-assign]
    assert submit(world).state is JobState.ACCEPTED


def test_counters_that_never_settle_end_in_a_conflict(world: World) -> None:
    limit(world, jobs_in_progress=1)
    submit(world)

    class Wavering(Quotas):
        """The counters are high whenever a job is to be created, and low whenever they are read for the reason."""

        def check(self, _: Job) -> None:
            return

    creator = world.job_creator()
    assert creator.quotas
    creator = replace(creator, quotas=Wavering(creator.quotas.tenants, creator.quotas.usage, world.clock))
    with pytest.raises(Conflict):
        creator.create_job(creator.new_job("acme", "job_x", "d", ["ttapi"], Kind.MUSIC), {})


def test_a_retry_beyond_a_limit_leaves_no_mark(world: World) -> None:
    job_id = world.generating()
    world.jobs.finish(world.job(job_id), JobState.FAILED, None, now=world.now)
    limit(world, jobs_per_day=1)
    retrier = JobRetrier(world.job_creator())
    with pytest.raises(QuotaExceeded):
        retrier.retry_job("acme", job_id, {"accept_second_charge": True})
    assert world.job(job_id).retried_as is None
    TenantList(world.dynamodb, TABLE).set_limits("acme", Limits(jobs_per_day=2, usd_per_month=0.12))
    retried, created = JobRetrier(world.job_creator()).retry_job("acme", job_id, {"accept_second_charge": True})
    assert (created, retried.job.counted, usage(world)["spent"]) == (True, 60_000, 120_000)


def test_a_retry_beyond_the_limit_per_second_leaves_no_mark(world: World) -> None:
    job_id = world.generating()
    world.jobs.finish(world.job(job_id), JobState.FAILED, None, now=world.now)
    limit(world, requests_per_second=1)
    submit(world)
    with pytest.raises(QuotaExceeded):
        JobRetrier(world.job_creator()).retry_job("acme", job_id, {"accept_second_charge": True})
    assert world.job(job_id).retried_as is None
    world.clock.sleep(1)
    assert JobRetrier(world.job_creator()).retry_job("acme", job_id, {"accept_second_charge": True})[1], "it counts once"


def test_a_retry_beyond_a_limit_finds_the_job_of_a_concurrent_one(world: World) -> None:
    job_id = world.generating()
    world.jobs.finish(world.job(job_id), JobState.FAILED, None, now=world.now)
    limit(world, jobs_per_day=2)
    retrier, original = JobRetrier(world.job_creator()), world.jobs.read
    accepted = {"accept_second_charge": True}

    def overtaken(wanted: str) -> Any:
        found, world.jobs.read = original(wanted), original  # type: ignore[method-assign]
        assert JobRetrier(world.job_creator()).retry_job("acme", job_id, accepted)[1]
        return found

    world.jobs.read = overtaken  # type: ignore[method-assign, assignment]
    view, created = retrier.retry_job("acme", job_id, accepted)
    assert (view.job.job_id, created) == (world.job(job_id).retried_as, False)


def test_an_operator_is_not_limited(world: World) -> None:
    limit(world, jobs_per_day=0)
    creator = replace(world.job_creator(), quotas=None)
    job = creator.new_job("acme", "job_x", "d", ["ttapi"], Kind.MUSIC)
    assert creator.take_request(job)
    assert creator.create_job(job, {})
    assert usage(world)["jobs"] == 1


def test_what_is_left_is_never_less_than_nothing() -> None:
    [quota] = quotas_of(Limits(jobs_per_month=2), START, 0)
    assert quota.state(5) == '"jobs-per-month";r=0;t=1440000'


def test_the_answer_to_a_client_has_the_headers(deployed: SimpleNamespace, state_machine: str, aws: SimpleNamespace) -> None:
    TenantList(aws.dynamodb, TABLE).create(Tenant("acme", START, Limits(jobs_per_day=0)))
    answer = handler("submit_job")(event("submit_job/lyrics"))
    headers = {name: values[0] for name, values in answer["multiValueHeaders"].items()} if "multiValueHeaders" in answer else {}
    headers |= answer.get("headers", {})
    assert (answer["statusCode"], headers["Content-Type"]) == (429, "application/problem+json")
    assert json.loads(answer["body"])["type"] == "/v1/problems/quota-exceeded"
    assert headers["RateLimit-Policy"] == '"jobs-per-day";q=0;w=86400'
    assert 0 < int(headers["Retry-After"]) <= 86_400
