from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import miniaudio
import pytest

from local.simulator import HandClock, Simulator
from tests.integration.simulator.clients import (
    FAMILY,
    GATEWAYS,
    STAGES,
    Client,
    Receiver,
    at,
    await_callbacks,
    changed,
    eventually,
    refusal,
)

if TYPE_CHECKING:
    import httpx


def test_a_task_shows_the_documented_states_in_order(client: Client, clock: HandClock) -> None:
    task_id, seen = client.task_id(), []
    for seconds in (0, 1, 3, 3, 3):
        clock.advance(seconds)
        seen.append(client.status(task_id))
    assert seen == STAGES[client.gateway]


def test_a_task_has_two_different_songs_as_long_as_the_gateway_says(
    client: Client, clock: HandClock, http: httpx.Client
) -> None:
    tracks = client.finished(clock)
    assert len({track[client.wire.id_field] for track in tracks}) == 2
    songs = [http.get(track[client.wire.audio_field]) for track in tracks]
    assert songs[0].content != songs[1].content
    for track, song in zip(tracks, songs, strict=True):
        assert song.headers["content-type"] == "audio/mpeg"
        assert miniaudio.decode(song.content).duration == pytest.approx(float(track["duration"]), abs=0.02)
        assert track[client.wire.audio_field].startswith(client.simulator.audio_origin + f"/cdn/{client.gateway}/")


def test_the_callback_has_the_tracks_of_the_status_reply(client: Client, clock: HandClock, receiver: Receiver) -> None:
    tracks = client.finished(clock)
    await_callbacks(client.simulator, 3 if client.gateway in FAMILY else 1)
    body = [json.loads(receiver.bodies.get_nowait()) for _ in range(receiver.bodies.qsize())][-1]
    audio = "audio_url" if client.gateway in FAMILY else client.wire.audio_field
    expected = [(track[client.wire.id_field], track[client.wire.audio_field]) for track in tracks]
    assert [(track[client.wire.id_field], track[audio]) for track in at(body, client.wire.callback_tracks_path)] == expected


def test_both_modes_are_accepted_with_documented_fields_only(client: Client) -> None:
    for body in (client.wire.simple, client.wire.custom):
        reply = client.send({**body, client.wire.callback_field: client.callback_url})
        assert len(at(reply.json(), client.wire.task_id_path)) == 36
    assert [task["undocumented_fields"] for task in client.simulator.tasks()] == [[], []]


ANSWERS = {
    "ttapi": {"status": "SUCCESS", "message": "success", "data": {"jobId": ""}},
    "anyint": {"code": 200, "msg": "success", "data": {"taskId": ""}},
    "crun": {"code": 200, "message": "success", "data": {"task_id": ""}},
    "acedata": {"success": True, "task_id": "", "trace_id": ""},
    "sunoapi": {"code": 200, "msg": "success", "data": {"taskId": ""}},
    "kie": {"code": 200, "msg": "success", "data": {"taskId": ""}},
}


def shape(value: Any) -> Any:
    """Without the contents of texts: what is left are the names, the nesting and the types."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    return value if isinstance(value, bool | int) or value in ("SUCCESS", "success") else ""


def test_a_submission_is_answered_in_the_documented_envelope(client: Client) -> None:
    assert shape(client.order().json()) == ANSWERS[client.gateway]


@pytest.mark.parametrize(
    ("gateway", "wrong", "missing"),
    [
        ("ttapi", (401, "FAILED"), (401, "FAILED")),
        ("anyint", (200, 401), (200, 401)),
        ("crun", (200, 401), (200, 401)),
        ("acedata", (401, "invalid_token"), (400, "no_token")),
        ("sunoapi", (200, 401), (200, 401)),
        ("kie", (200, 401), (200, 401)),
    ],
)
def test_a_wrong_or_missing_key_is_refused(
    simulator: Simulator, http: httpx.Client, gateway: str, wrong: tuple[int, Any], missing: tuple[int, Any]
) -> None:
    client = Client(simulator, gateway, http, "http://127.0.0.1/hook")
    url = client.base + client.wire.submit_path
    assert refusal(http.post(url, json=client.wire.simple, headers=client.key("other"))) == wrong
    assert refusal(http.post(url, json=client.wire.simple)) == missing
    method, path, params, body = client.wire.poll("any")
    assert refusal(http.request(method, client.base + path, params=params, json=body, headers=client.key("other"))) == wrong
    assert simulator.orders() == []


BAD: list[tuple[Any, ...]] = [
    ("ttapi", "simple", ("custom",), None, (400, "FAILED")),
    ("ttapi", "simple", ("custom",), "false", (400, "FAILED")),
    ("ttapi", "simple", ("gpt_description_prompt",), None, (400, "FAILED")),
    ("ttapi", "simple", ("gpt_description_prompt",), "x" * 501, (400, "FAILED")),
    ("ttapi", "simple", ("mv",), "v5", (400, "FAILED")),
    ("ttapi", "custom", ("prompt",), None, (400, "FAILED")),
    ("ttapi", "custom", ("title",), "x" * 81, (400, "FAILED")),
    ("ttapi", "custom", ("vocal_gender",), "female", (400, "FAILED")),
    ("ttapi", "custom", ("style_weight",), "0.5", (400, "FAILED")),
    ("anyint", "simple", ("customMode",), None, (200, 400)),
    ("anyint", "simple", ("callBackUrl",), "", (200, 400)),
    ("anyint", "simple", ("callBackUrl",), "example.org/hook", (200, 400)),
    ("anyint", "simple", ("prompt",), "x" * 501, (200, 413)),
    ("anyint", "simple", ("model",), "v5", (200, 400)),
    ("anyint", "custom", ("title",), None, (200, 400)),
    ("anyint", "custom", ("style",), None, (200, 400)),
    ("anyint", "custom", ("prompt",), "x" * 5001, (200, 413)),
    ("crun", "simple", ("model",), "suno/lyrics", (200, 505)),
    ("crun", "simple", ("input",), [], (200, 422)),
    ("crun", "simple", ("input", "mode"), "easy", (200, 422)),
    ("crun", "simple", ("input", "prompt"), None, (200, 422)),
    ("crun", "custom", ("input", "lyrics"), None, (200, 422)),
    ("crun", "custom", ("input", "lyrics"), "x" * 5001, (200, 422)),
    ("crun", "custom", ("input", "model"), "chirp-v5", (200, 422)),
    ("acedata", "simple", ("prompt",), None, (400, "bad_request")),
    ("acedata", "simple", ("prompt",), "x" * 501, (400, "bad_request")),
    ("acedata", "simple", ("action",), "sing", (400, "api_not_implemented")),
    ("acedata", "custom", ("lyric",), None, (400, "bad_request")),
    ("acedata", "custom", ("custom",), 1, (400, "bad_request")),
    ("acedata", "custom", ("model",), "V5", (400, "bad_request")),
    ("sunoapi", "simple", ("callBackUrl",), None, (200, 400)),
    ("sunoapi", "simple", ("prompt",), "x" * 501, (200, 413)),
    ("sunoapi", "simple", ("model",), "V3_5", (200, 400)),
    ("sunoapi", "simple", ("vocalGender",), "Female", (200, 400)),
    ("kie", "simple", ("callBackUrl",), None, (200, 422)),
    ("kie", "simple", ("prompt",), "x" * 501, (200, 422)),
    ("kie", "custom", ("title",), None, (200, 422)),
    ("kie", "simple", ("prompt",), "[fault:no_such]", (200, 422)),
    ("ttapi", "simple", ("gpt_description_prompt",), "[fault:no_such]", (400, "FAILED")),
    ("anyint", "simple", ("prompt",), "[fault:no_such]", (200, 400)),
    ("crun", "simple", ("input", "prompt"), "[fault:no_such]", (200, 422)),
    ("acedata", "simple", ("prompt",), "[fault:no_such]", (400, "bad_request")),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad[0]}-{bad[1]}-{bad[2][-1]}")
def test_a_submission_that_breaks_a_documented_rule_is_refused(
    simulator: Simulator, http: httpx.Client, bad: tuple[Any, ...]
) -> None:
    gateway, mode, path, value, expected = bad
    client = Client(simulator, gateway, http, "http://127.0.0.1/hook")
    good = {client.wire.callback_field: client.callback_url, **(client.wire.simple if mode == "simple" else client.wire.custom)}
    assert refusal(client.send(changed(good, path, value))) == expected
    assert simulator.orders() == []


def test_an_unknown_task_is_answered_as_the_gateway_does(client: Client) -> None:
    reply = client.poll("d6956973-2f17-43d4-8514-af6cc3a2f55d")
    if client.gateway == "acedata":
        assert (reply.status_code, reply.json()) == (200, {})
    else:
        assert refusal(reply) == {"ttapi": (404, "FAILED"), "kie": (200, 404), "crun": (200, 404)}.get(
            client.gateway, (200, 400)
        )


def test_other_paths_are_not_there(simulator: Simulator, http: httpx.Client) -> None:
    statuses = {name: http.post(simulator.base_url(name) + "/suno/v1/remaster", json={}).status_code for name in GATEWAYS}
    assert statuses == {name: 200 if name == "crun" else 404 for name in GATEWAYS}
    assert http.get(simulator.url + "/elsewhere").status_code == 404


def test_ttapi_types_are_as_odd_as_documented(simulator: Simulator, http: httpx.Client, clock: HandClock) -> None:
    client = Client(simulator, "ttapi", http, "http://127.0.0.1:9/hook")
    task_id = client.task_id("lost_callback")
    clock.advance(4)
    running = client.poll(task_id).json()
    assert running == {
        "status": "ON_QUEUE",
        "message": None,
        "jobId": task_id,
        "data": {"jobId": task_id, "action": "music", "progress": "40%", "musics": None},
    }
    clock.advance(6)
    data = client.poll(task_id).json()["data"]
    assert (data["progress"], data["quota"], data["mv"]) == ("100%", "6", "chirp-v5")
    assert [type(music["duration"]) for music in data["musics"]] == [str, float]
    assert data["musics"][0]["styleWeight"] == "0.5"


def test_crun_numbers_are_as_documented(simulator: Simulator, http: httpx.Client, clock: HandClock) -> None:
    client = Client(simulator, "crun", http, "http://127.0.0.1:9/hook")
    task_id = client.task_id("lost_callback")
    clock.advance(1)
    running = client.poll(task_id).json()["data"]
    assert (running["result"], running["duration_s"], running["complete_at"]) == (None, None, None)
    assert running["param"]["callback_url"] == client.callback_url
    clock.advance(9)
    info = client.poll(task_id).json()["data"]
    assert (info["duration_s"], info["complete_at"] - info["create_at"]) == (10, 10)
    assert info["result"]["media_urls"] == [item["suno_audio_url"] for item in info["result"]["suno_data"]]
    assert info["result"]["suno_data"][0]["suno_model_name"] == "chirp-crow"


def test_acedata_times_are_numbers_in_tasks_and_text_in_tracks(acedata: Client, clock: HandClock) -> None:
    task_id = acedata.task_id("lost_callback")
    clock.advance(10)
    task = acedata.poll(task_id).json()
    assert task["finished_at"] - task["created_at"] == 10.0
    assert task["response"]["data"][0]["created_at"] == "2027-01-15T08:00:00.000Z"


def test_acedata_answers_with_the_result_when_neither_async_nor_callback_is_wanted(acedata: Client, clock: HandClock) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(acedata.send, {"prompt": "rain"})
        eventually(acedata.simulator.tasks)
        assert not waiting.done()
        clock.advance(10)
        body = waiting.result(timeout=5).json()
    assert [track["state"] for track in body["data"]] == ["succeeded"] * 2


def test_acedata_reads_tasks_in_batches_and_leaves_out_unknown_ones(acedata: Client) -> None:
    ids = [str(acedata.send(acedata.wire.simple).json()["task_id"]) for _ in range(2)]
    body = {"ids": [*ids, "unknown"], "action": "retrieve_batch"}
    reply = acedata.http.post(acedata.base + "/suno/tasks", json=body, headers=acedata.key()).json()
    assert ({item["id"] for item in reply["items"]}, reply["count"]) == (set(ids), 2)


def test_a_preview_comes_before_the_song_and_is_another_file(
    simulator: Simulator, http: httpx.Client, clock: HandClock, receiver: Receiver
) -> None:
    for gateway, preview_field in (("anyint", "streamAudioUrl"), ("acedata", "audio_url")):
        client = Client(simulator, gateway, http, receiver.url)
        task_id = client.task_id("lost_callback")
        clock.advance(7)
        preview = client.tracks(task_id)[1]
        assert client.status(task_id) == STAGES[gateway][3]
        clock.advance(3)
        final = client.tracks(task_id)[1]
        song = http.get(final[client.wire.audio_field]).content
        early = http.get(preview[preview_field])
        assert early.status_code == 200
        assert miniaudio.decode(early.content).duration < miniaudio.decode(song).duration / 2


def test_a_song_is_not_there_before_its_task_is_done(client: Client, clock: HandClock, http: httpx.Client) -> None:
    task_id = client.task_id("lost_callback")
    second = list(client.simulator.tasks()[0]["downloads"])[1]
    url = f"{client.simulator.audio_origin}/cdn/{client.gateway}/{second}.mp3"
    clock.advance(9)
    assert http.get(url).status_code == 404
    clock.advance(1)
    assert http.get(url).status_code == 200
    assert client.tracks(task_id)[1][client.wire.audio_field] == url


def test_pictures_are_there(anyint: Client, clock: HandClock, http: httpx.Client) -> None:
    picture = http.get(anyint.finished(clock)[0]["imageUrl"])
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
