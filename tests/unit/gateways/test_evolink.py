"""EvoLink: the documented payloads of its two kinds, its errors and its batch."""

from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.catalog.inputs import INPUTS, MusicInput
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.adapters.evolink import EvoLink
from suno_jobs.gateways.protocol import Ambiguous, ReadFailed, Refused, TaskReport, TaskStatus
from tests.unit.gateways.conformance import SOURCE, Conformance, Sample, links_of, reply

GATEWAY = EvoLink()
TASK = "task-unified-1790000000-abc"
MEDIA = "https://media.evolink.example"
PATH = "/v1/audios/generations"
SUBMITTED = {
    "id": TASK,
    "object": "audio.generation.task",
    "created": 1790000000,
    "model": "suno-v6-beta",
    "status": "pending",
    "progress": 0,
    "type": "audio",
    "task_info": {"can_cancel": True, "estimated_time": 120},
    "usage": {"billing_rule": "per_call", "credits_reserved": 10},
}


def song(name: str) -> dict[str, Any]:
    return {
        "result_id": name,
        "title": "Kettle Song",
        "tags": "folk waltz",
        "duration": 142,
        "image_url": f"{MEDIA}/{name}.png",
        "audio_url": f"{MEDIA}/{name}.mp3",
        "stream_audio_url": f"{MEDIA}/stream/{name}",
    }


def task(status: str, **more: Any) -> dict[str, Any]:
    usage = {"credits_reserved": 10, "credits_used": 10, "cost": {"credits": 10, "usd": 0.147}}
    return {"id": TASK, "status": status, "progress": 50, "usage": usage, **more}


def completed(data: Any, results: Any = ()) -> dict[str, Any]:
    return task("completed", results=list(results), result_data=data)


def failed(code: str, message: str = "no", status: str = "failed") -> dict[str, Any]:
    return task(status, error={"code": code, "message": message, "type": "task_error"})


SONGS = tuple({"audio": f"{MEDIA}/{name}.mp3", "image": f"{MEDIA}/{name}.png"} for name in "ab")
RUNNING = (SUBMITTED, task("processing"))
WORDS = {
    "lyrics": "[Verse]\nThe kettle sings",
    "style": "folk waltz",
    "title": "Kettle Song",
    "negative_style": "drums",
    "vocal_gender": "female",
    "style_weight": 0.5,
    "weirdness": 0.254,
    "audio_weight": 1,
    "persona_id": "p-1",
    "duration": 90,
}
THEIR_WORDS = {
    "model": "suno-v6-beta",
    "custom_mode": True,
    "instrumental": False,
    "prompt": "[Verse]\nThe kettle sings",
    "style": "folk waltz",
    "title": "Kettle Song",
    "negative_tags": "drums",
    "vocal_gender": "f",
    "style_weight": 0.5,
    "weirdness_constraint": 0.25,
    "audio_weight": 1,
    "persona_id": "p-1",
    "duration": 90,
}


def sample(kind: Kind, asked: dict[str, Any], body: dict[str, Any], done: Any, **rest: Any) -> Sample:
    return Sample(
        kind=kind,
        asked=asked,
        path=PATH,
        body=body,
        answer=SUBMITTED,
        task_id=TASK,
        done=done,
        running=RUNNING,
        callbacks=(SUBMITTED, done, failed("service_error")),
        **rest,
    )


SAMPLES = (
    sample(Kind.MUSIC, WORDS, THEIR_WORDS, completed([song("a"), song("b")]), links=SONGS),
    sample(
        Kind.MUSIC,
        {"prompt": "rain", "title": "Lamp", "negative_style": "drums", "instrumental": True, "model": "v4.5plus"},
        {
            "model": "suno-v4.5plus-beta",
            "custom_mode": False,
            "instrumental": True,
            "prompt": "rain\nTitle: Lamp\nAvoid: drums",
        },
        completed({"songs": [song("a")]}),
        links=SONGS[:1],
    ),
    sample(
        Kind.PERSONA,
        {"source": SOURCE, "name": "Ada", "description": "low", "style": "folk", "start_s": 10, "end_s": 30},
        {
            "model": "suno-persona",
            "model_params": {
                "source_task_id": "parent-task",
                "result_id": "parent-track",
                "name": "Ada",
                "description": "low",
                "style": "folk",
                "vocal_start": 10,
                "vocal_end": 30,
            },
        },
        completed({"persona_id": "p-9"}),
        result={"persona_id": "p-9"},
    ),
)


class TestEvoLink(Conformance):
    gateway = GATEWAY
    samples = SAMPLES


def read(body: Any, kind: Kind = Kind.MUSIC, status: int = 200) -> Any:
    return GATEWAY.read_status(kind, reply(body, status))


def test_base_url_key_and_status_request() -> None:
    assert GATEWAY.base_url == "https://api.evolink.ai"
    assert GATEWAY.authorization("k") == {"Authorization": "Bearer k"}
    request = GATEWAY.status_request(Kind.MUSIC, TASK)
    assert (request.method, request.path, request.params) == ("GET", f"/v1/tasks/{TASK}", {})
    assert GATEWAY.status_request(Kind.MUSIC, "../a?b").path == "/v1/tasks/..%2Fa%3Fb"


def test_a_track_field_by_field() -> None:
    (track,) = read(completed([song("a")])).tracks
    assert (track.track_id, track.title, track.duration_seconds) == ("a", "Kettle Song", 142)
    assert (track.model, track.gateway_model) == (None, None)


def test_a_stream_is_no_file_and_bare_links_are_the_last_source() -> None:
    report = read(completed([{**song("a"), "audio_url": None}]))
    assert report.fault.code is ErrorCode.NO_AUDIO
    assert [links[0].url for links in report.tracks[0].last_resort] == [f"{MEDIA}/stream/a"]
    bare = read(completed(None, [f"{MEDIA}/a.mp3"]))
    assert [(track.track_id, links_of(track)) for track in bare.tracks] == [("track-1", {"audio": f"{MEDIA}/a.mp3"})]
    assert read(task("completed")).fault.code is ErrorCode.NO_AUDIO


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("content_policy_violation", ErrorCode.CONTENT_REJECTED),
        ("invalid_parameters", ErrorCode.INVALID_REQUEST),
        ("resource_not_found", ErrorCode.NOT_FOUND),
        ("model_unavailable", ErrorCode.MODEL_UNAVAILABLE),
        ("generation_timeout", ErrorCode.GENERATION_FAILED),
        ("service_error", ErrorCode.GENERATION_FAILED),
    ],
)
def test_a_failed_task_is_refunded(code: str, ours: ErrorCode) -> None:
    report = read(failed(code, "no singer"))
    assert (report.status, report.fault.code, report.fault.refunded) == (TaskStatus.FAILED, ours, True)
    assert (report.fault.gateway_code, report.fault.message) == (code, "no singer")


def test_no_refund_is_documented_for_a_cancelled_task() -> None:
    fault = read(failed("request_cancelled", status="cancelled")).fault
    assert (fault.code, fault.refunded) == (ErrorCode.GENERATION_FAILED, None)
    assert read(task("failed", error="gone")).fault.message == "gone"


def test_an_unknown_status_counts_as_running() -> None:
    assert read(task("mastering")) == TaskReport(TaskStatus.PENDING, unknown_statuses=("mastering",))


@pytest.mark.parametrize(
    ("status", "code", "ours", "again"),
    [
        (400, "invalid_request", ErrorCode.INVALID_REQUEST, False),
        (401, None, ErrorCode.AUTHENTICATION, False),
        (402, "insufficient_user_quota", ErrorCode.QUOTA, False),
        (403, "insufficient_token_quota", ErrorCode.QUOTA, False),
        (403, "token_daily_quota_exceeded", ErrorCode.QUOTA, False),
        (403, "other", ErrorCode.AUTHENTICATION, False),
        (413, None, ErrorCode.INVALID_REQUEST, False),
        (429, "other", ErrorCode.RATE_LIMITED, True),
        (200, "quota_not_enough", ErrorCode.QUOTA, False),
    ],
)
def test_refusals(status: int, code: str | None, ours: ErrorCode, *, again: bool) -> None:
    body = {"error": {"code": code, "message": "no", "type": "t", "param": None}}
    got = GATEWAY.read_submission(Kind.MUSIC, reply(body, status, x_request_id="r-1"))
    assert isinstance(got, Refused)
    assert (got.fault.code, got.may_retry, got.fault.message, got.fault.trace_id) == (ours, again, "no", "r-1")


@pytest.mark.parametrize(
    ("status", "code"),
    [(409, "idempotency_conflict"), (409, "paid_outcome_unknown"), (500, None), (502, None), (503, "x"), (408, None)],
)
def test_answers_that_leave_the_outcome_open(status: int, code: str | None) -> None:
    got = GATEWAY.read_submission(Kind.MUSIC, reply({"error": {"code": code, "message": "no"}}, status))
    assert isinstance(got, Ambiguous)
    named = GATEWAY.read_submission(Kind.MUSIC, reply({"id": TASK, "error": {"code": code, "message": "no"}}, status))
    assert isinstance(named, Ambiguous)
    assert named.task_id == TASK


@pytest.mark.parametrize(("status", "code"), [(400, "invalid_task_id"), (404, "task_not_found")])
def test_a_task_that_is_not_found(status: int, code: str) -> None:
    got = read({"error": {"code": code, "message": "no"}}, status=status)
    assert isinstance(got, ReadFailed)
    assert (got.fault.code, got.may_retry) == (ErrorCode.NOT_FOUND, False)


def test_a_batch_is_read_by_id_and_may_miss_tasks() -> None:
    request = GATEWAY.batch_request(["a", "b"])
    assert (request.method, request.path, request.json) == ("POST", "/v1/tasks/batch", {"task_ids": ["a", "b"]})
    body = {"data": [{**task("processing"), "id": "b"}, {**completed([song("a")]), "id": "a"}, "x", {"id": "c"}]}
    kinds = dict.fromkeys(("a", "b", "c", "d"), Kind.MUSIC)
    found = GATEWAY.read_batch(kinds, reply(body))
    assert not isinstance(found, ReadFailed)
    statuses = {name: report.status for name, report in found.items() if isinstance(report, TaskReport)}
    assert statuses == {"a": TaskStatus.SUCCEEDED, "b": TaskStatus.PENDING}
    assert isinstance(GATEWAY.read_batch(kinds, reply({"data": None})), ReadFailed)
    assert isinstance(GATEWAY.read_batch(kinds, reply({"error": {"code": "x"}}, 500)), ReadFailed)


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ({"lyrics": "la"}, ["style", "title"]),
        ({"lyrics": "la", "style": "s", "title": "t", "duration": 60, "model": "v5"}, ["duration"]),
        ({"lyrics": "la", "style": "s", "title": "t", "persona_id": "p", "model": "v4.5"}, ["persona_id"]),
        ({"prompt": "rain", "vocal_gender": "male", "style_weight": 0.5}, ["style_weight", "vocal_gender"]),
        ({"prompt": "x" * 3000}, []),
        ({"prompt": "x" * 501, "model": "v5.5"}, ["prompt"]),
        ({"lyrics": "x" * 3001, "style": "s", "title": "t", "model": "v4"}, ["lyrics"]),
        ({"prompt": "rain", "variety": 1}, ["variety"]),
    ],
)
def test_what_evolink_would_refuse_or_ignore(asked: dict[str, Any], fields: list[str]) -> None:
    assert [name for name, _ in GATEWAY.check(Kind.MUSIC, MusicInput(**asked))] == fields


@pytest.mark.parametrize(
    ("section", "fields"),
    [
        ({}, []),
        ({"start_s": 10, "end_s": 20}, []),
        ({"start_s": 10}, ["end_s"]),
        ({"end_s": 10}, ["start_s"]),
        ({"start_s": 10, "end_s": 19}, ["end_s"]),
        ({"start_s": 10, "end_s": 41}, ["end_s"]),
    ],
)
def test_the_section_of_a_persona(section: dict[str, Any], fields: list[str]) -> None:
    given = {"source": SOURCE, "name": "Ada", "description": "low", **section}
    assert [name for name, _ in GATEWAY.check(Kind.PERSONA, INPUTS[Kind.PERSONA].model_validate(given))] == fields
