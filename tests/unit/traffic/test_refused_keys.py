"""A key that is new, replaced or refused: the next request uses the current one, and the wait for it is visible."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from suno_jobs.errors import ErrorCode
from suno_jobs.jobs.schedule import NEW_KEY_SECONDS
from suno_jobs.jobs.states import JobState, WaitReason
from suno_jobs.network.http import httpx
from suno_jobs.runtime.secrets import KEEP_SECONDS, RENEW_SECONDS, Secret
from suno_jobs.traffic.accounts import AccountReadFailed, AccountUnusable
from tests.builders import ACCEPTED, Denied, running
from tests.world import ACCOUNTS, PACE, FixedSecret, World

OLD = {**ACCOUNTS, "ttapi/default": {"api_key": "old-key"}}
NEW = {**ACCOUNTS, "ttapi/default": {"api_key": "new-key"}}
WITHOUT = {name: entry for name, entry in ACCOUNTS.items() if name != "ttapi/default"}
REFUSED = httpx.Response(401, json={"status": "FAILED", "message": "bad key", "data": None})


def cached(world: World, before: dict[str, Any], now: dict[str, Any]) -> FixedSecret:
    """An instance that read the secret a while ago; since then it was changed."""
    stored = FixedSecret(before)
    client: Any = stored
    world.secret = Secret(lambda: client, "accounts", world.clock)
    world.secret.values()
    world.clock.sleep(RENEW_SECONDS)
    stored.value = now
    return stored


def keys(world: World) -> list[str]:
    return [request.headers["TT-API-KEY"] for request in world.wire.requests]


def refusals(capsys: pytest.CaptureFixture[str]) -> list[str]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "KeyRefused" in line]
    return [line["gateway"] for line in lines if line["KeyRefused"] == [1.0]]


def warnings(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    found = [record for record in caplog.records if record.levelno == logging.WARNING]
    return [(record.message, record.__dict__["job_id"]) for record in found]


def health(world: World) -> tuple[str, str | None]:
    shown = world.calls().health.read("acme")["ttapi"]
    return shown["status"], shown["last_error"]


def test_a_read_with_a_replaced_key_is_refused_once(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    job_id = world.generating()
    cached(world, OLD, NEW)
    world.wire.answers = [REFUSED, running()]
    checker = world.task_checker()
    assert checker.check_task(job_id).next == "wait"
    assert health(world) == ("failing", ErrorCode.AUTHENTICATION)
    assert warnings(caplog) == [("key refused", job_id)]
    assert refusals(capsys) == ["ttapi"]
    world.clock.sleep(1)
    checker.check_task(job_id)
    assert keys(world) == ["old-key", "new-key"]
    assert health(world)[0] == "ok"


def test_a_submission_with_a_replaced_key_is_refused_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = world.accept()
    cached(world, OLD, NEW)
    world.wire.answers = [REFUSED]
    assert world.task_creator().create_task(job_id).next == "wait"
    assert (world.job(job_id).ended_at, keys(world)) == (None, ["old-key"])
    assert health(world) == ("failing", ErrorCode.AUTHENTICATION)
    assert refusals(capsys) == ["ttapi"]
    world.clock.sleep(KEEP_SECONDS / 2)
    world.task_creator().create_task(job_id)
    assert keys(world) == ["old-key", "new-key"]


def throttled(world: World) -> FixedSecret:
    """An instance that read the secret a while ago. Now Secrets Manager throttles its reads."""
    stored = cached(world, OLD, OLD)
    denied: Any = Denied()
    stored.get_secret_value = denied.get_secret_value  # type: ignore[method-assign]
    return stored


def test_a_refused_key_that_cannot_be_read_again_is_not_final(world: World) -> None:
    job_id = world.accept()
    stored = throttled(world)
    world.wire.answers = [REFUSED]
    assert world.task_creator().create_task(job_id).next == "wait"
    assert (world.job(job_id).ended_at, world.job(job_id).wait_reason) == (None, WaitReason.GATEWAY_KEY)
    del stored.get_secret_value
    stored.value = NEW
    world.clock.sleep(KEEP_SECONDS / 2)
    world.wire.answers = [REFUSED, ACCEPTED]
    world.task_creator().create_task(job_id)
    world.clock.sleep(KEEP_SECONDS / 2)
    world.task_creator().create_task(job_id)
    assert (world.job(job_id).state, keys(world)) == (JobState.GENERATING, ["old-key", "old-key", "new-key"])


def test_a_key_that_was_refused_just_after_the_secret_was_read_again_is_not_final(world: World) -> None:
    """The secret may have been replaced since then. The next refusal is final: the secret is read after it."""
    refused, job_id = world.accept(key="1"), world.accept(key="2")
    cached(world, OLD, OLD)
    world.wire.answers = [REFUSED]
    creator = world.task_creator()
    creator.create_task(refused)
    creator.create_task(job_id)
    assert [world.job(each).state for each in (refused, job_id)] == [JobState.FAILED, JobState.SUBMITTING]
    world.clock.sleep(KEEP_SECONDS / 2)
    creator.create_task(job_id)
    assert world.job(job_id).state is JobState.FAILED


def test_a_missing_account_is_final_only_if_the_secret_could_be_read_again(world: World) -> None:
    job_id = world.accept()
    stored = cached(world, WITHOUT, WITHOUT)
    denied: Any = Denied()
    stored.get_secret_value = denied.get_secret_value  # type: ignore[method-assign]
    creator = world.task_creator()
    assert creator.create_task(job_id).next == "wait"
    assert (world.job(job_id).ended_at, world.job(job_id).wait_reason) == (None, WaitReason.GATEWAY_KEY)
    del stored.get_secret_value
    world.clock.sleep(KEEP_SECONDS / 2)
    creator.create_task(job_id)
    assert (world.job(job_id).state, keys(world)) == (JobState.FAILED, [])
    soon = world.accept(key="soon")
    creator.create_task(soon)
    assert (world.job(soon).state, stored.reads) == (JobState.FAILED, 2)


def test_an_account_that_was_just_added_is_used_at_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = world.generating()
    cached(world, WITHOUT, NEW)
    world.wire.answers = [running()]
    assert world.task_checker().check_task(job_id).next == "wait"
    assert keys(world) == ["new-key"]
    assert health(world)[0] == "ok"
    assert refusals(capsys) == []


def test_a_job_that_waits_for_a_missing_account_is_visible(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    job_id = world.generating()
    cached(world, WITHOUT, WITHOUT)
    assert world.task_checker().check_task(job_id).next == "wait"
    assert world.job(job_id).state is JobState.GENERATING
    assert health(world) == ("failing", ErrorCode.AUTHENTICATION)
    assert refusals(capsys) == ["ttapi"]
    assert warnings(caplog) == [("key refused", job_id)]
    assert "no entry ttapi/default" in caplog.text or any("no entry" in str(r.__dict__) for r in caplog.records)


def test_a_task_is_read_with_a_replaced_key_at_once(world: World) -> None:
    job_id = world.generating()
    cached(world, OLD, NEW)
    world.wire.answers = [REFUSED]
    assert world.task_checker().check_task(job_id).wait_seconds == NEW_KEY_SECONDS
    assert world.task_checker().check_task(job_id).wait_seconds == PACE.longest, "the new key is refused as well"
    assert keys(world) == ["old-key", "new-key"]


@pytest.mark.parametrize("now", [OLD, WITHOUT, {**OLD, "crun/default": {"api_key": "other"}}])
def test_a_task_is_read_later_if_its_key_was_not_replaced(world: World, now: dict[str, Any]) -> None:
    job_id = world.generating()
    cached(world, OLD, now)
    world.wire.answers = [REFUSED]
    assert world.task_checker().check_task(job_id).wait_seconds == PACE.longest


def test_a_key_that_is_replaced_again_and_again_is_read_at_the_pace_of_the_secret(world: World) -> None:
    job_id = world.generating()
    stored = cached(world, OLD, NEW)
    world.wire.answers = [REFUSED]
    for number in range(3):
        stored.value = {**ACCOUNTS, "ttapi/default": {"api_key": f"key-{number}"}}
        assert world.task_checker().check_task(job_id).wait_seconds == (PACE.longest if number else NEW_KEY_SECONDS)
        world.clock.sleep(NEW_KEY_SECONDS)
    assert stored.reads == 2


def test_a_flood_of_refusals_is_no_flood_of_reads(world: World) -> None:
    job_id = world.generating()
    stored = cached(world, OLD, OLD)
    world.wire.answers = [REFUSED]
    for _ in range(10):
        world.task_checker().check_task(job_id)
    assert stored.reads == 2
    world.clock.sleep(RENEW_SECONDS)
    world.task_checker().check_task(job_id)
    assert stored.reads == 3


def test_a_secret_that_cannot_be_read_is_not_tried_again_at_once(world: World) -> None:
    stored = cached(world, OLD, OLD)
    stored.value = "no object"
    for _ in range(3):
        assert not world.calls().account_renewed()
    assert stored.reads == 2
    assert world.secret.values() == OLD, "what was read before still counts"


def test_no_refusal_is_recorded_when_only_the_secret_cannot_be_read(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    job_id = world.generating()
    denied: Any = Denied()
    world.secret = Secret(lambda: denied, "accounts", world.clock)
    with pytest.raises(AccountReadFailed):
        world.calls().account(world.job(job_id))
    assert warnings(caplog) == [("accounts secret not read", job_id)]
    assert refusals(capsys) == []
    assert world.calls().health.read("acme") == {}


def test_an_account_that_stays_unusable_after_a_change_of_another_is_refused(world: World) -> None:
    job_id = world.generating()
    cached(world, WITHOUT, {**WITHOUT, "crun/default": {"api_key": "other"}})
    with pytest.raises(AccountUnusable, match="no entry ttapi/default"):
        world.calls().account(world.job(job_id))
    assert health(world) == ("failing", ErrorCode.AUTHENTICATION)
