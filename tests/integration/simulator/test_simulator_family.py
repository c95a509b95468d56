"""The family of record-info endpoints (sunoapi, kie, AnyInt), kind by kind: what is polled and what is posted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from local.simulator import HandClock, Simulator
from local.simulator.record_info import STATUS_PATHS, SUBMIT_PATHS
from tests.integration.simulator.clients import TASK_SECONDS, Client, Receiver

Json = dict[str, Any]
ANYINT_PATHS = {
    "/api/v1/lyrics": "/suno/generate-lyrics",
    "/api/v1/lyrics/record-info": "/suno/query/lyrics",
    "/api/v1/vocal-removal/generate": "/suno/vocal-removal",
    "/api/v1/vocal-removal/record-info": "/suno/query/vocal-removal",
    "/api/v1/wav/generate": "/suno/wav-generate",
    "/api/v1/wav/record-info": "/suno/query/wav",
    "/api/v1/mp4/generate": "/suno/mp4-generate",
    "/api/v1/mp4/record-info": "/suno/query/mp4",
    "/api/v1/suno/cover/generate": "/suno/generate-cover",
    "/api/v1/suno/cover/record-info": "/suno/query/cover",
    "/api/v1/generate/record-info": "/suno/query/task",
    "/api/v1/generate/get-timestamped-lyrics": "/suno/timestamped-lyrics",
    "/api/v1/generate/generate-persona": "/suno/generate-persona",
    "/api/v1/generate/extend": "/suno/extend",
    "/api/v1/generate/upload-cover": "/suno/upload-cover",
    "/api/v1/generate/replace-section": "/suno/replace-section",
}


@dataclass
class Member:
    """A gateway of the family with a finished song of two tracks."""

    client: Client
    clock: HandClock
    receiver: Receiver
    song_id: str
    track_id: str

    def path(self, upstream: str) -> str:
        return ANYINT_PATHS.get(upstream, upstream) if self.client.gateway == "anyint" else upstream

    def submit(self, path: str, body: Json, *faults: str) -> Json:
        if faults:
            self.client.simulator.fail_next(self.client.gateway, *faults)
        self.client.callback_url += "/x"
        body = {**body, "callBackUrl": self.client.callback_url}
        reply: Json = self.client.post(self.path(path), body).json()
        return reply

    def task_id(self, path: str, body: Json, *faults: str) -> str:
        return str(self.submit(path, body, *faults)["data"]["taskId"])

    def record(self, path: str, task_id: str) -> Json:
        reply = self.client.get(self.path(path), taskId=task_id)
        assert reply["code"] == 200
        data: Json = reply["data"]
        assert data["taskId"] == task_id
        return data

    @property
    def track(self) -> Json:
        return {"taskId": self.song_id, "audioId": self.track_id}

    def pick(self, **by_gateway: Any) -> Any:
        return by_gateway.get(self.client.gateway, by_gateway.get("other"))


@pytest.fixture(params=["sunoapi", "kie", "anyint"])
def member(
    request: pytest.FixtureRequest, simulator: Simulator, http: httpx.Client, receiver: Receiver, clock: HandClock
) -> Member:
    client = Client(simulator, request.param, http, receiver.url)
    client.callback_url += "/song"
    task_id = client.task_id("lost_callback")
    clock.advance(TASK_SECONDS)
    client.callback_url = receiver.url
    return Member(client, clock, receiver, task_id, client.tracks(task_id)[0]["id"])


@dataclass(frozen=True)
class Kind:
    submit: str
    status: str
    body: Callable[[Member], Json]
    state: dict[str, str]
    pending: tuple[Any, Any, Any]
    done: Any
    failed: Any


def same(field: str) -> dict[str, str]:
    return dict.fromkeys(("sunoapi", "kie", "anyint"), field)


WORDS = ("PENDING", "PENDING", "PENDING")
KINDS = {
    "lyrics": Kind(
        "/api/v1/lyrics",
        "/api/v1/lyrics/record-info",
        lambda _: {"prompt": "rain"},
        same("status"),
        WORDS,
        "SUCCESS",
        "GENERATE_LYRICS_FAILED",
    ),
    "stems": Kind(
        "/api/v1/vocal-removal/generate",
        "/api/v1/vocal-removal/record-info",
        lambda member: {**member.track, "type": "separate_vocal"},
        same("successFlag"),
        WORDS,
        "SUCCESS",
        "GENERATE_AUDIO_FAILED",
    ),
    "wav": Kind(
        "/api/v1/wav/generate",
        "/api/v1/wav/record-info",
        lambda member: member.track,
        {"sunoapi": "successFlag", "kie": "status", "anyint": "status"},
        WORDS,
        "SUCCESS",
        "GENERATE_WAV_FAILED",
    ),
    "mp4": Kind(
        "/api/v1/mp4/generate",
        "/api/v1/mp4/record-info",
        lambda member: {**member.track, "author": "A", "domainName": "example.org"},
        same("successFlag"),
        WORDS,
        "SUCCESS",
        "CREATE_TASK_FAILED",
    ),
    "cover_art": Kind(
        "/api/v1/suno/cover/generate",
        "/api/v1/suno/cover/record-info",
        lambda member: {"taskId": member.song_id},
        same("successFlag"),
        (0, 2, 2),
        1,
        3,
    ),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def test_the_state_of_each_kind(member: Member, kind: Kind) -> None:
    task_id, seen = member.task_id(kind.submit, kind.body(member)), []
    state = kind.state[member.client.gateway]
    for seconds in (0, 4, 3, 3):
        member.clock.advance(seconds)
        seen.append(member.record(kind.status, task_id)[state])
    assert seen == [*kind.pending, kind.done]


def test_a_failure_of_each_kind(member: Member, kind: Kind) -> None:
    task_id = member.task_id(kind.submit, kind.body(member), "failed_task")
    member.clock.advance(TASK_SECONDS)
    record = member.record(kind.status, task_id)
    assert record[kind.state[member.client.gateway]] == kind.failed
    assert (record["response"], record["errorMessage"]) == (None, "Generation failed")
    if member.client.gateway == "anyint":
        assert member.client.simulator.tasks()[-1]["callbacks"] == []
    else:
        body = member.receiver.body()
        assert body["code"] == (400 if kind is KINDS["wav"] else 501)
        assert task_id in body["data"].values()


def test_a_success_of_each_kind_without_its_result(member: Member, kind: Kind) -> None:
    task_id = member.task_id(kind.submit, kind.body(member), "success_without_audio")
    member.clock.advance(TASK_SECONDS)
    record = member.record(kind.status, task_id)
    assert record[kind.state[member.client.gateway]] == kind.done
    assert "http" not in str(record["response"])


def test_status_can_be_strange_for_each_kind(member: Member, kind: Kind) -> None:
    task_id = member.task_id(kind.submit, kind.body(member), "unknown_status=1", "poll_not_found=0")
    member.clock.advance(TASK_SECONDS)
    state = kind.state[member.client.gateway]
    strange = 7 if kind is KINDS["cover_art"] else "MASTERING"
    assert [member.record(kind.status, task_id)[state] for _ in range(2)] == [strange, kind.done]


def test_the_task_of_one_kind_is_not_found_as_another(member: Member, kind: Kind) -> None:
    reply = member.client.get(member.path(kind.status), taskId=member.song_id)
    assert (reply["code"], reply["data"]) == (member.pick(kie=404, other=400), None)


def test_a_reference_to_unknown_work_is_refused(member: Member, kind: Kind) -> None:
    for name in kind.body(member).keys() & {"taskId", "audioId"}:
        reply = member.submit(kind.submit, kind.body(member) | {name: "unknown"})
        assert (reply["code"], reply["data"]) == (member.pick(kie=404, other=400), None)


def test_lyrics(member: Member) -> None:
    task_id = member.task_id("/api/v1/lyrics", {"prompt": "rain"}, "one_track_failed")
    member.clock.advance(TASK_SECONDS)
    items = member.record("/api/v1/lyrics/record-info", task_id)["response"][member.pick(kie="lyricsData", other="data")]
    assert [(item["status"], item["title"], bool(item["text"])) for item in items] == [
        ("complete", "rain", True),
        ("failed", "", False),
    ]
    assert items[1]["errorMessage"] == "Generation failed"
    body = member.receiver.body()
    data = body if member.client.gateway == "anyint" else body["data"]
    assert (data["callbackType"], data[member.pick(sunoapi="taskId", other="task_id")]) == ("complete", task_id)
    error = member.pick(kie="error_message", other="errorMessage")
    assert [item[error] for item in data["data"]] == ["", "Generation failed"]


def test_stems(member: Member, http: httpx.Client) -> None:
    split = {**member.track, "type": "split_stem"}
    task_id = member.task_id("/api/v1/vocal-removal/generate", {**member.track, "type": "separate_vocal"})
    all_id = member.submit("/suno/split-stem" if member.client.gateway == "anyint" else "/api/v1/vocal-removal/generate", split)
    member.clock.advance(TASK_SECONDS)
    two = member.record("/api/v1/vocal-removal/record-info", task_id)
    assert {name for name, url in two["response"].items() if url} == {"originUrl", "vocalUrl", "instrumentalUrl"}
    assert two["musicId"] == member.track_id
    many = member.record("/api/v1/vocal-removal/record-info", all_id["data"]["taskId"])["response"]
    assert set(many) == set(two["response"]) > {"backingVocalsUrl", "drumsUrl", "fxUrl", "woodwindsUrl"}
    assert [name for name, url in many.items() if not url] == ["instrumentalUrl", "pianoUrl"]
    assert len(set(many.values())) == 14
    assert http.get(many["drumsUrl"]).headers["content-type"] == "audio/mpeg"


def test_stems_in_a_callback(member: Member) -> None:
    task_id = member.task_id("/api/v1/vocal-removal/generate", {**member.track, "type": "separate_vocal"}, "one_track_failed")
    member.clock.advance(TASK_SECONDS)
    body = member.receiver.body()
    data = body if member.client.gateway == "anyint" else body["data"]
    assert data["task_id"] == task_id
    info = data["vocal_removal_info"]
    assert [bool(info[name]) for name in ("origin_url", "vocal_url", "instrumental_url")] == [True, True, False]


@pytest.mark.parametrize("name", ["wav", "mp4", "cover_art"])
def test_files(member: Member, http: httpx.Client, name: str) -> None:
    kind = KINDS[name]
    task_id = member.task_id(kind.submit, kind.body(member))
    member.clock.advance(TASK_SECONDS)
    response = member.record(kind.status, task_id)["response"]
    body = member.receiver.body()
    data = body if member.client.gateway == "anyint" else body["data"]
    match name:
        case "wav":
            field = member.pick(kie="audio_wav_url", other="audioWavUrl")
            urls, posted, opening = [response[field]], [data[field]], b"RIFF"
        case "mp4":
            urls, posted, opening = [response["videoUrl"]], [data["video_url"]], b"\0\0\0\x1cftyp"
        case _:
            urls, posted, opening = response["images"], data["images"], b"\x89PNG"
    assert urls == posted
    assert (data.get("task_id") or data.get("taskId")) == task_id
    assert all(http.get(url).content.startswith(opening) for url in urls)
    assert len(set(urls)) == (2 if name == "cover_art" else 1)


@pytest.mark.parametrize(
    ("name", "codes", "tells"),
    [
        ("wav", {"other": 409}, True),
        ("mp4", {"other": 409}, False),
        ("cover_art", {"kie": 409, "other": 400}, True),
    ],
)
def test_the_same_again_is_refused_and_not_paid(member: Member, name: str, codes: dict[str, int], tells: bool) -> None:
    kind = KINDS[name]
    failed = member.task_id(kind.submit, kind.body(member), "failed_task")
    first = member.task_id(kind.submit, kind.body(member))
    again = member.submit(kind.submit, kind.body(member))
    assert failed != first
    assert (again["code"], again["data"]) == (member.pick(**codes), {"taskId": first} if tells else None)
    assert member.client.simulator.paid(member.client.callback_url) == 0


def test_music_upon_earlier_and_uploaded_audio(member: Member) -> None:
    url = "https://example.org/a.mp3"
    section = {"prompt": "sun", "tags": "pop", "title": "Sun", "infillStartS": 1, "infillEndS": 2}
    ids = [
        member.task_id("/api/v1/generate/extend", {"defaultParamFlag": False, "audioId": member.track_id, "model": "V5"}),
        member.task_id("/api/v1/generate/upload-cover", {"uploadUrl": url, "model": "V5", "prompt": "rain"}),
        member.task_id("/api/v1/generate/replace-section", {**member.track, **section}),
    ]
    member.clock.advance(TASK_SECONDS)
    for task_id in ids:
        record = member.record("/api/v1/generate/record-info", task_id)
        assert [bool(track["audioUrl"]) for track in record["response"]["sunoData"]] == [True, True]
        assert record["status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/generate/extend", {"audioId": "unknown", "defaultParamFlag": True, "model": "V5"}),
        ("/api/v1/generate/extend", {"defaultParamFlag": True, "model": "V5"}),
        ("/api/v1/generate/upload-cover", {"uploadUrl": "ftp://example.org/a.mp3"}),
        ("/api/v1/generate/upload-cover", {}),
        ("/api/v1/generate/replace-section", {"prompt": "x"}),
        ("/api/v1/lyrics", {}),
    ],
)
def test_what_breaks_a_rule_is_refused(member: Member, path: str, body: Json) -> None:
    code = member.pick(kie=404 if body.get("audioId") else 422, other=400)
    assert member.submit(path, body) == {"code": code, "msg": member.submit(path, body)["msg"], "data": None}


def test_words_that_are_not_allowed(member: Member) -> None:
    task_id = member.client.task_id("content_rejected")
    member.clock.advance(TASK_SECONDS)
    assert member.client.status(task_id) == "SENSITIVE_WORD_ERROR"


def test_a_callback_exception_has_audio_all_the_same(member: Member) -> None:
    task_id = member.client.task_id("callback_exception", "lost_callback")
    member.clock.advance(TASK_SECONDS)
    assert member.client.status(task_id) == "CALLBACK_EXCEPTION"
    assert all(track["audioUrl"] for track in member.client.tracks(task_id))


def test_synchronous_operations(member: Member) -> None:
    words = member.client.post(member.path("/api/v1/generate/get-timestamped-lyrics"), member.track).json()["data"]
    assert [word["word"] for word in words["alignedWords"]] == ["rain"]
    persona = {**member.track, "name": "Ann", "description": "calm"}
    path = member.path("/api/v1/generate/generate-persona")
    assert member.client.post(path, persona).json()["data"]["personaId"]
    member.client.simulator.fail_next(member.client.gateway, "failed_task")
    refused = member.client.post(path, persona).json()
    assert (refused["code"], refused["data"]) == (member.pick(kie=501, other=400), None)
    member.client.simulator.fail_next(member.client.gateway, "success_without_audio")
    assert member.client.post(path, persona).json()["data"]["personaId"] is None


def test_callbacks_are_wrapped_and_flat_at_anyint(member: Member) -> None:
    task_id = member.client.task_id()
    member.clock.advance(TASK_SECONDS)
    seen = [member.receiver.body() for _ in range(3)]
    if member.client.gateway == "anyint":
        assert {body["callbackType"] for body in seen} == {"text", "first", "complete"}
        return
    assert {(body["code"], body["data"]["callbackType"]) for body in seen} == {(200, "text"), (200, "first"), (200, "complete")}
    assert all(body["data"]["task_id"] == task_id for body in seen)
    assert all(track["source_audio_url"] is not None for body in seen for track in body["data"]["data"])


def test_the_endpoints_are_those_of_the_document(simulator: Simulator) -> None:
    assert len(SUBMIT_PATHS) == 20
    assert len(STATUS_PATHS) == 7
