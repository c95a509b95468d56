"""crun.ai's documented payloads, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.catalog.inputs import MusicInput
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.adapters.crun import Crun
from suno_jobs.gateways.protocol import Accepted, Ambiguous, Rate, ReadFailed, Refused, TaskReport, TaskStatus
from tests.unit.gateways.conformance import audio_of, reply
from tests.unit.gateways.crun_samples import TASK, done, info

GATEWAY = Crun()
HOOK = "https://jobs.example/v1/callbacks/crun/j1/mac"

SONG = {
    "suno_id": "s-1",
    "title": "Kettle Song",
    "prompt": "[Verse]\nThe kettle sings at six",
    "tags": "folk waltz",
    "suno_audio_url": "https://suno.example/s-1.mp3",
    "suno_image_url": "https://suno.example/s-1.png",
    "suno_image_large_url": "https://suno.example/s-1-large.png",
    "suno_model_name": "chirp-crow",
    "duration": 182.1,
    "created_at": 1768900400,
}


def test_request_in_simple_mode_adds_fields_without_a_counterpart_to_the_prompt(described: MusicInput) -> None:
    request = GATEWAY.request(Kind.MUSIC, described, sources=(), callback_url=HOOK)
    assert (request.method, request.path) == ("POST", "/api/v1/client/job/CreateTask")
    assert request.json == {
        "model": "suno/music-generate",
        "callback_url": HOOK,
        "input": {
            "mode": "simple",
            "model": "v5.5",
            "instrumental": False,
            "prompt": "A lighthouse hums to passing ships\nStyle: sea shanty, accordion\nTitle: Lamp Keeper",
            "negative_tags": "autotune",
            "vocal_gender": "f",
        },
    }


def test_request_in_custom_mode(with_lyrics: MusicInput) -> None:
    body = GATEWAY.request(Kind.MUSIC, with_lyrics, sources=(), callback_url=HOOK).json
    assert body is not None
    assert body["input"] == {
        "mode": "custom",
        "model": "v4.5plus",
        "instrumental": False,
        "title": "Kettle Song",
        "tags": "folk waltz",
        "lyrics": "[Verse]\nThe kettle sings at six",
        "negative_tags": "drums",
        "vocal_gender": "m",
    }


@pytest.mark.parametrize("model", ["v3.5", "v4", "v4.5", "v4.5plus", "v4.5all", "v5", "v5.5", "v9"])
def test_our_model_names_are_those_of_crun(model: str) -> None:
    body = GATEWAY.request(Kind.MUSIC, MusicInput(prompt="rain", model=model), sources=(), callback_url=HOOK).json
    assert body is not None
    assert body["input"]["model"] == model


def test_status_request_key_and_rate() -> None:
    request = GATEWAY.status_request(Kind.MUSIC, TASK)
    assert (request.method, request.path, request.params) == ("GET", "/api/v1/client/job/TaskInfo", {"task_id": TASK})
    assert GATEWAY.authorization("ak_1") == {"x-api-key": "ak_1"}
    assert GATEWAY.rate == Rate(15, 1.0)


def test_submission_accepted() -> None:
    assert GATEWAY.read_submission(
        Kind.MUSIC, reply({"code": 200, "message": "success", "data": {"task_id": TASK}})
    ) == Accepted(TASK)


@pytest.mark.parametrize(
    ("code", "ours", "again"),
    [
        (401, ErrorCode.AUTHENTICATION, False),
        (402, ErrorCode.QUOTA, False),
        (422, ErrorCode.INVALID_REQUEST, False),
        (429, ErrorCode.RATE_LIMITED, True),
        (455, ErrorCode.MAINTENANCE, True),
        (505, ErrorCode.INVALID_REQUEST, False),
    ],
)
def test_submission_refused_by_body_or_by_http(code: int, ours: ErrorCode, *, again: bool) -> None:
    body = {"code": code, "message": "no", "data": None}
    for answer in (reply(body), reply(body, code), reply(b"<html>", code), reply({"code": 200, "data": None}, code)):
        got = GATEWAY.read_submission(Kind.MUSIC, answer)
        assert isinstance(got, Refused)
        assert (got.fault.code, got.may_retry) == (ours, again)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"code": 404, "message": "no", "data": None}, 200),
        ({"code": 500, "message": "no", "data": None}, 200),
        ({"code": 501, "message": "no", "data": None}, 200),
        ({"code": 500, "message": "no", "data": None}, 500),
        ({"code": 777, "message": "no", "data": None}, 200),
        ({"code": 200, "message": "success", "data": None}, 200),
        ({"code": 200, "message": "success", "data": {"task_id": TASK}}, 500),
        ({"code": 429, "message": "no", "data": {"task_id": TASK}}, 200),
        ({"data": {"task_id": TASK}}, 200),
        (b"<html></html>", 502),
        (b"", 200),
    ],
)
def test_submission_ambiguous(body: Any, status: int) -> None:
    assert isinstance(GATEWAY.read_submission(Kind.MUSIC, reply(body, status)), Ambiguous)


@pytest.mark.parametrize("word", ["pending", "running"])
def test_running(word: str) -> None:
    assert GATEWAY.read_status(Kind.MUSIC, reply(info(word, None))) == TaskReport(TaskStatus.PENDING)


def test_unknown_word_is_still_running() -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(info("archived", {"media_urls": ["https://crun.example/a.mp3"]})))
    assert isinstance(got, TaskReport)
    assert (got.status, got.unknown_statuses) == (TaskStatus.PENDING, ("archived",))
    assert [audio_of(each) for each in got.tracks] == [None]


def test_success() -> None:
    second = {**SONG, "suno_id": "s-2", "suno_audio_url": "https://suno.example/s-2.mp3", "duration": "180"}
    urls = ["https://crun.example/a.mp3", "https://crun.example/b.mp3"]
    got = GATEWAY.read_status(Kind.MUSIC, reply(done(media_urls=urls, suno_data=[SONG, second])))
    assert isinstance(got, TaskReport)
    assert got.status is TaskStatus.SUCCEEDED
    assert [(each.track_id, audio_of(each), each.title, each.duration_seconds) for each in got.tracks] == [
        ("s-1", "https://suno.example/s-1.mp3", "Kettle Song", 182.1),
        ("s-2", "https://suno.example/s-2.mp3", "Kettle Song", 180.0),
    ]


@pytest.mark.parametrize(
    ("fields", "audio"),
    [
        ({"media_urls": ["https://crun.example/a.mp3", "https://crun.example/b.mp3"]}, ["a.mp3", "b.mp3"]),
        ({"media_urls": ["", "https://crun.example/b.mp3"], "suno_data": []}, [None, "b.mp3"]),
        ({"media_url": "https://crun.example/a.mp3"}, ["a.mp3"]),
        ({"media_url": ["https://crun.example/a.mp3"], "media_urls": None}, ["a.mp3"]),
        ({"media_urls": ["https://crun.example/c.mp3"], "suno_data": [{**SONG, "suno_audio_url": None}]}, ["c.mp3"]),
        ({"media_urls": ["https://crun.example/c.mp3"], "suno_data": [SONG]}, ["s-1.mp3"]),
        ({"media_urls": ["https://crun.example/c.mp3"], "suno_data": [SONG, {"suno_id": "s-2"}]}, ["s-1.mp3", None]),
    ],
)
def test_media_urls_replace_missing_audio_urls(fields: Any, audio: list[str | None]) -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(done(**fields)))
    assert isinstance(got, TaskReport)
    assert got.status is TaskStatus.SUCCEEDED
    assert [url and url.rsplit("/", 1)[1] for url in map(audio_of, got.tracks)] == audio


@pytest.mark.parametrize(
    "result", [None, {}, {"suno_data": [{"suno_id": "s-1"}]}, {"media_urls": [None, "None"], "suno_data": 7}]
)
def test_success_without_audio_is_a_failure(result: Any) -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(info("success", result)))
    assert isinstance(got, TaskReport)
    assert got.fault is not None
    assert (got.status, got.fault.code) == (TaskStatus.FAILED, ErrorCode.NO_AUDIO)


def test_the_status_takes_precedence_over_the_code_of_the_result() -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(done(suno_data=[SONG], code=501)))
    assert isinstance(got, TaskReport)
    assert got.status is TaskStatus.SUCCEEDED


@pytest.mark.parametrize(
    "body",
    [
        info("failed", {"code": 501, "message": "the band broke up"}),
        {"code": 501, "message": "the band broke up", "data": None},
    ],
)
def test_failed(body: Any) -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(body))
    assert isinstance(got, TaskReport)
    assert got.fault is not None
    assert (got.status, got.fault.code) == (TaskStatus.FAILED, ErrorCode.GENERATION_FAILED)
    assert (got.fault.gateway_code, got.fault.message) == ("501", "the band broke up")


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        (401, ErrorCode.AUTHENTICATION),
        (402, ErrorCode.QUOTA),
        (404, ErrorCode.NOT_FOUND),
        (422, ErrorCode.INVALID_REQUEST),
        (429, ErrorCode.RATE_LIMITED),
        (455, ErrorCode.MAINTENANCE),
        (500, ErrorCode.GATEWAY_ERROR),
        (505, ErrorCode.INVALID_REQUEST),
        (777, ErrorCode.GATEWAY_ERROR),
    ],
)
def test_refused_status_query(code: int, ours: ErrorCode) -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply({"code": code, "message": "task_id not found", "data": None}, retry_after="30"))
    assert isinstance(got, ReadFailed)
    assert (got.fault.code, got.retry_after_seconds) == (ours, 30.0)


@pytest.mark.parametrize(
    "answer", [(b"<html>", 501), (info("failed", None), 502), (info(None, None), 200), ({"code": 200, "data": None}, 200)]
)
def test_unreadable_status_reply(answer: tuple[Any, int]) -> None:
    assert isinstance(GATEWAY.read_status(Kind.MUSIC, reply(*answer)), ReadFailed)


def test_callback_names_its_task() -> None:
    assert GATEWAY.read_callback(b'{"code":200,"data":{"task_id":"T1","status":"success"}}') == "T1"
    assert GATEWAY.read_callback(b'{"task_id":"T1"}') == "T1"
    assert GATEWAY.read_callback(b'{"id":"T1"}') is None


def test_length_limits(described: MusicInput) -> None:
    assert GATEWAY.check(Kind.MUSIC, described) == ()
    long = MusicInput(lyrics="x" * 5001, style="x" * 1001, title="x" * 101)
    assert [field for field, _ in GATEWAY.check(Kind.MUSIC, long)] == ["lyrics", "style", "title"]
    assert [field for field, _ in GATEWAY.check(Kind.MUSIC, MusicInput(prompt="x" * 450, style="y" * 50))] == ["prompt"]
