from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import miniaudio
import pytest

from local.simulator import HandClock
from tests.integration.simulator.clients import (
    FAMILY,
    STAGES,
    Client,
    Receiver,
    at,
    eventually,
    refusal,
)

SERVER_ERRORS: dict[str, tuple[int, Any]] = {
    "ttapi": (500, "FAILED"),
    "acedata": (500, "api_error"),
    **dict.fromkeys(("anyint", "crun", "sunoapi", "kie"), (200, 500)),
}


def test_a_rate_limited_order_is_refused_first_and_taken_later(client: Client) -> None:
    replies = [client.order("rate_limited=2") for _ in range(3)]
    expected = {
        "ttapi": (429, "FAILED"),
        "anyint": (200, 430),
        "crun": (200, 429),
        "acedata": (429, "too_many_requests"),
        "sunoapi": (200, 430),
        "kie": (200, 429),
    }
    assert [refusal(reply) for reply in replies[:2]] == [expected[client.gateway]] * 2
    assert replies[0].headers["retry-after"] == "1"
    assert at(replies[2].json(), client.wire.task_id_path)
    assert [(order["submissions"], order["paid"]) for order in client.simulator.orders()] == [(3, 1)]
    assert client.simulator.paid(client.callback_url) == 1


@pytest.mark.parametrize(
    ("fault", "expected", "paid"),
    [
        (
            "quota_exhausted",
            {
                "ttapi": (402, "FAILED"),
                "anyint": (200, 429),
                "crun": (200, 402),
                "acedata": (403, "used_up"),
                "sunoapi": (200, 429),
                "kie": (200, 402),
            },
            0,
        ),
        (
            "maintenance",
            {
                "ttapi": (500, "FAILED"),
                "anyint": (200, 455),
                "crun": (200, 455),
                "acedata": (500, "api_error"),
                "sunoapi": (200, 455),
                "kie": (200, 455),
            },
            0,
        ),
        (
            "server_error_on_submit",
            SERVER_ERRORS,
            0,
        ),
        (
            "server_error_after_create",
            SERVER_ERRORS,
            1,
        ),
    ],
)
def test_an_order_that_is_answered_with_an_error(
    client: Client, fault: str, expected: dict[str, tuple[int, Any]], paid: int
) -> None:
    assert refusal(client.order(fault)) == expected[client.gateway]
    assert client.simulator.paid(client.callback_url) == paid


def test_a_task_whose_answer_was_an_error_calls_back_all_the_same(client: Client, clock: HandClock, receiver: Receiver) -> None:
    client.order("server_error_after_create")
    clock.advance(10)
    assert receiver.body()


def test_a_dropped_connection_creates_nothing(client: Client) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        client.order("dropped_connection")
    assert client.simulator.paid(client.callback_url) == 0


def test_a_timeout_creates_the_task_and_never_answers(client: Client, clock: HandClock, receiver: Receiver) -> None:
    with pytest.raises(httpx.ReadTimeout):
        client.order("timeout_on_submit", timeout=httpx.Timeout(10, read=0.1))
    eventually(client.simulator.tasks)
    assert client.simulator.paid(client.callback_url) == 1
    clock.advance(10)
    assert receiver.body()


def test_a_held_answer_ends_in_a_cut_connection(client: Client, clock: HandClock) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.order, "timeout_on_submit=20", "lost_callback")
        eventually(client.simulator.tasks)
        clock.advance(21)
        with pytest.raises(httpx.RemoteProtocolError):
            waiting.result(timeout=5)


def test_a_garbled_answer_is_a_page_and_the_task_exists(client: Client) -> None:
    reply = client.order("garbled_answer")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert client.simulator.paid(client.callback_url) == 1


def test_a_failed_task_says_so(client: Client, clock: HandClock, receiver: Receiver) -> None:
    task_id = client.task_id("failed_task")
    clock.advance(4)
    body = client.poll(task_id).json()
    match client.gateway:
        case "ttapi":
            assert (body["status"], body["data"]["musics"]) == ("FAILED", None)
        case "anyint" | "sunoapi" | "kie":
            assert (body["data"]["status"], body["data"]["response"]["sunoData"]) == ("GENERATE_AUDIO_FAILED", [])
        case "crun":
            assert (body["data"]["status"], body["data"]["result"]["code"]) == ("failed", 501)
        case "acedata":
            assert (body["response"]["success"], body["response"]["error"]["code"]) == (False, "api_error")
            assert body["finished_at"]
    if client.gateway != "anyint":
        assert task_id in json.dumps(receiver.body())


def test_a_success_without_audio_has_tracks_but_no_url(client: Client, clock: HandClock) -> None:
    task_id = client.task_id("success_without_audio")
    clock.advance(10)
    assert client.status(task_id) == STAGES[client.gateway][-1]
    assert [track.get(client.wire.audio_field) or None for track in client.tracks(task_id)] == [None, None]


def test_one_failed_track_leaves_the_other(client: Client, clock: HandClock, http: httpx.Client) -> None:
    task_id = client.task_id("one_track_failed", "lost_callback")
    clock.advance(10)
    tracks = client.tracks(task_id)
    assert [bool(track.get(client.wire.audio_field)) for track in tracks] == [True, False]
    assert http.get(tracks[0][client.wire.audio_field]).status_code == 200
    partly = {**dict.fromkeys(FAMILY, "GENERATE_AUDIO_FAILED"), "acedata": (True, ["succeeded", "error"], True)}
    assert client.status(task_id) == partly.get(client.gateway, STAGES[client.gateway][-1])


def test_a_slow_task_takes_its_time(client: Client, clock: HandClock) -> None:
    task_id = client.task_id("slow_task=100", "lost_callback")
    clock.advance(99)
    assert client.status(task_id) == STAGES[client.gateway][3]
    clock.advance(1)
    assert client.status(task_id) == STAGES[client.gateway][-1]


def test_an_unknown_status_word_comes_first(client: Client, clock: HandClock) -> None:
    task_id = client.task_id("unknown_status=1", "lost_callback")
    clock.advance(10)
    words = {"crun": "mastering", "acedata": (True, ["mastering"] * 2, False)}
    assert client.status(task_id) == words.get(client.gateway, "MASTERING")
    assert client.status(task_id) == STAGES[client.gateway][-1]


@pytest.mark.parametrize("fault", ["poll_server_error", "poll_not_found", "garbled_poll"])
def test_status_requests_can_fail_at_first(client: Client, clock: HandClock, fault: str) -> None:
    task_id = client.task_id(f"{fault}=1", "lost_callback")
    clock.advance(10)
    reply = client.poll(task_id)
    if fault == "garbled_poll":
        assert reply.text.startswith("<!doctype html>")
    elif fault == "poll_server_error":
        assert refusal(reply) == SERVER_ERRORS[client.gateway]
    else:
        assert task_id not in reply.text
    assert client.status(task_id) == STAGES[client.gateway][-1]
    assert client.simulator.tasks()[0]["polls"] == 2


def test_a_refusal_as_too_frequent_names_the_time_of_the_next_request(client: Client, clock: HandClock) -> None:
    faults = ("rate_limited=1", "poll_rate_limited=1", "retry_after=70", "lost_callback")
    refused = client.order(*faults)
    task_id = at(client.order(*faults).json(), client.wire.task_id_path)
    clock.advance(10)
    poll = client.poll(task_id)
    assert refusal(poll) == refusal(refused)
    assert [reply.headers["retry-after"] for reply in (refused, poll)] == ["70", "70"]
    assert client.status(task_id) == STAGES[client.gateway][-1]


def test_audio_can_lag_behind(client: Client, clock: HandClock, http: httpx.Client) -> None:
    url = client.finished(clock, "audio_404_first=2")[0][client.wire.audio_field]
    assert [http.get(url).status_code for _ in range(3)] == [404, 404, 200]
    assert sorted(client.simulator.tasks()[0]["downloads"].values()) == [0, 3]


def test_audio_can_break_off(client: Client, clock: HandClock, http: httpx.Client) -> None:
    url = client.finished(clock, "truncated_audio=1")[0][client.wire.audio_field]
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        http.get(url)
    assert miniaudio.decode(http.get(url).content).duration > 0.5


def test_audio_can_be_a_page(client: Client, clock: HandClock, http: httpx.Client) -> None:
    url = client.finished(clock, "html_audio")[0][client.wire.audio_field]
    assert [http.get(url).headers["content-type"] for _ in range(2)] == ["text/html; charset=utf-8"] * 2
