"""What a job waits for, from its request to its end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import ErrorCode, Fault, TracksNotStored
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.history import Entry, Wait
from suno_jobs.jobs.states import Cause, JobState, WaitReason
from suno_jobs.jobs.views import job_view
from suno_jobs.jobs.waiting import waiting_for
from suno_jobs.lifecycle.link_lifetimes import file_terms
from suno_jobs.lifecycle.recovery import SHORTEST_INTERVAL_SECONDS
from suno_jobs.network.http import httpx
from suno_jobs.storage.attribute_values import unpack
from tests.builders import ACCEPTED, await_signal, lost, music, opened, running, task, timed_out, use_accounts
from tests.world import ACCOUNTS, BREAKER_SECONDS, GRACE, PACE, START, FixedSecret, World

TASK_TOKEN_CHARACTERS = 690
RELAYED = {"gateway": "newapi", "kind": "music", "input": {"prompt": "rain", "model": "chirp-v6"}}
BUSY = httpx.Response(429, json={"status": "FAILED", "message": "too many"})
DENIED = httpx.Response(401, json={"status": "FAILED", "message": "no such key"})


def wait(world: World, job_id: str) -> tuple[str, int] | None:
    """The reason, and in how many seconds the wait ends at the latest."""
    found = waiting_for(world.job(job_id))
    return (found.reason, found.until - world.now) if found else None


def waits_in_history(world: World, job_id: str) -> list[tuple[str, int]]:
    entries = [Entry.read(line) for line in world.job(job_id).history]
    return [(entry.wait.reason, entry.wait.until - START) for entry in entries if entry.wait]


class Unreadable:
    def get_secret_value(self, **_: Any) -> dict[str, str]:
        raise AwsError({"Error": {"Code": "AccessDeniedException"}}, "GetSecretValue")


def test_a_new_job_waits_for_its_turn_within_the_rate_limit(world: World) -> None:
    view, _ = world.job_submitter().submit_job("acme", {"gateway": "ttapi", "kind": "music", "input": {"prompt": "rain"}}, "k")
    assert waiting_for(view.job) == Wait(WaitReason.RATE_LIMIT, START + PACE.slack)
    world.use_up_slots(view.job.job_id, 60)
    world.task_creator().create_task(view.job.job_id)
    assert wait(world, view.job.job_id) == ("rate_limit", PACE.slack)


def test_a_refused_job_waits_until_it_may_be_submitted_again(world: World) -> None:
    job_id = world.accept()
    world.wire.answers = [BUSY, ACCEPTED]
    seconds = world.task_creator().create_task(job_id).wait_seconds
    assert wait(world, job_id) == ("refusal", seconds)
    assert waits_in_history(world, job_id) == [("refusal", seconds)]
    world.clock.sleep(1)
    world.task_checker().check_task(job_id)
    assert wait(world, job_id) == ("refusal", seconds - 1), "a check before the time changes nothing"
    world.clock.sleep(seconds - 1)
    assert world.task_checker().check_task(job_id).next == "submit"
    assert waiting_for(world.job(job_id)).reason is WaitReason.RATE_LIMIT  # type: ignore[union-attr]
    world.task_creator().create_task(job_id)
    assert wait(world, job_id) == ("callback", PACE.first_check + PACE.slack)
    assert world.job(job_id).wait_reason is None


def test_a_job_waits_for_a_circuit_breaker_and_its_history_says_so_once(world: World) -> None:
    job_id = world.accept()
    opened(world)
    for _ in range(2):
        world.task_creator().create_task(job_id)
        assert waiting_for(world.job(job_id)).reason is WaitReason.CIRCUIT_BREAKER  # type: ignore[union-attr]
        world.clock.sleep(BREAKER_SECONDS)
        opened(world)
    assert waits_in_history(world, job_id) == [("circuit_breaker", BREAKER_SECONDS)]


def test_a_job_waits_for_a_key_that_cannot_be_read(world: World) -> None:
    job_id = world.accept()
    use_accounts(world, Unreadable())
    assert world.task_creator().create_task(job_id).wait_seconds == PACE.interval
    assert wait(world, job_id) == ("gateway_key", PACE.interval)
    world.clock.sleep(PACE.interval)
    world.task_checker().check_task(job_id)
    world.task_creator().create_task(job_id)
    assert [reason for reason, _ in waits_in_history(world, job_id)] == ["gateway_key"]
    assert world.job(job_id).state is JobState.ACCEPTED


def test_a_refused_key_that_was_replaced_is_tried_again(world: World) -> None:
    job_id = world.accept()
    use_accounts(world, secret := FixedSecret(ACCOUNTS))
    world.calls().account(world.job(job_id))
    secret.value = {**ACCOUNTS, "ttapi/default": {"api_key": "new"}}
    world.clock.sleep(10)
    world.wire.answers = [DENIED]
    seconds = world.task_creator().create_task(job_id).wait_seconds
    assert wait(world, job_id) == ("gateway_key", seconds)


def test_a_submission_waits_for_its_answer_and_then_for_its_callback(world: World) -> None:
    job_id = world.accept()
    due_at = world.now + 60
    world.jobs.submissions.begin_submission(
        world.job(job_id), "i1", file_terms(GATEWAYS["ttapi"]), now=world.now, due_at=due_at
    )
    assert wait(world, job_id) == ("answer", 60)


def test_after_a_lost_answer_a_job_waits_for_the_callback(world: World) -> None:
    job_id = lost(world)
    assert wait(world, job_id) == ("callback", GRACE)
    assert waits_in_history(world, job_id) == [("callback", GRACE)]


def test_a_running_task_is_awaited_by_callback_and_then_by_checks(world: World) -> None:
    job_id = world.generating()
    assert wait(world, job_id) == ("callback", 60)
    world.clock.sleep(30)
    world.wire.answers = [running()]
    world.task_checker().check_task(job_id)
    assert waiting_for(world.job(job_id)) == (WaitReason.NEXT_CHECK, world.job(job_id).due_at)


def test_a_task_that_cannot_be_read_waits_for_the_key(world: World) -> None:
    job_id = world.generating()
    before = world.job(job_id).updated_at
    for answer, reason in ((DENIED, "gateway_key"), (DENIED, "gateway_key"), (running(), "next_check")):
        world.clock.sleep(PACE.longest)
        world.wire.answers = [answer]
        world.task_checker().check_task(job_id)
        found = wait(world, job_id)
        assert found
        assert (found[0], found[1] >= PACE.longest) == (reason, True)
    assert world.job(job_id).updated_at > before


def test_a_file_that_is_not_ready_is_awaited_by_checks(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [task(music(1))]
    world.clock.sleep(30)
    world.task_checker().check_task(job_id)
    assert wait(world, job_id) is None, "its file is being downloaded"
    fault = Fault(ErrorCode.ASSET_UNAVAILABLE, "answered 404", retryable=True)
    world.jobs.tracks.fail_track(job_id, "m-1", fault, final=False)
    with pytest.raises(TracksNotStored):
        world.job_finisher().finish_job(job_id)
    await_signal(world, job_id)
    assert waiting_for(world.job(job_id)) == (WaitReason.NEXT_CHECK, world.job(job_id).due_at)
    world.jobs.signals.signal(job_id, Cause.SWEEP)
    assert wait(world, job_id) is None, "a signal has ended the wait"
    world.clock.sleep(PACE.interval)
    world.wire.answers = [task(music(1))]
    assert world.task_checker().check_task(job_id).next == "store"
    assert wait(world, job_id) is None, "its file is being downloaded again"


def test_a_task_of_a_gateway_that_never_calls_back_is_awaited_by_checks(world: World) -> None:
    view, _ = world.job_submitter().submit_job("acme", RELAYED, "k")
    world.wire.answers = [httpx.Response(200, json={"code": "success", "message": "", "data": "J1"})]
    world.task_creator().create_task(view.job.job_id)
    job = world.job(view.job.job_id)
    assert (job.state, waiting_for(job)) == (JobState.GENERATING, (WaitReason.NEXT_CHECK, job.due_at))


def test_after_a_lost_answer_of_such_a_gateway_a_job_waits_for_no_callback(world: World) -> None:
    view, _ = world.job_submitter().submit_job("acme", RELAYED, "k")
    world.wire.answers = [httpx.Response(500)]
    world.task_creator().create_task(view.job.job_id)
    assert wait(world, view.job.job_id) == ("next_check", GRACE)
    assert waits_in_history(world, view.job.job_id) == [("next_check", GRACE)]


def test_a_job_that_has_ended_waits_for_nothing(world: World) -> None:
    job_id = world.accept()
    world.jobs.finish(world.job(job_id), JobState.FAILED, Fault(ErrorCode.QUOTA, "no"), now=world.now)
    assert wait(world, job_id) is None
    assert job_view(world.view(job_id))["waiting_for"] is None


def test_a_job_in_recovery_waits_for_its_next_check(world: World) -> None:
    job_id = timed_out(world)
    assert wait(world, job_id) == ("next_check", SHORTEST_INTERVAL_SECONDS)


def test_a_job_that_waited_twice_still_fits_into_two_write_units(world: World) -> None:
    job_id = world.accept()
    world.wire.answers = [BUSY, BUSY, ACCEPTED]
    while not world.job(job_id).task_id:
        world.clock.sleep(world.task_creator().create_task(job_id).wait_seconds)
    [item] = world.items("JOB")
    size = len(json.dumps(unpack(item)))  # more than DynamoDB counts
    assert size + TASK_TOKEN_CHARACTERS < 2048
