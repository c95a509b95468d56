"""TTAPI's documented payloads, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.catalog.inputs import MusicInput
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.adapters.ttapi import TTAPI
from suno_jobs.gateways.protocol import Accepted, Ambiguous, ReadFailed, Refused, TaskReport, TaskStatus
from tests.unit.gateways.conformance import audio_of, reply

GATEWAY = TTAPI()
HOOK = "https://jobs.example/v1/callbacks/ttapi/j1/mac"

SONGS: list[dict[str, Any]] = [
    {
        "musicId": "m-1",
        "prompt": "[Verse]\nThe kettle sings at six",
        "title": "Kettle Song",
        "tags": "folk waltz",
        "imageUrl": "https://cdn.ttapi.example/m-1.png",
        "imageLargeUrl": "https://cdn.ttapi.example/m-1-large.png",
        "audioUrl": "https://cdn.ttapi.example/m-1.mp3",
        "videoUrl": "https://cdn.ttapi.example/m-1.mp4",
        "duration": "211.44",
        "negativeTags": "",
        "styleWeight": "0.5",
        "createdAt": "2026-04-13T08:00:00Z",
    },
    {"musicId": "m-2", "audioUrl": "https://cdn.ttapi.example/m-2.mp3", "title": "Kettle Song", "duration": 198.2},
]


def fetched(status: str, musics: Any, **more: Any) -> dict[str, Any]:
    data = {"jobId": "J1", "action": "music", "progress": "100%", "mv": "chirp-v5", "quota": "6", "hookUrl": HOOK}
    return {"status": status, "message": "success", "jobId": "J1", "data": {**data, "musics": musics}, **more}


def test_request_in_inspiration_mode(described: MusicInput) -> None:
    request = GATEWAY.request(Kind.MUSIC, described, sources=(), callback_url=HOOK)
    assert (request.method, request.path, request.params) == ("POST", "/suno/v1/music", {})
    assert request.json == {
        "custom": False,
        "instrumental": False,
        "mv": "chirp-v6",
        "gpt_description_prompt": "A lighthouse hums to passing ships\nStyle: sea shanty, accordion\n"
        "Title: Lamp Keeper\nAvoid: autotune",
        "vocal_gender": "Female",
        "isStorage": True,
        "hookUrl": HOOK,
    }


def test_request_in_custom_mode(with_lyrics: MusicInput) -> None:
    assert GATEWAY.request(Kind.MUSIC, with_lyrics, sources=(), callback_url=HOOK).json == {
        "custom": True,
        "instrumental": False,
        "mv": "chirp-v4-5+",
        "prompt": "[Verse]\nThe kettle sings at six",
        "title": "Kettle Song",
        "tags": "folk waltz",
        "negative_tags": "drums",
        "vocal_gender": "Male",
        "isStorage": True,
        "hookUrl": HOOK,
    }


def test_request_omits_fields_that_were_not_given() -> None:
    request = GATEWAY.request(Kind.MUSIC, MusicInput(prompt="rain", instrumental=True), sources=(), callback_url=HOOK)
    assert request.json == {
        "custom": False,
        "instrumental": True,
        "mv": "chirp-v6",
        "gpt_description_prompt": "rain",
        "isStorage": True,
        "hookUrl": HOOK,
    }


@pytest.mark.parametrize(
    ("model", "theirs"),
    [
        ("v3.5", "chirp-v3-5"),
        ("v4", "chirp-v4"),
        ("v4.5", "chirp-v4-5"),
        ("v4.5plus", "chirp-v4-5+"),
        ("v4.5all", "chirp-v4-5-all"),
        ("v5", "chirp-v5"),
        ("v5.5", "chirp-v5-5"),
        ("v6", "chirp-v6"),
        ("v6-wild", "chirp-v6-wild"),
        ("v6-mini", "chirp-v6-mini"),
        ("chirp-v7", "chirp-v7"),
    ],
)
def test_model_names(model: str, theirs: str) -> None:
    body = GATEWAY.request(Kind.MUSIC, MusicInput(prompt="rain", model=model), sources=(), callback_url=HOOK).json
    assert body is not None
    assert body["mv"] == theirs


def test_status_request_and_key() -> None:
    request = GATEWAY.status_request(Kind.MUSIC, "J1")
    assert (request.method, request.path, request.params, request.json) == ("GET", "/suno/v2/fetch", {"jobId": "J1"}, None)
    assert GATEWAY.authorization("k") == {"TT-API-KEY": "k"}


@pytest.mark.parametrize("body", [{"data": {"jobId": "J1"}}, {"data": {"job_id": "J1"}}, {"jobId": "J1", "data": None}])
def test_submission_accepted(body: dict[str, Any]) -> None:
    assert GATEWAY.read_submission(Kind.MUSIC, reply({"status": "SUCCESS", "message": "success", **body})) == Accepted("J1")


@pytest.mark.parametrize(
    ("status", "code", "again"),
    [
        (400, ErrorCode.INVALID_REQUEST, False),
        (401, ErrorCode.AUTHENTICATION, False),
        (402, ErrorCode.QUOTA, False),
        (403, ErrorCode.AUTHENTICATION, False),
        (404, ErrorCode.NOT_FOUND, False),
        (429, ErrorCode.RATE_LIMITED, True),
        (499, ErrorCode.RATE_LIMITED, True),
        (200, ErrorCode.INVALID_REQUEST, False),
        (422, ErrorCode.INVALID_REQUEST, False),
    ],
)
def test_submission_refused(status: int, code: ErrorCode, *, again: bool) -> None:
    got = GATEWAY.read_submission(Kind.MUSIC, reply({"status": "FAILED", "message": "Parameter error", "data": None}, status))
    assert isinstance(got, Refused)
    assert (got.fault.code, got.may_retry, got.fault.message) == (code, again, "Parameter error")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"status": "FAILED", "message": "server error", "data": None}, 500),
        ({"status": "FAILED", "message": "timeout", "data": None}, 504),
        ({"status": "FAILED", "message": "timeout", "data": None}, 408),
        ({"status": "SUCCESS", "message": "success", "data": {"jobId": ""}}, 200),
        ({"status": "SUCCESS", "message": "success", "data": None}, 200),
        ({"status": "FAILED", "message": "odd", "data": {"jobId": "J1"}}, 200),
        ({"status": "SUCCESS", "data": {"jobId": "J1"}}, 502),
        (b"<html>Bad gateway</html>", 502),
        (b"<html>Hello</html>", 200),
        (b"", 200),
        (b'{"status":"SUCCESS","data":{"jobId":"J', 200),
        ({"message": "teapot"}, 418),
    ],
)
def test_submission_ambiguous(body: Any, status: int) -> None:
    got = GATEWAY.read_submission(Kind.MUSIC, reply(body, status))
    assert isinstance(got, Ambiguous)
    assert got.fault.code is ErrorCode.AMBIGUOUS


def test_http_429_without_json_is_still_a_refusal() -> None:
    got = GATEWAY.read_submission(Kind.MUSIC, reply(b"<html>slow down</html>", 429, retry_after="7"))
    assert isinstance(got, Refused)
    assert (got.fault.code, got.may_retry, got.retry_after_seconds) == (ErrorCode.RATE_LIMITED, True, 7.0)


@pytest.mark.parametrize("word", ["PENDING_QUEUE", "ON_QUEUE"])
@pytest.mark.parametrize("data", [{"progress": "40%", "musics": None}, {"progress": "100"}, {"progress": 100}])
def test_running(word: str, data: dict[str, Any]) -> None:
    body = {"status": word, "message": None, "jobId": "J1", "data": {"jobId": "J1", "action": "music", **data}}
    assert GATEWAY.read_status(Kind.MUSIC, reply(body)) == TaskReport(TaskStatus.PENDING)


def test_unknown_word_is_still_running() -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(fetched("PAUSED", None)))
    assert got == TaskReport(TaskStatus.PENDING, unknown_statuses=("PAUSED",))


def test_success() -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(fetched("SUCCESS", SONGS)))
    assert isinstance(got, TaskReport)
    assert (got.status, got.fault) == (TaskStatus.SUCCEEDED, None)
    assert [(each.track_id, audio_of(each), each.title, each.duration_seconds) for each in got.tracks] == [
        ("m-1", "https://cdn.ttapi.example/m-1.mp3", "Kettle Song", 211.44),
        ("m-2", "https://cdn.ttapi.example/m-2.mp3", "Kettle Song", 198.2),
    ]


def test_success_of_one_track() -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(fetched("SUCCESS", [SONGS[0], {**SONGS[1], "audioUrl": None}])))
    assert isinstance(got, TaskReport)
    assert got.status is TaskStatus.SUCCEEDED
    assert got.tracks[1].fault is not None
    assert got.tracks[1].fault.code is ErrorCode.NO_AUDIO


@pytest.mark.parametrize(
    "musics", [None, [], [{"musicId": "m-1", "audioUrl": ""}], [{"audioUrl": "https://x.example/None.mp3"}]]
)
def test_success_without_audio_is_a_failure(musics: Any) -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(fetched("SUCCESS", musics)))
    assert isinstance(got, TaskReport)
    assert got.status is TaskStatus.FAILED
    assert got.fault is not None
    assert got.fault.code is ErrorCode.NO_AUDIO


def test_failure_keeps_good_tracks() -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(fetched("FAILED", [SONGS[0], {"musicId": "m-2"}], message="upstream error")))
    assert isinstance(got, TaskReport)
    assert got.status is TaskStatus.FAILED
    assert got.fault is not None
    assert (got.fault.code, got.fault.message) == (ErrorCode.GENERATION_FAILED, "upstream error")
    assert [(audio_of(each) is not None, each.fault is None) for each in got.tracks] == [(True, True), (False, False)]


@pytest.mark.parametrize("data", [{"failReason": "banned word"}, {"message": "banned word"}])
def test_the_reason_inside_data_is_read(data: dict[str, Any]) -> None:
    body = {"status": "FAILED", "jobId": "J1", "message": None, "data": {"jobId": "J1", "musics": None, **data}}
    got = GATEWAY.read_status(Kind.MUSIC, reply(body))
    assert isinstance(got, TaskReport)
    assert got.fault is not None
    assert got.fault.message == "banned word"


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "invalid_request"), (401, "authentication"), (404, "not_found"), (429, "rate_limited"), (500, "gateway_error")],
)
def test_a_refused_query_reveals_nothing_about_the_task(status: int, code: str) -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply({"status": "FAILED", "message": "no", "data": None}, status, retry_after="4"))
    assert isinstance(got, ReadFailed)
    assert (got.fault.code, got.retry_after_seconds) == (code, 4.0)


@pytest.mark.parametrize("body", [{"status": "FAILED", "message": "x", "data": None}, {}, {"data": {"jobId": "J1"}}, b"[]"])
def test_unreadable_status_reply(body: Any) -> None:
    assert isinstance(GATEWAY.read_status(Kind.MUSIC, reply(body)), ReadFailed)


@pytest.mark.parametrize("body", [b'{"jobId":"J1"}', b'{"data":{"jobId":"J1"}}', b'{"status":"FAILED","data":{"job_id":"J1"}}'])
def test_callback_names_its_task(body: bytes) -> None:
    assert GATEWAY.read_callback(body) == "J1"


@pytest.mark.parametrize("body", [b"", b"null", b'{"jobId":[]}', b'{"jobId":"  "}', b'{"jobId":"' + b"x" * 201 + b'"}'])
def test_callback_without_a_task(body: bytes) -> None:
    assert GATEWAY.read_callback(body) is None


def test_length_limits(described: MusicInput) -> None:
    assert GATEWAY.check(Kind.MUSIC, described) == ()
    long = MusicInput(lyrics="x" * 5001, style="x" * 1001, title="x" * 81, negative_style="x" * 201)
    assert [field for field, _ in GATEWAY.check(Kind.MUSIC, long)] == ["lyrics", "style", "title", "negative_style"]
    styled = MusicInput(lyrics="x", style="x" * 201)
    assert GATEWAY.check(Kind.MUSIC, styled) == ()
    assert [field for field, _ in GATEWAY.check(Kind.MUSIC, styled.model_copy(update={"model": "v4"}))] == ["style"]
    assert [field for field, _ in GATEWAY.check(Kind.MUSIC, MusicInput(prompt="x" * 490, title="Lamp Keeper"))] == ["prompt"]
    assert [field for field, _ in GATEWAY.check(Kind.MUSIC, MusicInput(prompt="x" * 501, title="Lamp Keeper"))] == ["prompt"]
