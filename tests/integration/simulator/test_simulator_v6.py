"""What came with Suno v6: its fields at each gateway, and the jobs route of kie.ai."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from local.simulator import HandClock, Simulator
from tests.integration.simulator.clients import TASK_SECONDS, Client, Receiver, refusal

Json = dict[str, Any]

AUDIO = "https://files.example.com/a.mp3"
KIE = "/api/v1/jobs/createTask"
SUNO = "/api/v1/generate"
ACE = "/suno/audios"
CUSTOM = {"customMode": True, "instrumental": False, "model": "V6", "lyrics": "la"}
JOB = {"custom_mode": True, "instrumental": False, "model": "V6", "lyrics": "la"}
GENERATE = {"action": "generate", "custom": True, "lyric": "la", "async": True}


def job(operation: str, given: Json) -> Json:
    return {"model": f"ai-music-api/{operation}", "input": given}


@pytest.fixture
def wires(simulator: Simulator, http: httpx.Client, receiver: Receiver) -> dict[str, Client]:
    return {name: Client(simulator, name, http, receiver.url) for name in ("acedata", "sunoapi", "kie")}


def without(given: Json, *names: str) -> Json:
    return {name: value for name, value in given.items() if name not in names}


@pytest.mark.parametrize(
    ("gateway", "path", "body"),
    [
        ("sunoapi", SUNO, {**CUSTOM, "duration": 60, "variety": 4, "model": "V6_WILD"}),
        ("sunoapi", SUNO, {**CUSTOM, "lyrics": "", "style": "folk"}),
        ("sunoapi", SUNO, {**CUSTOM, "lyrics": "", "negativeTags": "drums"}),
        ("sunoapi", SUNO, {"customMode": False, "instrumental": False, "model": "V6", "prompt": "x" * 3000}),
        ("sunoapi", f"{SUNO}/upload-cover", {**CUSTOM, "uploadUrl": AUDIO, "duration": 60}),
        ("kie", KIE, job("generate", {**JOB, "duration": 60, "variety": 0, "vocal_gender": "f"})),
        ("kie", KIE, job("generate", {**without(JOB, "lyrics"), "custom_mode": False, "prompt": "rain"})),
        ("kie", KIE, job("upload-and-cover-audio", {**without(JOB, "custom_mode"), "upload_url": AUDIO, "duration": 60})),
        ("acedata", ACE, {**GENERATE, "duration": 60, "variety": "max", "max_mode": True}),
        ("acedata", ACE, {"action": "sounds", "sound": "rain", "sound_type": "loop", "bpm": 90, "key": "C", "async": True}),
    ],
)
def test_what_follows_the_rules_is_taken(wires: dict[str, Client], gateway: str, path: str, body: Json) -> None:
    client = wires[gateway]
    called_back = "callback_url" if gateway == "acedata" else "callBackUrl"
    reply = client.post(path, {**body, called_back: client.callback_url}).json()
    assert reply.get("task_id") or reply["data"]["taskId"], reply
    assert client.simulator.tasks()[-1]["undocumented_fields"] == []


@pytest.mark.parametrize(
    ("gateway", "path", "body", "code"),
    [
        ("sunoapi", SUNO, {**CUSTOM, "lyrics": ""}, 400),
        ("sunoapi", SUNO, {**CUSTOM, "variety": 5}, 400),
        ("sunoapi", SUNO, {**CUSTOM, "duration": 9}, 400),
        ("sunoapi", SUNO, {**CUSTOM, "customMode": False, "prompt": "rain", "duration": 60}, 400),
        ("sunoapi", SUNO, {**CUSTOM, "model": "V5", "prompt": "la", "style": "x", "title": "x", "duration": 60}, 400),
        ("sunoapi", SUNO, {**CUSTOM, "model": "V5_5", "prompt": "la", "style": "x", "title": "x", "variety": 1}, 400),
        ("sunoapi", f"{SUNO}/mashup", {**CUSTOM, "customMode": False, "uploadUrlList": [AUDIO] * 2, "duration": 60}, 400),
        ("kie", KIE, {"model": "V6", "input": JOB}, 422),
        ("kie", KIE, {"model": "generate", "input": JOB}, 422),
        ("kie", KIE, {"model": "ai-music-api/generate"}, 422),
        ("kie", KIE, job("generate", without(JOB, "instrumental")), 422),
        ("kie", KIE, job("generate", {**JOB, "model": "V5"}), 422),
        ("kie", KIE, job("generate", {**JOB, "custom_mode": False, "prompt": "rain", "style_weight": 0.5}), 422),
        ("kie", KIE, job("upload-and-cover-audio", {**JOB, "upload_url": AUDIO}), 422),
        ("kie", KIE, job("mashup", {"upload_url_list": [AUDIO] * 2, "model": "V6"}), 422),
        ("kie", KIE, job("extend", {"model": "V6", "audio_id": "unknown"}), 404),
        ("kie", SUNO, {**CUSTOM, "style": "x", "title": "x"}, 422),
        ("acedata", ACE, {**GENERATE, "variety": "some"}, "bad_request"),
        ("acedata", ACE, {**GENERATE, "custom": False, "prompt": "rain", "max_mode": True}, "bad_request"),
        ("acedata", ACE, {"action": "inspo", "audio_urls": [AUDIO], "variety": "max"}, "bad_request"),
        ("acedata", ACE, {"action": "sounds", "sound": "rain"}, "bad_request"),
        ("acedata", ACE, {"action": "adjust_speed", "audio_id": "x", "speed_multiplier": 5, "title": "T"}, "bad_request"),
        ("acedata", ACE, {"action": "extract_stem", "audio_id": "x"}, "bad_request"),
    ],
)
def test_what_breaks_a_rule_is_refused(wires: dict[str, Client], gateway: str, path: str, body: Json, code: Any) -> None:
    client = wires[gateway]
    assert refusal(client.post(path, {**body, "callBackUrl": client.callback_url}))[1] == code
    assert client.simulator.tasks() == []


def record(client: Client, task_id: str) -> Json:
    data: Json = client.get("/api/v1/jobs/recordInfo", taskId=task_id)["data"]
    return data


def submit(client: Client, operation: str, given: Json, *faults: str) -> str:
    client.simulator.fail_next("kie", *faults)
    return str(client.post(KIE, job(operation, given)).json()["data"]["taskId"])


def test_a_job_of_kie_has_its_result_in_a_string(wires: dict[str, Client], clock: HandClock) -> None:
    kie = wires["kie"]
    task_id = submit(kie, "generate", JOB, "unknown_status=1")
    seen = []
    for _ in range(5):
        seen.append(record(kie, task_id))
        clock.advance(TASK_SECONDS / 4)
    assert [each["state"] for each in seen] == ["mastering", "queuing", "generating", "generating", "success"]
    assert [each["resultJson"] for each in seen[:4]] == [""] * 4
    songs = json.loads(seen[4]["resultJson"])["data"]
    assert [(song["model_name"], bool(song["audio_url"])) for song in songs] == [("chirp-hawk", True)] * 2
    assert (seen[4]["creditsConsumed"], seen[4]["model"]) == (12, "ai-music-api/generate")
    wav = submit(kie, "convert-to-wav-format", {"task_id": task_id, "audio_id": songs[0]["id"]})
    clock.advance(TASK_SECONDS)
    assert json.loads(record(kie, wav)["resultJson"])["resultUrls"][0].endswith(".wav")


@pytest.mark.parametrize(("fault", "code"), [("failed_task", "501"), ("refunded_task", "531"), ("content_rejected", "400")])
def test_a_failed_job_of_kie_has_a_code(wires: dict[str, Client], clock: HandClock, fault: str, code: str) -> None:
    task_id = submit(wires["kie"], "generate", JOB, fault)
    clock.advance(TASK_SECONDS)
    data = record(wires["kie"], task_id)
    assert (data["state"], data["failCode"], data["resultJson"]) == ("fail", code, "")
    assert data["failMsg"]


def test_each_route_of_kie_knows_its_own_tasks(wires: dict[str, Client]) -> None:
    kie = wires["kie"]
    old = kie.task_id()
    for query in ({"taskId": old}, {"taskId": "unknown"}):
        assert kie.get("/api/v1/jobs/recordInfo", **query)["code"] == 404
    assert kie.get("/api/v1/jobs/recordInfo")["code"] == 422
    assert kie.get("/api/v1/lyrics/record-info", taskId=submit(kie, "generate", JOB))["code"] == 404


def test_a_job_of_kie_calls_back_once(wires: dict[str, Client], clock: HandClock, receiver: Receiver) -> None:
    body = {**job("generate", JOB), "callBackUrl": receiver.url}
    task_id = wires["kie"].post(KIE, body).json()["data"]["taskId"]
    clock.advance(TASK_SECONDS)
    data = receiver.body()["data"]
    assert (data["task_id"], data["callbackType"]) == (task_id, "complete")
    assert receiver.bodies.empty()


def test_ace_delivers_the_internal_and_the_ordered_name(wires: dict[str, Client], clock: HandClock) -> None:
    ace = wires["acedata"]
    task_id = ace.post(ACE, {**GENERATE, "model": "chirp-v6-wild"}).json()["task_id"]
    clock.advance(TASK_SECONDS)
    assert [track["model"] for track in ace.tracks(task_id)] == ["chirp-hawk", "chirp-v6-wild"]
    assert ace.poll(task_id).json()["cost"] == {"amount": 0.56, "currency": "credit", "list_amount": 0.56}
