"""A link that is no final file is used only when the time for the final one is over, and one alternative after the other."""

from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import AssetExpired, ErrorCode, Fault
from suno_jobs.gateways.protocol import GatewayReply, TaskReport
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import TrackState
from suno_jobs.jobs.states import JobState
from suno_jobs.lifecycle.last_resort import with_last_resort
from suno_jobs.network.http import httpx
from tests.builders import ended_execution, store
from tests.world import DEADLINE, PACE, World

CLIP = "0f5c9e5e-6a5c-4a57-9a38-6f8a3f1f2b1{}"
STREAM = "https://audiopipe.suno.ai/?item_id={}"
FINAL = "https://cdn.example/{}.mp3"
HOSTS = ["tempfile.aiquickdraw.com", "cdn1.suno.ai", "audiopipe.suno.ai", "stream.example"]


def song(number: int, url: str) -> dict[str, Any]:
    clip = CLIP.format(number)
    stream = f"https://stream.example/{clip}"
    return {"id": clip, "audioUrl": url.format(clip), "streamAudioUrl": stream, "title": "Tide", "duration": 12.5}


def answer(*songs: dict[str, Any], status: str = "SUCCESS") -> httpx.Response:
    data = {"taskId": "J1", "status": status, "response": {"sunoData": list(songs)}}
    return httpx.Response(200, json={"code": 200, "msg": "success", "data": data})


def accepted(world: World) -> str:
    job_id = world.accept("sunoapi")
    world.wire.answers = [httpx.Response(200, json={"code": 200, "msg": "success", "data": {"taskId": "J1"}})]
    world.task_creator().create_task(job_id)
    assert world.job(job_id).task_id == "J1"
    return job_id


def hosts(world: World, job_id: str, number: int = 1) -> list[str]:
    links = world.tracks(job_id)[CLIP.format(number)].links
    return [httpx.URL(link.url).host for link in links]


@pytest.fixture
def job_id(world: World) -> str:
    """A job whose task has succeeded with a stream instead of a file."""
    job_id = accepted(world)
    world.wire.answers = [answer(song(1, STREAM))]
    return job_id


def unavailable(world: World, job_id: str) -> None:
    """The file cannot be downloaded, and the run ends."""
    fault = AssetExpired(Fault(ErrorCode.ASSET_EXPIRED, "gone")).fault
    world.jobs.tracks.fail_track(job_id, CLIP.format(1), fault, final=False)
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    ended_execution(world, job_id)


def test_before_the_deadline_a_stream_is_not_used(world: World, job_id: str) -> None:
    world.clock.sleep(DEADLINE - 60)
    assert world.task_checker().check_task(job_id).next == "wait"
    assert hosts(world, job_id) == []
    world.wire.answers = [answer(song(1, FINAL))]
    assert world.task_checker().check_task(job_id).tracks == (CLIP.format(1),)
    assert hosts(world, job_id) == ["cdn.example"]


def test_at_the_deadline_the_first_alternative_is_stored_and_the_job_is_complete(world: World, job_id: str) -> None:
    world.clock.sleep(DEADLINE)
    step = world.task_checker().check_task(job_id)
    assert (step.next, step.tracks) == ("store", (CLIP.format(1),))
    assert hosts(world, job_id) == HOSTS[:1]
    store(world, step)
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED
    assert (world.view(job_id).partial, world.due()) == (False, [])


def test_each_run_of_recovery_tries_the_next_alternative_and_a_final_link_replaces_it(world: World, job_id: str) -> None:
    world.clock.sleep(DEADLINE)
    tried = []
    for _ in range(5):
        assert world.task_checker().check_task(job_id).next == "store"
        tried += hosts(world, job_id)
        unavailable(world, job_id)
        world.clock.sleep(PACE.longest)  # the rate limiter refuses a burst
        world.wire.answers = [httpx.Response(500), answer(song(1, f"{STREAM}&token={len(tried)}"))]
    assert tried == [*HOSTS, HOSTS[0]]
    world.wire.answers = [httpx.Response(500), answer(song(1, FINAL))]
    store(world, world.task_checker().check_task(job_id))
    assert hosts(world, job_id) == ["cdn.example"]
    assert world.job_finisher().finish_job(job_id) is JobState.SUCCEEDED


def test_a_recorded_final_link_is_kept(world: World) -> None:
    job_id = accepted(world)
    world.wire.answers = [answer(song(1, FINAL), song(2, STREAM), status="FIRST_SUCCESS")]
    assert world.task_checker().check_task(job_id).next == "wait"
    assert hosts(world, job_id) == ["cdn.example"]
    world.clock.sleep(DEADLINE)
    world.wire.answers = [answer(song(1, STREAM), song(2, STREAM))]
    assert world.task_checker().check_task(job_id).tracks == (CLIP.format(1), CLIP.format(2))
    assert (hosts(world, job_id), hosts(world, job_id, 2)) == (["cdn.example"], HOSTS[:1])


def test_a_recorded_final_link_is_kept_if_it_is_the_only_one(world: World) -> None:
    job_id = accepted(world)
    world.wire.answers = [answer(song(1, FINAL), status="FIRST_SUCCESS")]
    world.task_checker().check_task(job_id)
    world.clock.sleep(DEADLINE)
    streamed = answer(song(1, STREAM))
    world.wire.answers = [streamed]
    assert world.task_checker().check_task(job_id).tracks == (CLIP.format(1),)
    assert hosts(world, job_id) == ["cdn.example"]
    report = GATEWAYS["sunoapi"].read_status(Kind.MUSIC, GatewayReply(200, streamed.content))
    assert isinstance(report, TaskReport)
    assert with_last_resort(world.jobs, world.job(job_id), report, now=world.now) is report


def test_a_job_without_any_final_link_ends_without_audio(world: World, job_id: str) -> None:
    world.clock.sleep(DEADLINE)
    world.task_checker().check_task(job_id)
    unavailable(world, job_id)
    fault = world.job(job_id).fault
    assert fault
    assert (fault.code, fault.retryable) == (ErrorCode.NO_AUDIO, True)
    [track] = world.tracks(job_id).values()
    assert track.fault.code is ErrorCode.ASSET_EXPIRED


@pytest.mark.parametrize(("status", "url"), [("FIRST_SUCCESS", STREAM), ("GENERATE_AUDIO_FAILED", "")])
def test_a_task_that_is_running_or_has_failed_without_a_song_has_no_last_resort(
    world: World, job_id: str, status: str, url: str
) -> None:
    world.clock.sleep(DEADLINE)
    world.wire.answers = [answer(song(1, url), status=status)]
    assert world.task_checker().check_task(job_id).next == "finish"
    assert all(track.state is TrackState.FAILED and not track.links for track in world.tracks(job_id).values())


@pytest.mark.parametrize("seconds", [12.5, 10**6, None])
def test_i11_the_song_that_was_begun_before_its_task_failed_is_waited_for(
    world: World, job_id: str, seconds: float | None
) -> None:
    begun = song(1, STREAM) | {"duration": seconds}
    world.wire.answers = [answer(begun, song(2, ""), status="GENERATE_AUDIO_FAILED")]
    assert world.task_checker().check_task(job_id).next == "wait"
    world.wire.answers = [answer(song(1, FINAL), song(2, ""), status="GENERATE_AUDIO_FAILED")]
    world.clock.sleep(PACE.longest)
    assert world.task_checker().check_task(job_id).tracks == (CLIP.format(1),)
    assert hosts(world, job_id) == ["cdn.example"]


def test_i11_the_song_that_was_begun_before_its_task_failed_has_a_last_resort_and_recovery(world: World, job_id: str) -> None:
    world.clock.sleep(DEADLINE)
    world.wire.answers = [answer(song(1, STREAM), song(2, ""), status="GENERATE_AUDIO_FAILED")]
    assert world.task_checker().check_task(job_id).tracks == (CLIP.format(1),)
    unavailable(world, job_id)
    assert (world.job(job_id).recoverable_until or 0) > world.now + 2 * 86_400
