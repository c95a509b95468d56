"""Links that died before their files were saved are made anew, at the gateways that do that."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from suno_jobs.care import at_risk
from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.lifetimes import DAY_SECONDS
from suno_jobs.models import Asset, Ending, Track, TrackState
from suno_jobs.recovery import RECOVERY_SECONDS
from suno_jobs.transitions import JobState
from suno_jobs.vocabulary import Link, Media
from suno_jobs.workflow import Step
from tests.world import DEADLINE, PACE, World

DEAD = Fault(ErrorCode.ASSET_EXPIRED, "answered 410, the link has expired")
AUDIO = Asset(kind="audio", key="k", content_type="audio/mpeg", bytes=1, sha256="00")
COVER = Link("image", "https://cdn.example/{}.png", Media.IMAGE, required=False)
AT_WORK = httpx.Response(200, json={"code": 201, "msg": "running", "data": None})
BEGUN = httpx.Response(200, json={"code": 200, "msg": "success", "data": {"taskId": "R1"}})


def recovered(*urls: str | None) -> httpx.Response:
    data = [
        {"id": f"t-{n}", "audio_url": url, "title": "T", "status": "success" if url else "failed"} for n, url in enumerate(urls)
    ]
    return httpx.Response(200, json={"code": 200, "msg": "success", "task_id": "R1", "data": data})


def unsaved(world: World, gateway: str = "sunoapi", fault: Fault = DEAD) -> str:
    """A job that timed out with two tracks of which neither could be stored."""
    job_id = world.generating(gateway)
    for number in range(2):
        link = Link("audio", f"https://cdn.example/{number}.mp3")
        track = Track(track_id=f"t-{number}", position=number, state=TrackState.READY, links=(link, COVER))
        world.jobs.record_track(job_id, track)
        world.jobs.fail_track(job_id, track.track_id, fault, final=False)
    world.clock.sleep(DEADLINE)
    world.jobs.decide(world.job(job_id), JobState.TIMED_OUT, fault, now=world.now)
    assert world.finisher()(job_id) is JobState.TIMED_OUT
    return job_id


def test_dead_links_are_made_anew_and_fetched(world: World) -> None:
    job_id = unsaved(world)
    world.wire.answers = [BEGUN, AT_WORK, recovered("https://cdn.example/new.mp3", None)]
    assert world.checker()(job_id) == Step(job_id, "wait", PACE.interval)
    assert world.checker()(job_id) == Step(job_id, "wait", PACE.interval)
    step = world.checker()(job_id)
    assert (step.next, step.tracks) == ("store", ("t-0", "t-1"))
    links = {name: [link.url for link in track.links] for name, track in world.tracks(job_id).items()}
    assert links == {"t-0": ["https://cdn.example/new.mp3", COVER.url], "t-1": ["https://cdn.example/1.mp3", COVER.url]}
    assert [request.url.path for request in world.wire.requests] == [
        "/api/v1/suno/recovery",
        "/api/v1/suno/recovery/record-info",
        "/api/v1/suno/recovery/record-info",
    ]
    assert json.loads(world.wire.requests[0].content) == {"sunoTaskId": "J1"}
    assert world.job(job_id).recovery_id is None
    assert world.job(job_id).state is JobState.TIMED_OUT


@pytest.mark.parametrize("answer", [httpx.ReadTimeout("t"), httpx.Response(200, json={"code": 404, "msg": "no such task"})])
def test_a_recovery_that_is_refused_leaves_the_task_to_be_read_as_ever(world: World, answer: Any) -> None:
    job_id = unsaved(world)
    world.wire.answers = [answer, httpx.ReadTimeout("t")]
    assert world.checker()(job_id).next == "store"
    assert world.job(job_id).recovery_id is None
    refused, read = (request.url.path for request in world.wire.requests)
    assert ("recovery" in refused, "recovery" in read) == (True, False)


@pytest.mark.parametrize("answer", [AT_WORK, httpx.ReadTimeout("t")], ids=["at work", "silent"])
def test_a_recovery_without_end_is_given_up(world: World, answer: Any) -> None:
    job_id = unsaved(world)
    world.wire.answers = [BEGUN, answer]
    assert world.checker()(job_id).next == "wait"
    world.clock.sleep(RECOVERY_SECONDS)
    assert world.checker()(job_id).next == "store"
    assert world.job(job_id).recovery_id is None


@pytest.mark.parametrize(
    ("gateway", "fault"),
    [("crun", DEAD), ("sunoapi", Fault(ErrorCode.ASSET_UNAVAILABLE, "answered 503"))],
    ids=["crun", "alive"],
)
def test_nothing_is_asked_of_a_gateway_that_cannot_or_for_links_that_live(world: World, gateway: str, fault: Fault) -> None:
    job_id = unsaved(world, gateway, fault)
    world.wire.answers = [httpx.ReadTimeout("t")]
    world.checker()(job_id)
    assert "recovery" not in str(world.wire.requests[-1].url)


def test_where_links_can_be_made_anew_there_is_a_day_more(world: World) -> None:
    assert world.job(unsaved(world)).care_until == world.now + 15 * DAY_SECONDS


def test_what_is_at_risk_is_counted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = world.generating("crun")
    film = Link("video", "https://cdn.example/v.mp4", Media.VIDEO, required=False)
    links = (Link("audio", "https://cdn.example/a.mp3"), COVER, film)
    world.jobs.record_track(job_id, Track(track_id="t", position=0, state=TrackState.READY, links=links))
    job = world.jobs.start_storing(world.job(job_id), Ending.WHOLE, now=world.now, due_at=world.now)
    world.jobs.store_track(job_id, "t", [AUDIO], {"image": DEAD, "video": DEAD}, 3.0)
    assert at_risk(world.view(job_id)) == 2
    assert world.finisher()(job.job_id) is JobState.SUCCEEDED
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    told = {name: line[name] for line in lines for name in ("AssetsAtRisk", "AssetHoursLeft") if name in line}
    assert told == {"AssetsAtRisk": [2.0], "AssetHoursLeft": [14 * 24.0]}


def test_a_gateway_that_hangs_is_asked_once_in_one_run(world: World) -> None:
    job_id = unsaved(world)

    def hang(_: httpx.Request) -> httpx.Response:
        world.clock.sleep(35)
        raise httpx.ReadTimeout("hanging")

    world.wire.answers = [hang]
    assert world.checker()(job_id).next == "store"
    assert len(world.wire.requests) == 1
