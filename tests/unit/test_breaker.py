from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.transitions import JobState
from suno_jobs.workflow import Step
from tests.world import BREAKER_FAILURES, BREAKER_SECONDS, DEADLINE, START, TABLE, World

DOWN = Fault(ErrorCode.MAINTENANCE, "closed")
ACCEPTED = httpx.Response(200, json={"status": "SUCCESS", "message": "success", "data": {"jobId": "J1"}})


def opened(world: World, gateway: str = "ttapi") -> None:
    for _ in range(BREAKER_FAILURES):
        world.breaker().note(gateway, DOWN)


def shown(world: World) -> Any:
    return world.calls().health.read()["ttapi"]["breaker"]


def test_a_breaker_opens_after_failures_in_a_row_for_the_whole_fleet(world: World) -> None:
    for _ in range(BREAKER_FAILURES - 1):
        world.breaker().note("ttapi", DOWN)
    assert (world.breaker().wait("ttapi"), shown(world)) == (0, "closed")
    world.breaker().note("ttapi", DOWN)
    assert (world.breaker().wait("ttapi"), shown(world)) == (BREAKER_SECONDS, "open")
    assert world.breaker().wait("crun") == 0


def test_a_success_between_failures_starts_the_count_anew(world: World) -> None:
    breaker = world.breaker()
    for _ in range(BREAKER_FAILURES):
        breaker.note("ttapi", DOWN)
        breaker.wait("ttapi")
        breaker.note("ttapi", None)
    assert breaker.wait("ttapi") == 0


@pytest.mark.parametrize("code", [ErrorCode.CONTENT_REJECTED, ErrorCode.INVALID_REQUEST])
def test_a_refusal_of_one_request_says_nothing_of_the_gateway(world: World, code: ErrorCode) -> None:
    for _ in range(BREAKER_FAILURES + 1):
        world.breaker().note("ttapi", Fault(code, "x"))
    assert world.breaker().wait("ttapi") == 0


def test_when_the_time_is_over_one_probe_goes_through_and_its_success_closes_it(world: World) -> None:
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    assert shown(world) == "half_open"
    probe, second, third = (world.breaker() for _ in range(3))
    assert [each.wait("ttapi") for each in (probe, second)] == [0, 0]
    assert [each.enter("ttapi") for each in (probe, second)] == [True, False]
    assert third.wait("ttapi") == BREAKER_SECONDS
    probe.note("ttapi", None)
    assert (world.breaker().wait("ttapi"), shown(world)) == (0, "closed")


def test_a_success_that_falls_into_an_opening_leaves_it_closed(world: World) -> None:
    breaker = world.breaker()
    client = breaker.client
    writes = 0

    class Interleaved:
        exceptions = client.exceptions

        def update_item(self, **given: Any) -> Any:
            nonlocal writes
            writes += 1
            if writes == 2 * BREAKER_FAILURES - 2 + 2:
                other.note("ttapi", None)
            return client.update_item(**given)

    for _ in range(BREAKER_FAILURES - 1):
        world.breaker().note("ttapi", DOWN)
    other = world.breaker()
    other.wait("ttapi")
    writes = 2 * BREAKER_FAILURES - 2
    object.__setattr__(breaker, "client", Interleaved())
    breaker.note("ttapi", DOWN)
    assert (world.breaker().wait("ttapi"), shown(world)) == (0, "closed")


def test_a_breaker_that_is_open_for_no_reason_is_closed_by_a_good_probe(world: World) -> None:
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
    probe.note("ttapi", None)
    assert shown(world) == "closed"


def test_whoever_saw_it_open_sees_that_another_closed_it(world: World) -> None:
    opened(world)
    remembers, probe = world.breaker(), world.breaker()
    assert remembers.wait("ttapi") == BREAKER_SECONDS
    world.clock.sleep(BREAKER_SECONDS)
    probe.wait("ttapi")
    probe.note("ttapi", None)
    assert (remembers.wait("ttapi"), remembers.enter("ttapi")) == (0, True)


@pytest.mark.parametrize("seconds", [60, 90, 120, 300])
def test_one_request_that_is_always_refused_does_not_keep_the_breaker_open(
    world: World, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """Even if it comes first whenever two come at the same moment."""
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
        due[job_id] += world.submitter()(job_id).wait_seconds
    assert (world.now, shown(world)) == (START + 2 * seconds, "closed")


def test_a_job_without_a_slot_does_not_use_up_the_probe(world: World) -> None:
    job_id = world.accept()
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    world.use_up_slots(job_id)
    assert world.submitter()(job_id).next == "wait"
    assert shown(world) == "half_open"
    world.clock.sleep(30)
    world.wire.answers = [ACCEPTED]
    world.submitter()(job_id)
    assert world.job(job_id).task_id == "J1"


def test_of_two_jobs_that_see_it_half_open_at_once_one_is_submitted(world: World) -> None:
    jobs = [world.accept(key=key) for key in ("one", "other")]
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    late = world.submitter()
    breaker = late.breaker
    assert breaker.wait("ttapi") == 0
    world.wire.answers = [httpx.ReadTimeout("still down")]
    world.submitter()(jobs[0])
    object.__setattr__(late, "breaker", Seen(breaker))
    assert late(jobs[1]) == Step(jobs[1], "wait", BREAKER_SECONDS)
    assert world.wire.submissions == 1


class Seen:
    """A breaker that was asked a moment ago."""

    def __init__(self, breaker: Any) -> None:
        self.breaker = breaker
        self.open_seconds = breaker.open_seconds

    def wait(self, _: str) -> int:
        return 0

    def enter(self, gateway: str) -> bool:
        entered: bool = self.breaker.enter(gateway)
        return entered


def test_a_probe_that_fails_opens_it_again(world: World) -> None:
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    probe = world.breaker()
    probe.wait("ttapi")
    probe.enter("ttapi")
    probe.note("ttapi", DOWN)
    assert world.breaker().wait("ttapi") == BREAKER_SECONDS


def test_a_note_that_cannot_be_written_does_no_harm(world: World) -> None:
    class Throttled:
        def update_item(self, **_: Any) -> None:
            raise AwsError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")

    breaker = world.breaker()
    object.__setattr__(breaker, "client", Throttled())
    breaker.note("ttapi", DOWN)
    assert world.breaker().wait("ttapi") == 0


def test_a_job_waits_while_the_breaker_of_its_only_gateway_is_open(world: World) -> None:
    job_id = world.accept()
    opened(world)
    world.wire.answers = [ACCEPTED]
    assert world.submitter()(job_id) == Step(job_id, "wait", BREAKER_SECONDS)
    assert (world.wire.requests, world.job(job_id).state) == ([], JobState.ACCEPTED)
    world.clock.sleep(BREAKER_SECONDS)
    world.submitter()(job_id)
    assert world.job(job_id).task_id == "J1"
    assert shown(world) == "closed"


def test_a_job_that_waits_for_a_breaker_ends_at_its_deadline_and_cost_nothing(world: World) -> None:
    job_id = world.accept()
    world.clock.sleep(DEADLINE - 5)
    opened(world)
    assert world.submitter()(job_id) == Step(job_id, "wait", 5)
    world.clock.sleep(5)
    assert world.checker()(job_id).next == "finish"
    fault = world.job(job_id).fault
    assert fault is not None
    assert "Nothing was charged" in fault.message
    assert world.finisher()(job_id) is JobState.TIMED_OUT
    assert world.due() == []
