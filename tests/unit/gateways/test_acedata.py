"""Ace Data Cloud's documented payloads, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.catalog.inputs import MusicInput
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.adapters.acedata import AceData
from suno_jobs.gateways.protocol import Accepted, Ambiguous, ReadFailed, Refused, TaskReport, TaskStatus
from tests.unit.gateways.acedata_samples import FINISHED, TASK, TRACE, task
from tests.unit.gateways.conformance import audio_of, reply

GATEWAY = AceData()
HOOK = "https://jobs.example/v1/callbacks/acedata/j1/mac"


def song(name: str, state: str | None = "succeeded", **fields: Any) -> dict[str, Any]:
    described = {
        "id": name,
        "title": "Kettle Song",
        "image_url": f"https://cdn.example/{name}.jpeg",
        "lyric": "[Verse]\nThe kettle sings at six",
        "audio_url": f"https://cdn.example/{name}.mp3",
        "video_url": f"https://cdn.example/{name}.mp4",
        "created_at": "2024-08-31T05:44:54.806Z",
        "model": "chirp-v5",
        "prompt": "A kettle that sings",
        "style": "folk waltz",
        "duration": 154.44,
    }
    return described | ({} if state is None else {"state": state}) | fields


def result(*songs: Any) -> dict[str, Any]:
    return {"success": True, "task_id": TASK, "data": list(songs)}


def test_request_in_inspiration_mode(described: MusicInput) -> None:
    request = GATEWAY.request(Kind.MUSIC, described, sources=(), callback_url=HOOK)
    assert (request.method, request.path) == ("POST", "/suno/audios")
    assert request.json == {
        "action": "generate",
        "custom": False,
        "instrumental": False,
        "model": "chirp-v6",
        "prompt": "A lighthouse hums to passing ships\nStyle: sea shanty, accordion\nTitle: Lamp Keeper\nAvoid: autotune",
        "vocal_gender": "f",
        "callback_url": HOOK,
        "async": True,
    }


def test_request_in_custom_mode(with_lyrics: MusicInput) -> None:
    assert GATEWAY.request(Kind.MUSIC, with_lyrics, sources=(), callback_url=HOOK).json == {
        "action": "generate",
        "custom": True,
        "instrumental": False,
        "model": "chirp-v4-5-plus",
        "lyric": "[Verse]\nThe kettle sings at six",
        "title": "Kettle Song",
        "style": "folk waltz",
        "negative_tags": "drums",
        "vocal_gender": "m",
        "callback_url": HOOK,
        "async": True,
    }


@pytest.mark.parametrize(
    ("model", "theirs"),
    [
        (None, "chirp-v6"),
        ("v6-mini", "chirp-v6-mini"),
        ("v3.5", "chirp-v3-5"),
        ("v4", "chirp-v4"),
        ("v4.5", "chirp-v4-5"),
        ("v4.5all", "chirp-v4-5-all"),
        ("v5", "chirp-v5"),
        ("v5.5", "chirp-v5-5"),
        ("chirp-v6", "chirp-v6"),
    ],
)
def test_model_names(model: str | None, theirs: str) -> None:
    body = GATEWAY.request(Kind.MUSIC, MusicInput(prompt="rain", model=model), sources=(), callback_url=HOOK).json
    assert body is not None
    assert body["model"] == theirs


def test_status_request_and_key() -> None:
    request = GATEWAY.status_request(Kind.MUSIC, TASK)
    assert (request.method, request.path, request.json) == ("POST", "/suno/tasks", {"id": TASK, "action": "retrieve"})
    assert GATEWAY.authorization("k") == {"authorization": "Bearer k"}


@pytest.mark.parametrize(
    "body",
    [
        {"success": True, "task_id": TASK, "trace_id": TRACE},
        {"task_id": TASK},
        {**result(song("a"), song("b")), "trace_id": TRACE},
    ],
)
def test_submission_accepted(body: Any) -> None:
    assert GATEWAY.read_submission(Kind.MUSIC, reply(body)) == Accepted(TASK)


REFUSALS = [
    (400, "bad_request", ErrorCode.INVALID_REQUEST, False),
    (400, "api_not_implemented", ErrorCode.INVALID_REQUEST, False),
    (400, "disabled", ErrorCode.INVALID_REQUEST, False),
    (400, "no_token", ErrorCode.AUTHENTICATION, False),
    (400, "token_mismatched", ErrorCode.AUTHENTICATION, False),
    (401, "token_mismatched", ErrorCode.AUTHENTICATION, False),
    (401, "invalid_token", ErrorCode.AUTHENTICATION, False),
    (401, "token_expired", ErrorCode.AUTHENTICATION, False),
    (403, "used_up", ErrorCode.QUOTA, False),
    (403, "forbidden", ErrorCode.CONTENT_REJECTED, False),
    (404, "no_api", ErrorCode.NOT_FOUND, False),
    (429, "too_many_requests", ErrorCode.RATE_LIMITED, True),
    (500, "busy", ErrorCode.RATE_LIMITED, True),
    (500, "suno_processing_unavailable", ErrorCode.MAINTENANCE, True),
    (500, "suno_model_unavailable", ErrorCode.MAINTENANCE, True),
    (400, None, ErrorCode.INVALID_REQUEST, False),
    (429, "a_new_word", ErrorCode.RATE_LIMITED, True),
]


@pytest.mark.parametrize(("status", "word", "ours", "again"), REFUSALS)
@pytest.mark.parametrize("success", [{"success": False}, {}])
def test_submission_refused(status: int, word: str | None, ours: ErrorCode, success: dict[str, bool], *, again: bool) -> None:
    body = {**success, "error": {"code": word, "message": "fetch failed"}, "trace_id": TRACE}
    got = GATEWAY.read_submission(Kind.MUSIC, reply(body, status))
    assert isinstance(got, Refused)
    assert (got.fault.code, got.may_retry, got.fault.message, got.fault.trace_id) == (ours, again, "fetch failed", TRACE)
    assert got.fault.gateway_code == (word or str(status))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"success": False, "error": {"code": "api_error", "message": "no available worker"}}, 500),
        ({"success": False, "error": {"code": "api_error", "message": "no available worker"}}, 200),
        ({"success": False, "error": {"code": "suno_processing_failed", "message": "x"}}, 500),
        ({"success": False, "error": {"code": "availability_unknown", "message": "x"}}, 503),
        ({"success": False, "error": {"code": "a_new_word", "message": "x"}}, 500),
        ({"success": False, "error": "fetch failed"}, 200),
        ({"success": False, "task_id": TASK, "error": {"code": "bad_request", "message": "x"}}, 400),
        ({"success": True, "trace_id": TRACE}, 200),
        ({"success": True, "task_id": None}, 200),
        ({"task_id": TASK}, 504),
        (b"<html>Gateway timeout</html>", 504),
        (b"", 200),
    ],
)
def test_submission_ambiguous(body: Any, status: int) -> None:
    assert isinstance(GATEWAY.read_submission(Kind.MUSIC, reply(body, status)), Ambiguous)


@pytest.mark.parametrize(
    "body",
    [
        task(result(song("a", duration=154.44), song("b", duration="147.16")), **FINISHED),
        task(result(song("a", duration=154.44), song("b", duration="147.16"))),
        task(result(song("a", None, duration=154.44), song("b", None, duration="147.16")), **FINISHED),
        # The published example: neither finished_at nor state.
        task(result(song("a", None, duration=154.44), song("b", None, duration="147.16"))),
    ],
)
def test_success(body: Any) -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(body))
    assert isinstance(got, TaskReport)
    assert (got.status, got.fault) == (TaskStatus.SUCCEEDED, None)
    assert [(each.track_id, audio_of(each), each.title, each.duration_seconds) for each in got.tracks] == [
        ("a", "https://cdn.example/a.mp3", "Kettle Song", 154.44),
        ("b", "https://cdn.example/b.mp3", "Kettle Song", 147.16),
    ]


@pytest.mark.parametrize("body", [task(result(song("a"))), task(result(song("a", None)), **FINISHED)])
def test_success_of_a_single_song(body: Any) -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(body))
    assert isinstance(got, TaskReport)
    assert got.status is TaskStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("body", "status", "audio"),
    [
        (task(None), "pending", []),
        ({key: value for key, value in task(None).items() if key != "response"}, "pending", []),
        (task(None, **FINISHED), "pending", []),
        (task({"success": True, "task_id": TASK}), "pending", []),
        (task(result()), "pending", []),
        (task(result(song("a", None))), "pending", [False]),
        (task(result(song("a", "running"), song("b", "pending"))), "pending", [False, False]),
        (task(result(song("a"), song("b", "running"))), "first_ready", [True, False]),
        (task(result(song("a"), song("b", "running")), **FINISHED), "first_ready", [True, False]),
        (task(result(song("a"), song("b", None, audio_url=""))), "first_ready", [True, False]),
        (task(result(song("a", None), song("b", None, audio_url=""))), "pending", [False, False]),
    ],
)
def test_still_running(body: Any, status: str, audio: list[bool]) -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(body))
    assert isinstance(got, TaskReport)
    assert (got.status, [audio_of(each) is not None for each in got.tracks]) == (status, audio)
    assert (got.fault, got.unknown_statuses) == (None, ())


def test_unknown_track_state_is_still_running() -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(task(result(song("a"), song("b", "polishing")), **FINISHED)))
    assert isinstance(got, TaskReport)
    assert (got.status, got.unknown_statuses) == (TaskStatus.FIRST_READY, ("polishing",))


def test_one_failed_track_does_not_lose_the_other() -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(task(result(song("a", "error"), song("b")), **FINISHED)))
    assert isinstance(got, TaskReport)
    assert got.status is TaskStatus.SUCCEEDED
    assert [audio_of(each) is not None for each in got.tracks] == [False, True]
    assert got.tracks[0].fault is not None
    assert got.tracks[0].fault.code is ErrorCode.GENERATION_FAILED


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (task(result(song("a", "error"), song("b", "error"))), ErrorCode.GENERATION_FAILED),
        (task(result(song("a", audio_url=""), song("b", audio_url="None"))), ErrorCode.NO_AUDIO),
        (task(result(song("a", None, audio_url=None)), **FINISHED), ErrorCode.NO_AUDIO),
        (task(result(), **FINISHED), ErrorCode.NO_AUDIO),
        (task({"success": True, "task_id": TASK}, **FINISHED), ErrorCode.NO_AUDIO),
        (task({"success": False, "error": {"code": "api_error", "message": "x"}}), ErrorCode.GENERATION_FAILED),
        (task({"error": {"code": "suno_processing_failed", "message": "x"}}), ErrorCode.GENERATION_FAILED),
        (task({"success": False, "error": {"code": "forbidden", "message": "x"}}), ErrorCode.CONTENT_REJECTED),
        (task({"success": False, "error": "broken"}, **FINISHED), ErrorCode.GENERATION_FAILED),
        (task({"success": False}, **FINISHED), ErrorCode.GENERATION_FAILED),
    ],
)
def test_failed(body: Any, code: ErrorCode) -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(body))
    assert isinstance(got, TaskReport)
    assert got.fault is not None
    assert (got.status, got.fault.code) == (TaskStatus.FAILED, code)


def test_failure_has_its_trace_id_and_keeps_good_tracks() -> None:
    response = {**result(song("a")), "success": False, "error": {"code": "api_error", "message": "worker lost"}}
    got = GATEWAY.read_status(Kind.MUSIC, reply(task(response, **FINISHED)))
    assert isinstance(got, TaskReport)
    assert got.fault is not None
    assert (got.fault.gateway_code, got.fault.message, got.fault.trace_id) == ("api_error", "worker lost", TRACE)
    assert [audio_of(each) for each in got.tracks] == ["https://cdn.example/a.mp3"]


def test_a_transient_error_is_not_a_failure() -> None:
    got = GATEWAY.read_status(Kind.MUSIC, reply(task({"success": False, "error": "fetch failed"})))
    assert got == TaskReport(TaskStatus.PENDING, unknown_statuses=("fetch failed",))


@pytest.mark.parametrize(
    "answer",
    [
        (b"null", 200),
        ({}, 200),
        ([], 200),
        ({"items": [], "count": 0}, 200),
        ({"success": False, "error": {"code": "no_api", "message": "x"}}, 404),
        (task(result(song("a"), song("b")), **FINISHED), 500),
        (b"<html>", 502),
    ],
)
def test_unreadable_status_reply(answer: tuple[Any, int]) -> None:
    assert isinstance(GATEWAY.read_status(Kind.MUSIC, reply(*answer)), ReadFailed)


@pytest.mark.parametrize(("status", "word", "ours", "_again"), REFUSALS)
def test_refused_status_query(status: int, word: str | None, ours: ErrorCode, *, _again: bool) -> None:
    body = {"success": False, "error": {"code": word, "message": "no"}, "trace_id": TRACE}
    got = GATEWAY.read_status(Kind.MUSIC, reply(body, status, retry_after="9"))
    assert isinstance(got, ReadFailed)
    assert (got.fault.code, got.retry_after_seconds) == (ours, 9.0)


def test_callback_names_its_task() -> None:
    assert GATEWAY.read_callback(b'{"success":true,"task_id":"T1","data":[{"id":"a"}]}') == "T1"
    assert GATEWAY.read_callback(b'{"success":false,"task_id":"T1","error":{"code":"api_error"}}') == "T1"
    assert GATEWAY.read_callback(b'{"success":true}') is None


def test_length_limits(described: MusicInput, with_lyrics: MusicInput) -> None:
    assert GATEWAY.check(Kind.MUSIC, described) == ()
    assert GATEWAY.check(Kind.MUSIC, with_lyrics) == ()
    old = MusicInput(lyrics="x" * 3001, style="x" * 201, title="x" * 81, model="v3.5")
    assert [field for field, _ in GATEWAY.check(Kind.MUSIC, old)] == ["lyrics", "style", "title"]
    assert GATEWAY.check(Kind.MUSIC, old.model_copy(update={"model": "v5"})) == ()
    assert [field for field, _ in GATEWAY.check(Kind.MUSIC, MusicInput(prompt="x" * 480, negative_style="y" * 20))] == [
        "prompt"
    ]
