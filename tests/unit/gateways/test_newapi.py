"""The relays of new-api and Suno-API: the documented payloads, and what differs between instances."""

from __future__ import annotations

import json
from typing import Any

import pytest

from suno_jobs.catalog.inputs import INPUTS
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.models import RequestedModel
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.adapters.newapi import NewApi
from suno_jobs.gateways.protocol import Accepted, Ambiguous, ReadFailed, Refused, TaskReport, TaskStatus
from tests.unit.gateways.conformance import HOOK, SOURCE, Conformance, Sample, links_of, reply

GATEWAY = NewApi()
TASK = "736a6f88-bd29-4b1e-b110-37132a5325ac"
CDN = "https://cdn.example"
PIPE = "https://pipe.example/?item_id="


def success(data: Any) -> dict[str, Any]:
    return {"code": "success", "message": "", "data": data}


def clip(name: str, status: str = "complete", **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "title": "Kettle Song",
        "status": status,
        "audio_url": f"{CDN}/{name}.mp3" if status == "complete" else f"{PIPE}{name}",
        "video_url": "",
        "image_url": f"{CDN}/{name}.png",
        "model_name": "chirp-hawk",
        "major_model_version": "v6",
        "metadata": {
            "tags": "folk",
            "prompt": "[Verse]\nThe kettle sings",
            "duration": 182.1,
            "error_type": None,
            "error_message": None,
        },
        **changes,
    }


def task(status: str, data: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "task_id": TASK,
        "action": "MUSIC",
        "status": status,
        "fail_reason": "",
        "submit_time": 1790000000,
        "start_time": 1790000005,
        "finish_time": 1790000090,
        "progress": "100%",
        "data": data,
        **more,
    }


SONGS = tuple({"audio": f"{CDN}/{name}.mp3", "image": f"{CDN}/{name}.png"} for name in "ab")
BROKEN = {"error_type": "moderation", "error_message": "no"}
RUNNING = (
    *(success(task(status, finish_time=0)) for status in ("NOT_START", "SUBMITTED", "QUEUED", "IN_PROGRESS")),
    success(task("IN_PROGRESS", [clip("a"), clip("b", "streaming")])),
    success([clip("a"), clip("b", "queued", audio_url="")]),
)
DONE = success(task("SUCCESS", [clip("a"), clip("b")]))
WORDS = {"lyrics": "[Verse]\nThe kettle sings", "style": "folk", "title": "Kettle Song", "model": "chirp-v6"}
THEIR_WORDS = {
    "mv": "chirp-v6",
    "make_instrumental": False,
    "prompt": "[Verse]\nThe kettle sings",
    "tags": "folk",
    "title": "Kettle Song",
}


def sample(kind: Kind, asked: dict[str, Any], body: dict[str, Any], done: Any = DONE, **rest: Any) -> Sample:
    return Sample(
        kind=kind,
        asked=asked,
        path="/suno/submit/lyrics" if kind is Kind.LYRICS else "/suno/submit/music",
        body=body,
        answer=success(TASK),
        task_id=TASK,
        done=done,
        callbacks=(task("SUCCESS", [clip("a")]), success(task("FAILURE")), task("SUCCESS", {"id": "x"})),
        **rest,
    )


SAMPLES = (
    sample(Kind.MUSIC, WORDS, THEIR_WORDS, links=SONGS, running=RUNNING),
    sample(
        Kind.MUSIC,
        {"prompt": "rain", "style": "folk", "instrumental": True, "model": "chirp-hawk"},
        {"mv": "chirp-hawk", "make_instrumental": True, "gpt_description_prompt": "rain\nStyle: folk"},
        success([clip("a"), clip("b")]),
        links=SONGS,
    ),
    sample(
        Kind.EXTEND,
        {**WORDS, "source": SOURCE, "continue_at": 61.5},
        {**THEIR_WORDS, "task_id": "parent-task", "continue_clip_id": "parent-track", "continue_at": 61.5},
        success(task("UNKNOWN", [clip("a")])),
        links=SONGS[:1],
        running=RUNNING,
    ),
    sample(
        Kind.LYRICS,
        {"prompt": "a kettle"},
        {"prompt": "a kettle"},
        success(task("SUCCESS", {"id": "l", "text": "The kettle sings", "title": "Kettle", "status": "complete"})),
        result={"lyrics": [{"title": "Kettle", "text": "The kettle sings"}]},
        running=(success(task("IN_PROGRESS")), success(task("QUEUED", {"id": "l", "text": "", "status": "queued"}))),
    ),
)


class TestNewApi(Conformance):
    gateway = GATEWAY
    samples = SAMPLES

    def test_the_names_that_results_use_are_accepted(self) -> None:
        """They are passed on: an instance may know them."""
        for name in ("chirp-hawk", "chirp-v6", "chirp-crow"):
            given = INPUTS[Kind.MUSIC].model_validate({"prompt": "rain", "model": name})
            assert GATEWAY.check(Kind.MUSIC, given) == ()
            body = json.dumps(GATEWAY.request(Kind.MUSIC, given, sources=(), callback_url=HOOK).json)
            assert f'"mv": "{name}"' in body
        hawk = INPUTS[Kind.MUSIC].model_validate({"prompt": "rain", "model": "chirp-hawk"})
        assert GATEWAY.requested_model(Kind.MUSIC, hawk) == RequestedModel("v6", "chirp-hawk")

    def test_the_default_model_is_one_of_the_gateway(self) -> None:
        """Every instance has its own models, so a request needs one."""
        assert (GATEWAY.default_model, dict(GATEWAY.models)) == ("", {})
        for model in (None, "v6", "v5"):
            given = INPUTS[Kind.MUSIC].model_validate({"prompt": "rain", "model": model})
            assert [name for name, _ in GATEWAY.check(Kind.MUSIC, given)] == ["model"]

    def test_a_request_has_the_model_that_it_is_said_to_have(self) -> None:
        for each in SAMPLES:
            ordered = GATEWAY.requested_model(each.kind, each.given)
            assert (ordered and ordered.gateway_name) == each.body.get("mv")


def read(body: Any, kind: Kind = Kind.MUSIC, status: int = 200) -> Any:
    return GATEWAY.read_status(kind, reply(body, status))


def test_an_instance_has_its_own_address_and_is_polled() -> None:
    assert (GATEWAY.base_url, GATEWAY.calls_back) == ("", False)
    assert GATEWAY.authorization("k") == {"Authorization": "Bearer k"}
    request = GATEWAY.status_request(Kind.LYRICS, TASK)
    assert (request.method, request.path) == ("GET", f"/suno/fetch/{TASK}")
    assert GATEWAY.status_request(Kind.MUSIC, "../a?b").path == "/suno/fetch/..%2Fa%3Fb"


@pytest.mark.parametrize("data", [TASK, {"task_id": TASK}, "task_0123456789abcdef0123456789abcdef"])
def test_the_task_id_is_a_bare_string(data: Any) -> None:
    expected = data if isinstance(data, str) else TASK
    assert GATEWAY.read_submission(Kind.MUSIC, reply(success(data))) == Accepted(expected)


@pytest.mark.parametrize("data", ["", None, [], {}, True])
def test_a_success_without_a_task_id_is_ambiguous(data: Any) -> None:
    assert isinstance(GATEWAY.read_submission(Kind.MUSIC, reply(success(data))), Ambiguous)


def test_a_track_field_by_field() -> None:
    (track,) = read(success(task("SUCCESS", [clip("a", video_url=f"{CDN}/a.mp4")]))).tracks
    assert (track.track_id, track.title, track.duration_seconds) == ("a", "Kettle Song", 182.1)
    assert (track.model, track.gateway_model, track.lyrics) == ("v6", "chirp-hawk", "[Verse]\nThe kettle sings")
    assert set(links_of(track)) == {"audio", "image", "video"}
    (bare,) = read(success(task("SUCCESS", [clip("a", model_name="")]))).tracks
    assert (bare.model, bare.gateway_model) == ("v6", "v6")


def test_the_audio_of_a_streaming_clip_is_no_file() -> None:
    running = read(success(task("IN_PROGRESS", [clip("a"), clip("b", "streaming")])))
    assert (running.status, [track.ready for track in running.tracks]) == (TaskStatus.FIRST_READY, [True, False])
    report = read(success(task("SUCCESS", [clip("a"), clip("b", "streaming")])))
    assert (report.status, [track.ready for track in report.tracks]) == (TaskStatus.SUCCEEDED, [True, False])
    assert report.tracks[1].fault.code is ErrorCode.NO_AUDIO
    assert [links[0].url for links in report.tracks[1].last_resort] == [f"{PIPE}b"]


@pytest.mark.parametrize("wrap", [lambda clips: task("SUCCESS", clips), lambda clips: clips])
def test_a_failed_clip_leaves_the_other_one(wrap: Any) -> None:
    report = read(success(wrap([clip("a"), clip("b", "error", metadata=BROKEN)])))
    assert report.status is TaskStatus.SUCCEEDED
    fault = report.tracks[1].fault
    assert (fault.code, fault.message, fault.gateway_code) == (ErrorCode.GENERATION_FAILED, "no", "moderation")
    assert report.tracks[1].last_resort == ()


def test_a_list_of_failed_clips_is_a_failed_task() -> None:
    report = read(success([clip("a", "error"), clip("b", "error", metadata=BROKEN)]))
    assert (report.status, report.fault.message) == (TaskStatus.FAILED, "the gateway could not generate this track")


@pytest.mark.parametrize(("word", "field"), [("FAILURE", "fail_reason"), ("FAIL", "failReason"), ("failure", "fail_reason")])
def test_a_failed_task_keeps_its_finished_clip(word: str, field: str) -> None:
    body = success(task(word, [clip("a"), clip("b", "streaming")], **{"fail_reason": "", field: "timeout"}))
    report = read(body)
    assert (report.status, report.fault.code, report.fault.message) == (
        TaskStatus.FAILED,
        ErrorCode.GENERATION_FAILED,
        "timeout",
    )
    assert (report.fault.gateway_code, report.fault.refunded) == (word.upper(), None)
    assert [track.ready for track in report.tracks] == [True, False]


def test_an_unknown_status_counts_as_running() -> None:
    assert read(success(task("MASTERING"))) == TaskReport(TaskStatus.PENDING, unknown_statuses=("MASTERING",))
    assert read(success(task("SUCCESS"))).fault.code is ErrorCode.NO_AUDIO
    assert isinstance(read(success([clip("a")]), Kind.LYRICS), ReadFailed)
    assert isinstance(read(success([])), ReadFailed)


@pytest.mark.parametrize(
    ("status", "code", "ours", "again"),
    [
        (400, "prompt_empty", ErrorCode.INVALID_REQUEST, False),
        (400, "model_price_error", ErrorCode.INVALID_REQUEST, False),
        (400, "task_origin_not_exist", ErrorCode.NOT_FOUND, False),
        (400, "another_word", ErrorCode.INVALID_REQUEST, False),
        (401, "unauthorized", ErrorCode.AUTHENTICATION, False),
        (403, "insufficient_user_quota", ErrorCode.QUOTA, False),
        (403, "forbidden", ErrorCode.AUTHENTICATION, False),
        (429, None, ErrorCode.RATE_LIMITED, True),
        (400, "fail_to_fetch_task", ErrorCode.INVALID_REQUEST, False),
        (422, "fail_to_fetch_task", ErrorCode.INVALID_REQUEST, False),
        (429, "fail_to_fetch_task", ErrorCode.RATE_LIMITED, True),
    ],
)
def test_refusals(status: int, code: str | None, ours: ErrorCode, *, again: bool) -> None:
    got = GATEWAY.read_submission(Kind.MUSIC, reply({"code": code, "message": "no", "data": None}, status))
    assert isinstance(got, Refused)
    assert (got.fault.code, got.may_retry, got.fault.message) == (ours, again, "no")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *((500, word) for word in ("do_request_failed", "read_response_body_failed", "internal_error", "another_word")),
        (400, "unmarshal_response_body_failed"),
        (500, "fail_to_fetch_task"),
        (503, "fail_to_fetch_task"),
        (200, "fail_to_fetch_task"),
        (200, "another_word"),
        (404, "not_found"),
    ],
)
def test_answers_that_leave_the_outcome_open(status: int, code: str) -> None:
    body = {"code": code, "message": "no", "data": None}
    assert isinstance(GATEWAY.read_submission(Kind.MUSIC, reply(body, status)), Ambiguous)
    named = GATEWAY.read_submission(Kind.MUSIC, reply({**body, "data": TASK}, status))
    assert isinstance(named, Ambiguous)
    assert named.task_id == TASK


def test_a_batch_is_read_by_id_and_may_miss_tasks() -> None:
    request = GATEWAY.batch_request(["a", "b"])
    assert (request.method, request.path, request.json) == ("POST", "/suno/fetch", {"ids": ["a", "b"]})
    items = [task("IN_PROGRESS") | {"task_id": "b"}, task("SUCCESS", [clip("x")]) | {"task_id": "a"}, {"task_id": "c"}, 7]
    kinds = dict.fromkeys(("a", "b", "c", "d"), Kind.MUSIC)
    found = GATEWAY.read_batch(kinds, reply(success(items)))
    assert not isinstance(found, ReadFailed)
    statuses = {name: report.status for name, report in found.items() if isinstance(report, TaskReport)}
    assert statuses == {"a": TaskStatus.SUCCEEDED, "b": TaskStatus.PENDING}
    assert GATEWAY.read_batch(kinds, reply(success(None))) == {}
    assert isinstance(GATEWAY.read_batch(kinds, reply({"code": "internal_error"}, 500)), ReadFailed)
