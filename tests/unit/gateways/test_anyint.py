"""AnyInt's documented payloads, field by field, and those of the sunoapi.org family that it may send."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from suno_jobs.catalog.inputs import MusicInput
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.adapters.anyint import AnyInt
from suno_jobs.gateways.protocol import Accepted, Ambiguous, ReadFailed, Refused, TaskReport, TaskStatus
from tests.unit.gateways.conformance import audio_of, reply

GATEWAY = AnyInt()
HOOK = "https://jobs.example/v1/callbacks/anyint/j1/mac"

CAMEL = {
    "id": "8551-a",
    "audioUrl": "https://cdn.anyint.example/a.mp3",
    "sourceAudioUrl": "https://source.example/a.mp3",
    "streamAudioUrl": "https://stream.example/a",
    "sourceStreamAudioUrl": "https://source.example/a",
    "imageUrl": "https://cdn.anyint.example/a.png",
    "prompt": "[Verse]\nThe kettle sings at six",
    "modelName": "chirp-v5",
    "title": "Kettle Song",
    "tags": "folk waltz",
    "createTime": "2026-01-01 00:00:00",
    "duration": 198.44,
}
SNAKE = {
    "id": "8551-a",
    "audio_url": "https://cdn.anyint.example/a.mp3",
    "source_audio_url": "https://source.example/a.mp3",
    "stream_audio_url": "https://stream.example/a",
    "title": "Kettle Song",
    "createTime": 1767225600000,
    "duration": "198.44",
}
PREVIEW = {**CAMEL, "id": "8551-b", "audioUrl": "", "duration": None}
NO_FILE = {**PREVIEW, "sourceAudioUrl": None}


def record(status: Any, songs: Any, **more: Any) -> dict[str, Any]:
    return {
        "taskId": "T1",
        "parentMusicId": "",
        "param": '{"prompt":"rain"}',
        "response": {"taskId": "T1", "sunoData": songs},
        "status": status,
        "type": "GENERATE",
        "operationType": "generate",
        "errorCode": None,
        "errorMessage": None,
        **more,
    }


def wrapped(data: Any, code: Any = 200) -> dict[str, Any]:
    return {"code": code, "msg": "success", "data": data}


def test_request_in_simple_mode_adds_fields_without_a_counterpart_to_the_prompt(described: MusicInput) -> None:
    request = GATEWAY.request(Kind.MUSIC, described, sources=(), callback_url=HOOK)
    assert (request.method, request.path) == ("POST", "/suno/generate")
    assert request.json == {
        "customMode": False,
        "instrumental": False,
        "model": "V5",
        "prompt": "A lighthouse hums to passing ships\nStyle: sea shanty, accordion\nTitle: Lamp Keeper",
        "negativeTags": "autotune",
        "vocalGender": "f",
        "callBackUrl": HOOK,
    }


def test_request_in_custom_mode(with_lyrics: MusicInput) -> None:
    assert GATEWAY.request(Kind.MUSIC, with_lyrics, sources=(), callback_url=HOOK).json == {
        "customMode": True,
        "instrumental": False,
        "model": "V4_5PLUS",
        "prompt": "[Verse]\nThe kettle sings at six",
        "style": "folk waltz",
        "title": "Kettle Song",
        "negativeTags": "drums",
        "vocalGender": "m",
        "callBackUrl": HOOK,
    }


@pytest.mark.parametrize(
    ("model", "theirs"),
    [
        (None, "V5"),
        ("v4", "V4"),
        ("v4.5", "V4_5"),
        ("v4.5all", "V4_5ALL"),
        ("v5", "V5"),
        ("V5_5", "V5_5"),
        ("V6", "V6"),
    ],
)
def test_model_names(model: str | None, theirs: str) -> None:
    body = GATEWAY.request(
        Kind.MUSIC, MusicInput(prompt="rain", instrumental=True, model=model), sources=(), callback_url=HOOK
    ).json
    assert body == {"customMode": False, "instrumental": True, "model": theirs, "prompt": "rain", "callBackUrl": HOOK}


def test_status_request_and_key() -> None:
    request = GATEWAY.status_request(Kind.MUSIC, "T1")
    assert (request.method, request.path, request.params) == ("GET", "/suno/query/task", {"taskId": "T1"})
    assert GATEWAY.authorization("k") == {"Authorization": "Bearer k"}


@pytest.mark.parametrize(
    "body",
    [
        {"taskId": "T1"},
        {"task_id": "T1"},
        {"code": 200, "taskId": "T1"},
        wrapped({"taskId": "T1"}),
        wrapped({"task_id": "T1"}),
        wrapped({"taskId": "T1"}, code="200"),
        {**wrapped({"taskId": "T1"}), "taskId": "other"},
    ],
)
def test_submission_accepted(body: Any) -> None:
    assert GATEWAY.read_submission(Kind.MUSIC, reply(body)) == Accepted("T1")


CODES = [
    (400, ErrorCode.INVALID_REQUEST, False),
    (401, ErrorCode.AUTHENTICATION, False),
    (405, ErrorCode.RATE_LIMITED, True),
    (413, ErrorCode.INVALID_REQUEST, False),
    (429, ErrorCode.QUOTA, False),
    (430, ErrorCode.RATE_LIMITED, True),
    (455, ErrorCode.MAINTENANCE, True),
]


@pytest.mark.parametrize(("code", "ours", "again"), CODES)
@pytest.mark.parametrize("http", [200, None])
def test_submission_refused(code: int, ours: ErrorCode, http: int | None, *, again: bool) -> None:
    got = GATEWAY.read_submission(Kind.MUSIC, reply({"code": code, "msg": "no", "data": None}, http or code))
    assert isinstance(got, Refused)
    assert (got.fault.code, got.may_retry, got.fault.gateway_code) == (ours, again, str(code))
    assert got.fault.retryable == again


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"code": 500, "msg": "server", "data": None}, 200),
        ({"code": 500, "msg": "server", "data": None}, 429),
        ({"code": 999, "msg": "new", "data": None}, 200),
        (wrapped(None), 200),
        (wrapped({"taskId": ""}), 200),
        (wrapped({"taskId": "T1"}), 503),
        (wrapped({"taskId": "T1"}, code=429), 200),
        ({"msg": "no"}, 404),
        (b"<html></html>", 200),
        (b"", 500),
    ],
)
def test_submission_ambiguous(body: Any, status: int) -> None:
    assert isinstance(GATEWAY.read_submission(Kind.MUSIC, reply(body, status)), Ambiguous)


SHAPES: list[Callable[[Any, Any], Any]] = [
    lambda status, songs: wrapped(record(status, songs)),
    record,
    lambda status, songs: {"task_id": "T1", "status": status, "response": {"task_id": "T1", "suno_data": songs}},
    lambda status, songs: wrapped({"task_id": "T1", "status": status, "response": {"data": songs}}),
    lambda status, songs: {"task_id": "T1", "status": status, "data": songs},
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("song", [CAMEL, SNAKE])
def test_success_in_every_shape(shape: Callable[[Any, Any], Any], song: Any) -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(shape("SUCCESS", [song, {**song, "id": "8551-b"}])))
    assert isinstance(got, TaskReport)
    assert got.status is TaskStatus.SUCCEEDED
    assert [(each.track_id, audio_of(each), each.title, each.duration_seconds) for each in got.tracks] == [
        ("8551-a", "https://cdn.anyint.example/a.mp3", "Kettle Song", 198.44),
        ("8551-b", "https://cdn.anyint.example/a.mp3", "Kettle Song", 198.44),
    ]


@pytest.mark.parametrize(
    ("word", "status", "audio"),
    [("PENDING", "pending", 0), ("TEXT_SUCCESS", "text_ready", 0), ("FIRST_SUCCESS", "first_ready", 1), ("NEW", "pending", 0)],
)
def test_stages(word: str, status: str, audio: int) -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(wrapped(record(word, [CAMEL, PREVIEW]))))
    assert isinstance(got, TaskReport)
    assert got.status == status
    assert [each.track_id for each in got.tracks] == ["8551-a", "8551-b"]
    assert sum(audio_of(each) is not None for each in got.tracks) == audio
    assert got.unknown_statuses == (("NEW",) if word == "NEW" else ())


def test_a_task_without_a_response_is_pending() -> None:
    body = wrapped({**record("PENDING", None), "response": None})
    assert GATEWAY.read_status(Kind.MUSIC, reply(body)) == TaskReport(TaskStatus.PENDING)


@pytest.mark.parametrize("songs", [[], None, [NO_FILE], [{**NO_FILE, "audioUrl": "https://x.example/api/forbidden"}]])
def test_previews_are_not_audio(songs: Any) -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(wrapped(record("SUCCESS", songs))))
    assert isinstance(got, TaskReport)
    assert got.fault is not None
    assert (got.status, got.fault.code) == (TaskStatus.FAILED, ErrorCode.NO_AUDIO)


@pytest.mark.parametrize(
    ("word", "code", "retryable"),
    [
        ("CREATE_TASK_FAILED", ErrorCode.GENERATION_FAILED, True),
        ("GENERATE_AUDIO_FAILED", ErrorCode.GENERATION_FAILED, True),
        ("SENSITIVE_WORD_ERROR", ErrorCode.CONTENT_REJECTED, False),
    ],
)
def test_failures_keep_the_first_track(word: str, code: ErrorCode, *, retryable: bool) -> None:
    body = wrapped(record(word, [CAMEL, PREVIEW], errorCode=531, errorMessage="the singer lost her voice"))
    got = GATEWAY.read_status(Kind.MUSIC, reply(body))
    assert isinstance(got, TaskReport)
    assert got.status is TaskStatus.FAILED
    assert got.fault is not None
    assert (got.fault.code, got.fault.retryable, got.fault.gateway_code) == (code, retryable, "531")
    assert got.fault.message == "the singer lost her voice"
    assert [audio_of(each) is not None for each in got.tracks] == [True, False]


def test_a_callback_exception_is_a_success_if_there_is_audio_and_otherwise_says_nothing() -> None:
    good = GATEWAY.read_status(Kind.MUSIC, reply(wrapped(record("CALLBACK_EXCEPTION", [CAMEL, PREVIEW]))))
    assert isinstance(good, TaskReport)
    assert good.status is TaskStatus.SUCCEEDED
    unknown = GATEWAY.read_status(Kind.MUSIC, reply(wrapped(record("CALLBACK_EXCEPTION", [PREVIEW]))))
    assert isinstance(unknown, TaskReport)
    assert (unknown.status, unknown.fault, unknown.unknown_statuses) == (TaskStatus.PENDING, None, ())


@pytest.mark.parametrize(("code", "ours", "_again"), [*CODES, (500, ErrorCode.GATEWAY_ERROR, False)])
def test_refused_status_query(code: int, ours: ErrorCode, *, _again: bool) -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply({"code": code, "msg": "no", "data": None}))
    assert isinstance(got, ReadFailed)
    assert got.fault.code is ours


@pytest.mark.parametrize("body", [wrapped(None), wrapped({"taskId": "T1"}), {}, b"[1]", b"oops", wrapped(record(None, []))])
def test_unreadable_status_reply(body: Any) -> None:
    assert isinstance(GATEWAY.read_status(Kind.MUSIC, reply(body)), ReadFailed)


@pytest.mark.parametrize("stage", ["text", "first", "complete", "error"])
def test_callback_names_its_task(stage: str) -> None:
    flat = {"callbackType": stage, "task_id": "T1", "data": [SNAKE]}
    failed = {"code": 501, "msg": "failed", "data": {**flat, "data": None}}
    shaped = {"code": 200, "data": {"taskId": "T1", "status": "SUCCESS", "response": {"sunoData": [CAMEL]}}}
    for body in (flat, wrapped(flat), failed, shaped, {"taskId": "T1"}):
        assert GATEWAY.read_callback(json.dumps(body).encode()) == "T1"


def test_length_limits(described: MusicInput, with_lyrics: MusicInput) -> None:
    assert GATEWAY.check(Kind.MUSIC, described) == ()
    assert GATEWAY.check(Kind.MUSIC, with_lyrics) == ()
    assert [field for field, _ in GATEWAY.check(Kind.MUSIC, MusicInput(lyrics="la"))] == ["style", "title"]
    old = MusicInput(lyrics="x" * 3001, style="x" * 201, title="x" * 80, model="v4")
    assert [field for field, _ in GATEWAY.check(Kind.MUSIC, old)] == ["lyrics", "style"]
    assert GATEWAY.check(Kind.MUSIC, old.model_copy(update={"model": None})) == ()
    (problem,) = GATEWAY.check(Kind.MUSIC, MusicInput(prompt="x" * 400, style="y" * 100))
    assert problem == (
        "prompt",
        "has 508 characters combined with the other fields that describe the song; this gateway allows 500",
    )
