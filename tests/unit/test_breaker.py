from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.transitions import JobState
from suno_jobs.workflow import Step
from tests.world import BREAKER_FAILURES, BREAKER_SECONDS, DEADLINE, World

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
    probe = world.breaker()
    assert [probe.wait("ttapi"), world.breaker().wait("ttapi")] == [0, BREAKER_SECONDS]
    probe.note("ttapi", None)
    assert (world.breaker().wait("ttapi"), shown(world)) == (0, "closed")


def test_of_two_that_see_it_half_open_at_once_one_is_the_probe(world: World) -> None:
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    first, second = world.breaker(), world.breaker()
    client = first.client

    class Interleaved:
        exceptions = client.exceptions

        def get_item(self, **given: Any) -> Any:
            return client.get_item(**given)

        def update_item(self, **given: Any) -> Any:
            assert second.wait("ttapi") == 0
            return client.update_item(**given)

    object.__setattr__(first, "client", Interleaved())
    assert first.wait("ttapi") == BREAKER_SECONDS


def test_a_probe_that_fails_opens_it_again(world: World) -> None:
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    world.breaker().wait("ttapi")
    world.breaker().note("ttapi", DOWN)
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
