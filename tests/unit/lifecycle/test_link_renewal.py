"""Links that expired before their files were stored are renewed, at the gateways that offer it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from suno_jobs.catalog.results import Link, Media
from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.jobs.record import DAY_SECONDS, Track, TrackState
from suno_jobs.jobs.schedule import NextStep
from suno_jobs.jobs.states import JobState
from suno_jobs.lifecycle.link_lifetimes import with_expiry
from suno_jobs.lifecycle.link_renewal import RENEWAL_SECONDS
from suno_jobs.lifecycle.recovery import files_at_risk
from suno_jobs.network.http import httpx
from tests.builders import AUDIO, hanging
from tests.world import DEADLINE, PACE, World

EXPIRED = Fault(ErrorCode.ASSET_EXPIRED, "answered 410, the link has expired")
COVER = Link("image", "https://cdn.example/{}.png", Media.IMAGE, required=False)
RUNNING = httpx.Response(200, json={"code": 201, "msg": "running", "data": None})
STARTED = httpx.Response(200, json={"code": 200, "msg": "success", "data": {"taskId": "R1"}})


def renewed(*urls: str | None) -> httpx.Response:
    data = [
        {"id": f"t-{n}", "audio_url": url, "title": "T", "status": "success" if url else "failed"} for n, url in enumerate(urls)
    ]
    return httpx.Response(200, json={"code": 200, "msg": "success", "task_id": "R1", "data": data})


def unsaved(world: World, gateway: str = "sunoapi", fault: Fault = EXPIRED) -> str:
    """A job that timed out with two tracks, neither of which could be stored."""
    job_id = world.generating(gateway)
    for number in range(2):
        link = Link("audio", f"https://cdn.example/{number}.mp3")
        track = Track(track_id=f"t-{number}", position=number, state=TrackState.READY, links=(link, COVER))
        world.jobs.tracks.record_track(job_id, track)
        world.jobs.tracks.fail_track(job_id, track.track_id, fault, final=False)
    world.clock.sleep(DEADLINE)
    world.jobs.finish(world.job(job_id), JobState.TIMED_OUT, fault, now=world.now)
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    return job_id


def renewing(world: World, job_id: str) -> str | None:
    renewal = world.job(job_id).renewal
    return renewal.renewal_id if renewal else None


def test_expired_links_are_renewed_and_fetched(world: World) -> None:
    job_id = unsaved(world)
    world.wire.answers = [STARTED, RUNNING, renewed("https://cdn.example/new.mp3", None)]
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "wait", PACE.interval)
    assert world.task_checker().check_task(job_id) == NextStep(job_id, "wait", PACE.interval)
    step = world.task_checker().check_task(job_id)
    assert (step.next, step.tracks) == ("store", ("t-0", "t-1"))
    links = {name: [link.url for link in track.links] for name, track in world.tracks(job_id).items()}
    assert links == {"t-0": ["https://cdn.example/new.mp3", COVER.url], "t-1": ["https://cdn.example/1.mp3", COVER.url]}
    assert [request.url.path for request in world.wire.requests] == [
        "/api/v1/suno/recovery",
        "/api/v1/suno/recovery/record-info",
        "/api/v1/suno/recovery/record-info",
    ]
    assert json.loads(world.wire.requests[0].content) == {"sunoTaskId": "J1"}
    assert renewing(world, job_id) is None
    assert world.job(job_id).state is JobState.TIMED_OUT


@pytest.mark.parametrize("answer", [httpx.ReadTimeout("t"), httpx.Response(200, json={"code": 404, "msg": "no such task"})])
def test_after_a_refused_renewal_the_task_is_read_as_usual(world: World, answer: Any) -> None:
    job_id = unsaved(world)
    world.wire.answers = [answer, httpx.ReadTimeout("t")]
    assert world.task_checker().check_task(job_id).next == "store"
    assert renewing(world, job_id) is None
    refused, read = (request.url.path for request in world.wire.requests)
    assert ("recovery" in refused, "recovery" in read) == (True, False)


@pytest.mark.parametrize("answer", [RUNNING, httpx.ReadTimeout("t")], ids=["running", "silent"])
def test_a_renewal_that_never_ends_is_abandoned(world: World, answer: Any) -> None:
    job_id = unsaved(world)
    world.wire.answers = [STARTED, answer]
    assert world.task_checker().check_task(job_id).next == "wait"
    world.clock.sleep(RENEWAL_SECONDS)
    assert world.task_checker().check_task(job_id).next == "store"
    assert renewing(world, job_id) is None


@pytest.mark.parametrize(
    ("gateway", "fault"),
    [("crun", EXPIRED), ("sunoapi", Fault(ErrorCode.ASSET_UNAVAILABLE, "answered 503"))],
    ids=["crun", "valid links"],
)
def test_no_renewal_is_requested_if_the_gateway_cannot_renew_or_the_links_are_valid(
    world: World, gateway: str, fault: Fault
) -> None:
    job_id = unsaved(world, gateway, fault)
    world.wire.answers = [httpx.ReadTimeout("t")]
    world.task_checker().check_task(job_id)
    assert "recovery" not in str(world.wire.requests[-1].url)


def test_recovery_is_a_day_longer_where_links_can_be_renewed(world: World) -> None:
    assert world.job(unsaved(world)).recoverable_until == world.now + 15 * DAY_SECONDS


def test_files_at_risk_are_counted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = world.generating("crun")
    video = Link("video", "https://cdn.example/v.mp4", Media.VIDEO, required=False)
    links = with_expiry(world.job(job_id), (Link("audio", "https://cdn.example/a.mp3"), COVER, video))
    world.jobs.tracks.record_track(job_id, Track(track_id="t", position=0, state=TrackState.READY, links=links))
    job = world.start_storing(job_id)
    world.jobs.tracks.store_track(job_id, "t", [AUDIO], {"image": EXPIRED, "video": EXPIRED}, 3.0)
    assert files_at_risk(world.view(job_id)) == 2
    assert world.job_finisher().finish_job(job.job_id) is JobState.SUCCEEDED
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    metrics = {name: line[name] for line in lines for name in ("AssetsAtRisk", "AssetHoursLeft") if name in line}
    assert metrics == {"AssetsAtRisk": [2.0], "AssetHoursLeft": [14 * 24.0]}


def test_a_gateway_that_hangs_is_called_once_per_run(world: World) -> None:
    job_id = unsaved(world)
    world.wire.answers = [hanging(world)]
    assert world.task_checker().check_task(job_id).next == "store"
    assert len(world.wire.requests) == 1


@pytest.mark.parametrize("stage", ["begin", "status"])
def test_a_key_that_is_refused_for_a_renewal_is_visible(world: World, stage: str) -> None:
    job_id = unsaved(world)
    refused = httpx.Response(200, json={"code": 401, "msg": "wrong key", "data": None})
    world.wire.answers = [refused] if stage == "begin" else [STARTED, refused]
    world.task_checker().check_task(job_id)
    if stage == "status":
        world.task_checker().check_task(job_id)
    health = world.calls().health.read("acme")["sunoapi"]
    assert (health["status"], health["last_error"]) == ("failing", ErrorCode.AUTHENTICATION)


def test_a_link_that_must_not_be_fetched_is_renewed(world: World) -> None:
    job_id = unsaved(world, fault=Fault(ErrorCode.ASSET_FORBIDDEN_ADDRESS, "the URL is malformed"))
    world.wire.answers = [STARTED]
    assert world.task_checker().check_task(job_id).next == "wait"
    assert renewing(world, job_id) == "R1"


def test_a_track_whose_file_was_refused_gets_a_renewed_link(world: World) -> None:
    job_id = unsaved(world)
    world.jobs.tracks.fail_track(job_id, "t-1", Fault(ErrorCode.ASSET_WRONG_TYPE, "the file is a PDF"), final=False)
    world.wire.answers = [STARTED, renewed(None, "https://cdn.example/new.mp3")]
    for _ in range(2):
        world.task_checker().check_task(job_id)
    track = world.tracks(job_id)["t-1"]
    assert (track.state, track.links[0].url) == (TrackState.READY, "https://cdn.example/new.mp3")


def test_the_life_of_a_renewed_link_begins_with_its_renewal(world: World) -> None:
    """Otherwise its first failed download would count as expired, and Store Track would not try again."""
    job_id = unsaved(world, "kie")
    world.clock.sleep(DAY_SECONDS)
    world.wire.answers = [STARTED, renewed("https://cdn.example/new.mp3")]
    world.task_checker().check_task(job_id)
    world.task_checker().check_task(job_id)
    new = world.tracks(job_id)["t-0"].links[0]
    assert (new.url, new.expires_at) == ("https://cdn.example/new.mp3", world.now + DAY_SECONDS)


REFUSED = httpx.Response(200, json={"code": 404, "msg": "no such task"})


@pytest.mark.parametrize("first", [REFUSED, renewed(None)], ids=["refused", "without a link"])
def test_i11_the_links_of_two_attempts_are_renewed_in_turn(world: World, first: httpx.Response) -> None:
    job_id = unsaved(world)
    world.jobs.submissions.accept_task(world.job(job_id), "J2", now=world.now, due_at=world.now)
    link = Link("audio", "https://cdn.example/second.mp3")
    world.jobs.tracks.record_track(job_id, Track(track_id="u-0", attempt=1, position=0, state=TrackState.READY, links=(link,)))
    world.jobs.tracks.fail_track(job_id, "u-0", EXPIRED, final=False)
    begun = [] if first is REFUSED else [STARTED]
    world.wire.answers = [*begun, first, httpx.ReadTimeout("t")]
    while world.task_checker().check_task(job_id).next == "wait":
        world.clock.sleep(PACE.interval)
    world.wire.requests.clear()
    world.wire.answers = [STARTED, renewed("https://cdn.example/new.mp3")]
    while world.task_checker().check_task(job_id).next == "wait":
        world.clock.sleep(PACE.interval)
    assert json.loads(world.wire.requests[0].content) == {"sunoTaskId": "J2"}
    urls = {name: track.links[0].url for name, track in world.tracks(job_id).items()}
    assert urls == {
        "t-0": "https://cdn.example/0.mp3",
        "t-1": "https://cdn.example/1.mp3",
        "u-0": "https://cdn.example/new.mp3",
    }
    world.wire.requests.clear()
    world.wire.answers = [STARTED]
    world.task_checker().check_task(job_id)
    assert json.loads(world.wire.requests[0].content)["sunoTaskId"] in ("J1", "J2")
