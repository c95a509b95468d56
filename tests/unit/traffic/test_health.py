from __future__ import annotations

from suno_jobs.jobs.states import JobState
from suno_jobs.network.http import httpx
from tests.builders import Throttled
from tests.world import World


def test_a_failed_health_record_does_not_stop_a_submission(world: World) -> None:
    job_id = world.accept()
    world.wire.answers = [httpx.ConnectError("refused")]
    task_creator = world.task_creator()
    task_creator.calls.health.client = Throttled()  # type: ignore[assignment]
    task_creator.create_task(job_id)
    job = world.job(job_id)
    assert (job.state, job.intent) == (JobState.SUBMITTING, None)


def test_health_is_written_once_a_minute_while_calls_succeed(world: World) -> None:
    health = world.calls().health
    for _ in range(3):
        health.record("ttapi", None)
        world.clock.sleep(1)
    assert health.read("acme")["ttapi"] == {
        "status": "ok",
        "last_success_at": "2027-01-15T08:00:00Z",
        "last_failure_at": None,
        "last_error": None,
        "breaker": "closed",
        "open_until": None,
        "accounts": [],
    }
    world.clock.sleep(57)
    health.record("ttapi", None)
    assert health.read("acme")["ttapi"]["last_success_at"] == "2027-01-15T08:01:00Z"
