"""Odd answers of gateways and CDNs over HTTP: an error that names its task, any status of a CDN, links that die early."""

from __future__ import annotations

import io

import httpx
import pytest

from local.simulator import HandClock, cdn
from local.simulator.media import Media
from suno_jobs.errors import AssetNotReady
from suno_jobs.media import audio
from tests.integration.simulator.clients import Client, at


def test_an_error_can_name_the_task_that_was_created(client: Client, clock: HandClock) -> None:
    reply = client.order("error_names_task", "lost_callback")
    task_id = at(reply.json(), client.wire.task_id_path)
    assert [task["task_id"] for task in client.simulator.tasks()] == [task_id]
    assert reply.status_code == 500 or reply.json()["code"] == 500
    clock.advance(10)
    assert client.tracks(task_id)


@pytest.mark.parametrize("status", [400, 401, 416, 451, 503])
def test_a_cdn_can_answer_with_any_status(client: Client, clock: HandClock, http: httpx.Client, status: int) -> None:
    url = client.finished(clock, f"cdn_status={status}", "cdn_times=2")[0][client.wire.audio_field]
    assert [http.get(url).status_code for _ in range(3)] == [status, status, 200]


def test_links_can_die_early_and_be_reported_for_a_while(client: Client, clock: HandClock, http: httpx.Client) -> None:
    task_id = client.task_id("dying_links=30", "stale_links=60", "lost_callback")
    clock.advance(39)
    url = client.tracks(task_id)[0][client.wire.audio_field]
    assert http.get(url).status_code == 200
    clock.advance(1)
    assert http.get(url).status_code == 403
    clock.advance(59)
    assert client.tracks(task_id)[0][client.wire.audio_field] == url
    clock.advance(1)
    renewed = client.tracks(task_id)[0][client.wire.audio_field]
    if client.gateway in ("sunoapi", "kie"):
        assert renewed == url  # only their recovery renews links
    else:
        assert renewed != url
        assert http.get(renewed).status_code == 200


def test_links_can_come_later_than_the_success(client: Client, clock: HandClock) -> None:
    task_id = client.task_id("late_links=60", "lost_callback")
    clock.advance(69)
    assert not any(track.get(client.wire.audio_field) for track in client.tracks(task_id))
    clock.advance(1)
    assert all(track.get(client.wire.audio_field) for track in client.tracks(task_id))


def test_a_failure_can_turn_into_a_success(client: Client, clock: HandClock) -> None:
    task_id = client.task_id("failed_then_success=60", "lost_callback")
    clock.advance(10)
    failed = client.status(task_id)
    clock.advance(54)
    assert client.status(task_id) != failed
    assert all(track.get(client.wire.audio_field) for track in client.tracks(task_id))


def test_a_file_can_be_damaged_inside_although_it_is_whole(client: Client, clock: HandClock, http: httpx.Client) -> None:
    url = client.finished(clock, "damaged_audio=1")[0][client.wire.audio_field]
    damaged, good = http.get(url), http.get(url)
    assert (damaged.status_code, len(damaged.content)) == (200, len(good.content))
    audio.inspect(io.BytesIO(good.content))
    with pytest.raises(AssetNotReady):
        audio.inspect(io.BytesIO(damaged.content))
    assert len(cdn.damaged(Media.WAV, b"1234")) == 2


@pytest.mark.parametrize("seconds", [0, 60, 999_999])
def test_the_reported_length_can_be_wrong(client: Client, clock: HandClock, seconds: int) -> None:
    for track in client.finished(clock, f"wrong_length={seconds}"):
        assert float(track["duration"]) == seconds
