"""Events of progress: each later stage once, after the check, and never at the expense of the job."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from botocore.exceptions import EndpointConnectionError

from suno_jobs.jobs.states import JobState, Progress
from tests.builders import cancel, music, running, task
from tests.world import BUCKET, World


def check(world: World, job_id: str) -> None:
    """As the function does: nothing is sent before the decision is reported."""
    before = list(world.bus.events)
    world.task_checker().check_task(job_id)
    assert world.bus.events == before
    world.progress_announcer().announce_noted()


def stages(world: World) -> list[str]:
    return [event["Detail"]["event_id"].partition(".")[2] for event in world.bus.events]


def test_each_later_stage_is_announced_once_with_the_job_and_its_bucket(world: World) -> None:
    job_id = world.generating()
    world.wire.answers = [running()]
    check(world, job_id)
    assert stages(world) == []
    world.wire.answers = [task(music(1), music(2))]
    for _ in range(2):
        check(world, job_id)
    assert stages(world) == ["progress.complete"]
    [event] = world.bus.events
    assert (event["Source"], event["DetailType"], event["Resources"]) == ("suno-jobs", "job.progress", [job_id])
    detail = event["Detail"]
    assert (detail["tenant"], detail["bucket"], detail["state"], detail["progress"]) == ("acme", BUCKET, "STORING", "complete")
    assert [track["state"] for track in detail["tracks"]] == ["ready", "ready"]


def test_a_stage_on_the_way_is_announced(world: World) -> None:
    job_id = world.generating()
    assert world.jobs.advance(job_id, Progress.FIRST, now=world.now)
    assert not world.jobs.advance(job_id, Progress.TEXT, now=world.now)
    assert not world.jobs.advance(job_id, Progress.QUEUED, now=world.now)
    world.progress_announcer().note(job_id, Progress.FIRST)
    world.progress_announcer().announce_noted()
    assert (stages(world), world.bus.events[0]["Detail"]["progress"]) == (["progress.first"], "first")


@pytest.mark.parametrize("raises", [True, False])
def test_an_event_that_is_refused_is_not_sent_again_and_harms_nothing(world: World, raises: bool) -> None:
    job_id = world.generating()
    world.bus.refusals, world.bus.raises = 1, raises
    world.progress_announcer().note(job_id, Progress.FIRST)
    for _ in range(2):
        world.progress_announcer().announce_noted()
    assert (world.bus.events, world.job(job_id).state) == ([], JobState.GENERATING)


def test_a_bus_that_cannot_be_reached_harms_nothing(world: World) -> None:
    job_id = world.generating()

    def unreachable(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://events.example")

    world.bus = SimpleNamespace(put_events=unreachable)  # type: ignore[assignment]
    world.progress_announcer().note(job_id, Progress.FIRST)
    world.progress_announcer().announce_noted()
    assert world.noted == []


def test_nothing_is_announced_after_the_end_or_the_deletion(world: World) -> None:
    job_id = world.generating()
    cancel(world, job_id)
    for _ in range(2):
        world.progress_announcer().note(job_id, Progress.FIRST)
        world.progress_announcer().announce_noted()
        world.job_deleter().delete_job("acme", job_id)
    assert world.bus.events == []


def test_ends_name_the_bucket_too(world: World) -> None:
    job_id = world.generating()
    cancel(world, job_id)
    world.job_finisher().finish_job(job_id)
    [event] = world.bus.events
    assert (event["Detail"]["bucket"], event["Detail"]["event_id"]) == (BUCKET, f"{job_id}.cancelled")
