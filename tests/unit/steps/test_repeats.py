"""A submission whose answer was lost is repeated where its gateway recognises the repetition, and nowhere else (I1)."""

from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.adapters.evolink import EvoLink
from suno_jobs.jobs.record import Lost
from suno_jobs.jobs.schedule import NextStep
from suno_jobs.jobs.states import JobState
from suno_jobs.lifecycle.repeats import repeat_until
from suno_jobs.network.http import httpx
from tests.builders import use_accounts
from tests.world import ACCOUNTS, GRACE, PACE, TABLE, FixedSecret, World

TASK = httpx.Response(200, json={"id": "task-unified-1", "status": "pending", "progress": 0})
LOST = httpx.ReadTimeout("no answer")
REFUSED = httpx.Response(402, json={"error": {"code": "insufficient_quota", "message": "no credits"}})


def lose(world: World, *then: Any) -> str:
    """A job at EvoLink whose first answer was lost, with the further answers of the gateway."""
    job_id = world.accept("evolink")
    world.wire.answers = [LOST, *then]
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", PACE.interval)
    world.clock.sleep(PACE.interval)
    return job_id


def keys(world: World) -> list[str]:
    return [request.headers["Idempotency-Key"] for request in world.wire.requests]


def test_i1_the_same_bytes_are_sent_with_the_same_key(world: World) -> None:
    job_id = lose(world, TASK)
    assert world.task_checker().check_task(job_id).next == "submit"
    creator = world.task_creator()
    # The callback secret was rotated, so a new request would have another URL.
    object.__setattr__(creator, "callback_url", lambda *_: "https://us.example/v1/callbacks/rotated")
    creator.create_task(job_id)
    first, second = world.wire.requests
    assert (second.url, second.content, second.headers) == (first.url, first.content, first.headers)
    assert len(keys(world)[0]) == 16
    job = world.job(job_id)
    assert (job.state, job.tasks, len(job.attempts)) == (JobState.GENERATING, ("task-unified-1",), 1)


@pytest.mark.parametrize(
    "answer",
    [
        LOST,
        REFUSED,
        httpx.ConnectError("refused"),
        httpx.Response(409, json={"error": {"code": "paid_outcome_unknown", "message": "ask again"}}),
        httpx.Response(429, json={"error": {"code": "rate_limit_exceeded", "message": "slow down"}}),
        httpx.Response(502, text="<html>"),
    ],
    ids=str,
)
def test_i1_no_answer_to_a_repetition_but_a_task_settles_the_first_submission(world: World, answer: Any) -> None:
    job_id = lose(world, answer, TASK)
    before = world.job(job_id)
    assert world.task_creator().create_task(job_id).next == "wait"
    job = world.job(job_id)
    assert (job.state, job.attempts, job.submission) == (JobState.SUBMIT_UNKNOWN, before.attempts, before.submission)
    world.clock.sleep(PACE.longest)
    world.task_creator().create_task(job_id)
    assert world.job(job_id).state is JobState.GENERATING
    assert len(set(keys(world))) == 1
    assert world.wire.submissions == 3


BUSY = {"error": {"code": "rate_limit_exceeded", "message": "slow down"}}


@pytest.mark.parametrize("status", [429, 503])
def test_a_repetition_follows_when_the_gateway_wants_it(world: World, status: int) -> None:
    """No sweep finds the job before that."""
    refusal = httpx.Response(status, json=BUSY if status == 429 else {}, headers={"Retry-After": "400"})
    job_id = lose(world, refusal, TASK)
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", 400)
    assert world.job(job_id).due_at == world.now + 400 + PACE.slack


def test_the_first_repetition_follows_when_the_gateway_wants_it(world: World) -> None:
    job_id = world.accept("evolink")
    world.wire.answers = [httpx.Response(503, json={}, headers={"Retry-After": "400"})]
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", 400)
    job = world.job(job_id)
    assert (job.state, job.due_at) == (JobState.SUBMIT_UNKNOWN, world.now + 400 + PACE.slack)


def test_no_wait_for_a_repetition_exceeds_the_deadline(world: World) -> None:
    job_id = lose(world, httpx.Response(429, json=BUSY, headers={"Retry-After": "3600"}))
    wait = world.task_creator().create_task(job_id).wait_seconds
    assert world.now + wait == world.job(job_id).deadline_at == world.job(job_id).due_at


def test_an_answer_to_a_repetition_that_cannot_be_read_is_stored(world: World) -> None:
    job_id = lose(world, REFUSED)
    world.task_creator().create_task(job_id)
    assert len(world.items("RECEIPT#submission#")) == 1


def test_every_repetition_is_in_the_history(world: World) -> None:
    job_id = lose(world, LOST)
    before = len(world.job(job_id).history)
    world.task_creator().create_task(job_id)
    assert len(world.job(job_id).history) == before + 1


def test_nothing_is_repeated_after_the_time_in_which_the_gateway_knows_the_key(world: World) -> None:
    job_id = lose(world, LOST)
    world.clock.sleep(EvoLink.repeat_seconds)
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", 1)
    assert world.task_checker().check_task(job_id).next == "finish"
    assert world.wire.submissions == 1
    job = world.job(job_id)
    assert (job.state, job.fault and job.fault.code) == (JobState.TIMED_OUT, ErrorCode.AMBIGUOUS)


@pytest.mark.parametrize("reason", ["the key may be forgotten", "the deadline"])
def test_no_slot_of_a_repetition_is_after_the_time_for_repetitions(world: World, reason: str) -> None:
    """It is asked a second earlier, and all slots of that second are reserved."""
    job_id = world.accept("evolink")
    job = world.job(job_id)
    if reason == "the deadline":
        world.clock.sleep(job.deadline_at - world.now - 60)
    world.wire.answers = [LOST, TASK]
    world.task_creator().create_task(job_id)
    until = repeat_until(world.job(job_id))
    assert until == min(job.deadline_at, world.job(job_id).attempts[0].at + EvoLink.repeat_seconds)
    assert (until == job.deadline_at) == (reason == "the deadline")
    world.clock.sleep(until - 1 - world.clock())
    while world.calls().reserve_slot(job) < until:
        pass
    before = len(world.job(job_id).history)
    assert world.task_creator().create_task(job_id).next == "wait"
    assert world.wire.submissions == 1
    assert len(world.job(job_id).history) == before


def test_no_slot_in_place_of_a_missed_one_is_after_the_time_for_repetitions(world: World) -> None:
    job_id = lose(world, TASK)
    until = repeat_until(world.job(job_id)) or 0
    assert until < world.job(job_id).deadline_at
    world.clock.sleep(until - 2 - world.clock())
    creator = world.task_creator()
    begin = creator.jobs.submissions.begin_repeat

    def slow(*given: Any, **named: Any) -> Any:
        world.clock.sleep(1)
        return begin(*given, **named)

    creator.jobs.submissions.begin_repeat = slow  # type: ignore[method-assign]
    assert creator.create_task(job_id).next == "wait"
    del creator.jobs.submissions.begin_repeat
    assert world.wire.submissions == 1


def test_the_repetitions_are_over_before_a_second_submission_is_allowed(world: World) -> None:
    world.policy = "resubmit"
    job_id = lose(world, LOST)
    world.clock.sleep(GRACE)
    assert world.task_checker().check_task(job_id).next == "submit"
    assert world.job(job_id).submission == Lost(world.job(job_id).attempts[0].at + GRACE)
    world.clock.sleep(EvoLink.repeat_seconds)
    assert world.task_checker().check_task(job_id).next == "submit"
    world.task_creator().create_task(job_id)
    assert len(world.job(job_id).attempts) == 2
    assert len(set(keys(world))) == 2


def test_nothing_is_repeated_for_a_cancelled_job(world: World) -> None:
    job_id = lose(world, TASK)
    world.jobs.finish(world.job(job_id), JobState.CANCELLED, None, now=world.now)
    world.task_creator().create_task(job_id)
    assert world.wire.submissions == 1


def test_nothing_is_repeated_on_another_account(world: World) -> None:
    job_id = lose(world, TASK)
    use_accounts(world, FixedSecret({**ACCOUNTS, "evolink/default": {"api_key": "key-of-another-account"}}))
    assert world.task_creator().create_task(job_id).next == "wait"
    assert world.wire.submissions == 1


def test_a_repetition_waits_for_a_slot_and_for_an_account(world: World) -> None:
    job_id = lose(world, TASK)
    world.use_up_slots(job_id)
    assert world.task_creator().create_task(job_id).next == "wait"
    use_accounts(world, FixedSecret({}))
    assert world.task_creator().create_task(job_id).next == "wait"
    assert world.wire.submissions == 1


def test_a_submission_whose_function_died_is_repeated_too(world: World) -> None:
    job_id = world.accept("evolink")

    def die(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    world.wire.answers = [die, TASK]
    with pytest.raises(KeyboardInterrupt):
        world.task_creator().create_task(job_id)
    assert world.task_creator().create_task(job_id).next == "wait"
    assert world.wire.submissions == 1
    world.clock.sleep(PACE.first_check)
    assert world.task_checker().check_task(job_id).next == "submit"
    world.task_creator().create_task(job_id)
    assert world.job(job_id).tasks == ("task-unified-1",)
    assert len(set(keys(world))) == 1


def test_the_stored_request_expires_and_is_not_shown(world: World) -> None:
    job_id = lose(world, LOST)
    [item] = world.items("SENT#")
    assert int(item["expires_at"]["N"]) > world.now + EvoLink.repeat_seconds
    assert "/callbacks/" not in str(world.view(job_id))


def test_a_gateway_without_keys_gets_none_and_stores_no_request(world: World) -> None:
    job_id = world.accept("crun")
    world.wire.answers = [LOST]
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", GRACE)
    assert "idempotency-key" not in world.wire.requests[0].headers
    assert world.items("SENT#") == []


def test_nothing_is_repeated_without_the_stored_bytes(world: World) -> None:
    job_id = lose(world, TASK)
    [item] = world.items("SENT#")
    world.dynamodb.delete_item(TableName=TABLE, Key={name: item[name] for name in ("pk", "sk")})
    assert world.task_creator().create_task(job_id).next == "wait"
    assert world.wire.submissions == 1
