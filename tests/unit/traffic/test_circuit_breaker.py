from collections.abc import Callable
from typing import Any

import pytest

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.jobs.schedule import NextStep
from suno_jobs.jobs.states import JobState
from suno_jobs.network.http import httpx
from tests.builders import ACCEPTED, DOWN, Throttled, opened
from tests.world import BREAKER_FAILURES, BREAKER_SECONDS, DEADLINE, START, TABLE, World


def breaker_state(world: World) -> Any:
    return world.calls().health.read()["ttapi"]["breaker"]


def test_the_breaker_opens_for_the_whole_fleet_after_failures_in_a_row(world: World) -> None:
    for _ in range(BREAKER_FAILURES - 1):
        world.breaker().record("ttapi", DOWN)
    assert (world.breaker().wait("ttapi"), breaker_state(world)) == (0, "closed")
    world.breaker().record("ttapi", DOWN)
    assert (world.breaker().wait("ttapi"), breaker_state(world)) == (BREAKER_SECONDS, "open")
    assert world.breaker().wait("crun") == 0


def test_a_success_between_failures_resets_the_count(world: World) -> None:
    breaker = world.breaker()
    for _ in range(BREAKER_FAILURES):
        breaker.record("ttapi", DOWN)
        breaker.wait("ttapi")
        breaker.record("ttapi", None)
    assert breaker.wait("ttapi") == 0


@pytest.mark.parametrize("code", [ErrorCode.CONTENT_REJECTED, ErrorCode.INVALID_REQUEST])
def test_the_refusal_of_one_request_is_not_a_failure_of_the_gateway(world: World, code: ErrorCode) -> None:
    for _ in range(BREAKER_FAILURES + 1):
        world.breaker().record("ttapi", Fault(code, "x"))
    assert world.breaker().wait("ttapi") == 0


def test_after_the_open_time_one_probe_passes_and_its_success_closes_the_breaker(world: World) -> None:
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    assert breaker_state(world) == "half_open"
    probe, second, third = (world.breaker() for _ in range(3))
    assert [each.wait("ttapi") for each in (probe, second)] == [0, 0]
    assert [each.enter("ttapi") for each in (probe, second)] == [True, False]
    assert third.wait("ttapi") == BREAKER_SECONDS
    probe.record("ttapi", None)
    assert (world.breaker().wait("ttapi"), breaker_state(world)) == (0, "closed")


class Interrupted:
    """A table on which ``act`` happens just before one of the writes; they count from 1."""

    def __init__(self, client: Any, act: Callable[[], None], before: int) -> None:
        self.client = client
        self.exceptions = client.exceptions
        self.act = act
        self.before = before
        self.writes = 0

    def update_item(self, **given: Any) -> Any:
        self.writes += 1
        if self.writes == self.before:
            self.act()
        return self.client.update_item(**given)


def open_breaker(world: World, success_before: int) -> Interrupted:
    """Records the failures that open the breaker. Another submission succeeds just before that write of the last record."""
    for _ in range(BREAKER_FAILURES - 1):
        world.breaker().record("ttapi", DOWN)
    other, breaker = world.breaker(), world.breaker()
    other.wait("ttapi")
    table = Interrupted(breaker.client, lambda: other.record("ttapi", None), success_before)
    object.__setattr__(breaker, "client", table)
    breaker.record("ttapi", DOWN)
    return table


def test_a_success_at_any_moment_of_the_opening_leaves_the_breaker_closed(world: World) -> None:
    writes = open_breaker(world, success_before=0).writes
    assert (world.breaker().wait("ttapi"), breaker_state(world)) == (BREAKER_SECONDS, "open")
    for moment in range(1, writes + 1):
        world.dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "HEALTH"}, "sk": {"S": "ttapi"}})
        open_breaker(world, success_before=moment)
        assert (world.breaker().wait("ttapi"), breaker_state(world)) == (0, "closed"), f"before write {moment}"


def test_a_successful_probe_closes_an_open_breaker_without_counted_failures(world: World) -> None:
    opened(world)
    world.dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": "HEALTH"}, "sk": {"S": "ttapi"}},
        UpdateExpression="SET failures = :none",
        ExpressionAttributeValues={":none": {"N": "0"}},
    )
    world.clock.sleep(BREAKER_SECONDS)
    probe = world.breaker()
    assert (probe.wait("ttapi"), probe.enter("ttapi")) == (0, True)
    probe.record("ttapi", None)
    assert breaker_state(world) == "closed"


def test_a_process_that_saw_the_breaker_open_sees_that_another_closed_it(world: World) -> None:
    opened(world)
    remembers, probe = world.breaker(), world.breaker()
    assert remembers.wait("ttapi") == BREAKER_SECONDS
    world.clock.sleep(BREAKER_SECONDS)
    probe.wait("ttapi")
    probe.record("ttapi", None)
    assert (remembers.wait("ttapi"), remembers.enter("ttapi")) == (0, True)


@pytest.mark.parametrize("seconds", [60, 90, 120, 300])
def test_one_request_that_is_always_refused_does_not_keep_the_breaker_open(
    world: World, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """Even if it comes first whenever both are due at the same time."""
    monkeypatch.setattr("tests.world.BREAKER_SECONDS", seconds)
    refused = httpx.Response(429, json={"status": "FAILED", "message": "too many"})
    answers = {world.accept(key="refused"): refused, world.accept(key="good"): ACCEPTED}
    due = dict.fromkeys(answers, world.now)
    _, good = answers
    opened(world)
    while world.job(good).task_id is None and world.now < START + DEADLINE:
        job_id = min(answers, key=lambda each: due[each])
        world.clock.now = due[job_id]
        world.wire.answers = [answers[job_id]]
        due[job_id] += world.task_creator().create_task(job_id).wait_seconds
    assert (world.now, breaker_state(world)) == (START + 2 * seconds, "closed")


def test_a_job_without_a_slot_does_not_use_up_the_probe(world: World) -> None:
    job_id = world.accept()
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    world.use_up_slots(job_id)
    assert world.task_creator().create_task(job_id).next == "wait"
    assert breaker_state(world) == "half_open"
    world.clock.sleep(30)
    world.wire.answers = [ACCEPTED]
    world.task_creator().create_task(job_id)
    assert world.job(job_id).task_id == "J1"


def test_of_two_jobs_that_see_the_breaker_half_open_only_one_is_submitted(world: World) -> None:
    jobs = [world.accept(key=key) for key in ("one", "other")]
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    late = world.task_creator()
    breaker = late.breaker
    assert breaker.wait("ttapi") == 0
    world.wire.answers = [httpx.ReadTimeout("still down")]
    world.task_creator().create_task(jobs[0])
    object.__setattr__(late, "breaker", PassedWait(breaker))
    assert late.create_task(jobs[1]) == NextStep(jobs[1], "wait", BREAKER_SECONDS)
    assert world.wire.submissions == 1


class PassedWait:
    """A breaker whose ``wait`` returned 0 a moment ago."""

    def __init__(self, breaker: Any) -> None:
        self.breaker = breaker
        self.open_seconds = breaker.open_seconds

    def wait(self, _: str) -> int:
        return 0

    def enter(self, gateway: str) -> bool:
        entered: bool = self.breaker.enter(gateway)
        return entered


def test_a_failed_probe_opens_the_breaker_again(world: World) -> None:
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    probe = world.breaker()
    probe.wait("ttapi")
    probe.enter("ttapi")
    probe.record("ttapi", DOWN)
    assert world.breaker().wait("ttapi") == BREAKER_SECONDS


def test_a_record_that_cannot_be_written_does_no_harm(world: World) -> None:
    breaker = world.breaker()
    object.__setattr__(breaker, "client", Throttled())
    breaker.record("ttapi", DOWN)
    assert world.breaker().wait("ttapi") == 0


def test_a_job_waits_while_the_breaker_of_its_only_gateway_is_open(world: World) -> None:
    job_id = world.accept()
    opened(world)
    world.wire.answers = [ACCEPTED]
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", BREAKER_SECONDS)
    assert (world.wire.requests, world.job(job_id).state) == ([], JobState.ACCEPTED)
    world.clock.sleep(BREAKER_SECONDS)
    world.task_creator().create_task(job_id)
    assert world.job(job_id).task_id == "J1"
    assert breaker_state(world) == "closed"


def test_a_job_that_waits_for_a_breaker_ends_at_its_deadline_without_a_charge(world: World) -> None:
    job_id = world.accept()
    world.clock.sleep(DEADLINE - 5)
    opened(world)
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", 5)
    world.clock.sleep(5)
    assert world.task_checker().check_task(job_id).next == "finish"
    fault = world.job(job_id).fault
    assert fault is not None
    assert "Nothing was charged" in fault.message
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    assert world.due() == []
