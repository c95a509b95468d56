"""Replies that gateways really sent, each with the right reading, and the kinds of fault that they stand for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from suno_jobs.catalog.inputs import MashupInput
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Link, Media
from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways.parsing import read_object
from suno_jobs.gateways.protocol import Ambiguous, Done, Reading, Refused, Submission, TaskReport, TaskStatus
from suno_jobs.gateways.registry import GATEWAYS
from tests.builders import SAMPLES
from tests.unit.gateways.conformance import SOURCE, links_of, reply

CASES = {case["id"]: case for case in map(json.loads, (SAMPLES / "replies.jsonl").read_text().splitlines())}
CDN = "https://cdn.example.com"
CLIP = "0f5c9e5e-6a5c-4a57-9a38-6f8a3f1f2b11"
FILES = (f"https://tempfile.aiquickdraw.com/r/{CLIP}.mp3", f"https://cdn1.suno.ai/{CLIP}.mp3")


def read(name: str, **changes: Any) -> Reading | Submission:
    case = CASES[name] | changes
    gateway, kind, answer = GATEWAYS[case["gateway"]], Kind(case["kind"]), reply(case["body"], case["http"])
    return gateway.read_status(kind, answer) if case["step"] == "status" else gateway.read_submission(kind, answer)


def report_of(name: str) -> TaskReport:
    found = read(name)
    assert isinstance(found, TaskReport)
    return found


def status_of(gateway: str, body: Any, kind: Kind = Kind.MUSIC) -> TaskReport:
    found = GATEWAYS[gateway].read_status(kind, reply(body))
    assert isinstance(found, TaskReport)
    return found


def fault_of(report: TaskReport) -> Fault:
    assert report.fault is not None
    return report.fault


def record(status: str, song: dict[str, Any] | None = None, **state: Any) -> dict[str, Any]:
    response = {"sunoData": [song]} if song else None
    return {"code": 200, "msg": "success", "data": {"taskId": "t", "status": status, "response": response, **state}}


def failed_song(code: int, message: str = "no") -> dict[str, Any]:
    return record("GENERATE_AUDIO_FAILED", errorCode=code, errorMessage=message)


# The replies


@pytest.mark.parametrize(
    ("name", "track_id", "seconds"),
    [
        ("R02", "c-2", 12.0),
        ("R03", "c-3", 181.2),
        ("R04", "c-4", 181.2),
        ("R05", "c-5", 64.5),
        ("R15", "c-15", 91.2),
    ],
)
def test_a_reply_with_one_finished_track(name: str, track_id: str, seconds: float) -> None:
    report = report_of(name)
    assert (report.status, report.fault) == (TaskStatus.SUCCEEDED, None)
    tracks = [(track.track_id, links_of(track), track.duration_seconds) for track in report.tracks]
    assert tracks == [(track_id, {"audio": f"{CDN}/{track_id}.mp3"}, seconds)]


@pytest.mark.parametrize(
    ("name", "track_id", "stream"),
    [("R01", "c-1", "https://stream.example.com/c-1"), ("R13", "c-13", "https://audiopipe.suno.ai/?item_id=c-13")],
)
def test_a_success_with_a_stream_only_is_not_ready_and_never_a_failure_of_the_task(
    name: str, track_id: str, stream: str
) -> None:
    report = report_of(name)
    assert fault_of(report).code is ErrorCode.NO_AUDIO
    assert [(track.track_id, track.ready, track.links) for track in report.tracks] == [(track_id, False, ())]
    assert report.tracks[0].last_resort == ((Link("audio", stream, provisional=True),),)
    assert report.tracks[0].title == "Tide"


def test_r06_a_cancelled_task_has_failed() -> None:
    report = report_of("R06")
    fault = fault_of(report)
    assert (report.status, fault.code, fault.gateway_code) == (TaskStatus.FAILED, ErrorCode.GENERATION_FAILED, "CANCELLED")


def test_r07_a_request_that_is_refused_in_the_finished_task_is_invalid() -> None:
    report = report_of("R07")
    fault = fault_of(report)
    assert (report.status, fault.code, fault.retryable) == (TaskStatus.FAILED, ErrorCode.INVALID_REQUEST, False)
    assert fault.message == "gpt_description_prompt is required"


def test_r08_a_refund_is_reported() -> None:
    fault = fault_of(report_of("R08"))
    assert (fault.code, fault.refunded, fault.gateway_code) == (ErrorCode.GENERATION_FAILED, True, "531")


def test_r09_the_name_of_an_artist_is_rejected_content() -> None:
    report = report_of("R09")
    fault = fault_of(report)
    assert (report.status, fault.code, fault.retryable) == (TaskStatus.FAILED, ErrorCode.CONTENT_REJECTED, False)
    assert fault.refunded is None


def test_r10_a_retired_model_is_a_definite_refusal() -> None:
    refused = read("R10")
    assert isinstance(refused, Refused)
    assert (refused.fault.code, refused.fault.retryable, refused.may_retry) == (ErrorCode.MODEL_UNAVAILABLE, False, False)
    assert refused.fault.trace_id == "tr-10"


def test_r11_an_error_that_names_a_task_is_ambiguous_and_keeps_its_id() -> None:
    ambiguous = read("R11")
    assert isinstance(ambiguous, Ambiguous)
    assert ambiguous.task_id == CASES["R11"]["body"]["data"]["task_id"]


def test_r12_an_upload_is_answered_with_its_result() -> None:
    done = read("R12")
    assert isinstance(done, Done)
    assert done.report == TaskReport(TaskStatus.SUCCEEDED, result={"audio_id": CASES["R12"]["body"]["data"]["music_id"]})


def test_r14_an_unreachable_callback_endpoint_says_nothing_about_the_song() -> None:
    assert report_of("R14") == TaskReport(TaskStatus.PENDING)


def test_r15_the_delivered_model_is_read_by_both_names() -> None:
    (track,) = report_of("R15").tracks
    assert (track.model, track.gateway_model) == ("v6", "chirp-hawk")


def test_every_reply_is_read() -> None:
    tested = {"R02", "R03", "R04", "R05", "R15", "R01", "R13"} | {
        name[5:8].upper() for name in globals() if name[:6] == "test_r"
    }
    assert tested & set(CASES) == set(CASES)


# JSON inside strings


def encoded(value: Any) -> Any:
    """``value``, in which every object and every list inside an object is a string with JSON."""
    if isinstance(value, dict):
        return {name: json.dumps(encoded(each)) if isinstance(each, dict | list) else each for name, each in value.items()}
    return [encoded(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_reply_is_read_alike_with_json_inside_strings_at_every_level(name: str) -> None:
    body = CASES[name]["body"]
    for strange in (encoded(body), json.dumps(body), json.dumps(encoded(body))):
        assert read(name, body=strange) == read(name)


def test_the_song_lists_of_every_gateway_may_be_strings() -> None:
    urls = dict.fromkeys(("audioUrl", "audio_url", "suno_audio_url"), f"{CDN}/c")
    song = json.dumps([{"id": "c", "musicId": "c", "suno_id": "c", **urls}])
    bodies = {
        "ttapi": {"status": "SUCCESS", "jobId": "t", "data": {"musics": song}},
        "crun": {"code": 200, "data": {"task_id": "t", "status": "success", "result": {"suno_data": song}}},
        "anyint": {"taskId": "t", "status": "SUCCESS", "response": json.dumps({"sunoData": song})},
        "acedata": {"id": "t", "finished_at": 1, "response": {"success": True, "data": song}},
    }
    for name, body in bodies.items():
        assert links_of(status_of(name, encoded(body)).tracks[0]) == {"audio": f"{CDN}/c"}, name


@pytest.mark.parametrize("text", ["[1, 2]", '{"a": 1}', '[{"a": 1}]', "[Verse]\nrain", "[]"])
def test_texts_stay_texts(text: str) -> None:
    song = {"id": "c", "audioUrl": f"{CDN}/c.mp3", "prompt": text, "title": text}
    track = status_of("sunoapi", encoded(record("SUCCESS", song))).tracks[0]
    assert (track.lyrics, track.title) == (text, " ".join(text.split()))
    fault = fault_of(status_of("sunoapi", failed_song(500, text)))
    assert fault.message == " ".join(text.split())


@pytest.mark.parametrize("text", ["{", "[Verse]", '"{}"', "12", "", "{} {}", "[" * 100_000, "[9e999", f"[{'9' * 5000}]"])
def test_a_string_that_is_no_json_stays_as_it_is(text: str) -> None:
    assert read_object(json.dumps({"response": text}).encode()) == {"response": text}


def test_decoding_is_bounded_in_depth_and_size() -> None:
    value: Any = {"data": "x"}
    for _ in range(9):
        value = {"data": json.dumps(value)}
    found: Any = read_object(json.dumps(value).encode())
    for _ in range(7):
        found = found["data"]
    assert isinstance(found, str)
    assert found.startswith("{")
    long = json.dumps(["x" * 1_048_576])
    assert read_object(json.dumps({"data": long}).encode()) == {"data": long}
    deep = b'{"a":' * 500 + b"1" + b"}" * 500
    assert read_object(deep) == json.loads(deep)
    assert read_object(b'{"a":' * 200_000) is None


# Links


SONG = {"id": CLIP, "title": "Tide", "duration": 12.5, "imageUrl": f"{CDN}/c.jpeg"}


def test_the_deprecated_link_of_a_finished_track_is_the_second_choice() -> None:
    both = {"audioUrl": f"{CDN}/a.mp3", "sourceAudioUrl": f"{CDN}/s.mp3", "streamAudioUrl": f"{CDN}/stream"}
    assert links_of(status_of("kie", record("SUCCESS", SONG | both)).tracks[0])["audio"] == f"{CDN}/a.mp3"
    both["audioUrl"] = "https://audiopipe.suno.ai/?item_id=c"
    track = status_of("kie", record("SUCCESS", SONG | both)).tracks[0]
    assert (links_of(track)["audio"], track.last_resort) == (f"{CDN}/s.mp3", ())
    snake = {"source_audio_url": f"{CDN}/s.mp3", "source_image_url": f"{CDN}/s.jpeg"}
    found = status_of("anyint", record("SUCCESS", {"id": CLIP} | snake)).tracks[0]
    assert links_of(found) == {"audio": f"{CDN}/s.mp3", "image": f"{CDN}/s.jpeg"}


@pytest.mark.parametrize("status", ["FIRST_SUCCESS", "CALLBACK_EXCEPTION", "GENERATE_AUDIO_FAILED"])
def test_the_deprecated_link_of_a_track_that_may_be_unfinished_is_not_used(status: str) -> None:
    report = status_of("sunoapi", record(status, SONG | {"sourceAudioUrl": f"{CDN}/s.mp3", "streamAudioUrl": f"{CDN}/x"}))
    assert [track.ready for track in report.tracks] == [False]


def test_files_are_better_than_streams_as_a_last_resort_and_have_the_cover_of_the_track() -> None:
    stream, pipe = "https://audiostream.kie.ai/stream/c.mp3", "https://audiopipe.suno.ai/?item_id=c"
    song = SONG | {"audioUrl": pipe, "sourceAudioUrl": "None", "streamAudioUrl": stream, "sourceStreamAudioUrl": stream}
    track = status_of("sunoapi", record("SUCCESS", song)).tracks[0]
    assert [links[0].url for links in track.last_resort] == [*FILES, pipe, stream]
    assert track.last_resort[2] == (
        Link("audio", pipe, provisional=True),
        Link("image", f"{CDN}/c.jpeg", Media.IMAGE, required=False),
    )


def test_a_stream_of_unknown_length_is_not_used_since_nothing_would_reveal_that_it_is_cut() -> None:
    song = SONG | {"duration": None, "streamAudioUrl": f"{CDN}/stream"}
    track = status_of("sunoapi", record("SUCCESS", song)).tracks[0]
    assert [links[0].url for links in track.last_resort] == [*FILES]


@pytest.mark.parametrize("name", ["track-1", "c-1", f"{CLIP}/../x"])
def test_only_a_uuid_names_a_song_at_other_hosts(name: str) -> None:
    assert status_of("sunoapi", record("SUCCESS", {"id": name})).tracks[0].last_resort == ()


def finished(gateway: str, url: str) -> TaskReport:
    """A task that its gateway reports as successful, with one track."""
    names = {"ttapi": ("id", "audio_url"), "crun": ("suno_id", "suno_audio_url"), "acedata": ("id", "audio_url")}
    track_id, audio = names[gateway]
    songs = [{track_id: "c", audio: url, "duration": "12.5", "state": "succeeded"}]
    bodies: dict[str, Any] = {
        "ttapi": {"status": "SUCCESS", "jobId": "t", "data": {"musics": songs}},
        "crun": {"code": 200, "data": {"status": "success", "result": {"suno_data": songs}}},
        "acedata": {"id": "t", "finished_at": 1, "response": {"data": songs}},
    }
    return status_of(gateway, bodies[gateway])


@pytest.mark.parametrize("gateway", ["ttapi", "crun", "acedata"])
def test_a_stream_is_no_final_file_at_any_gateway(gateway: str) -> None:
    pipe = "https://audiopipe.suno.ai/?item_id=c"
    report = finished(gateway, pipe)
    track = report.tracks[0]
    assert (track.track_id, track.links, [links[0].url for links in track.last_resort]) == ("c", (), [pipe])
    assert fault_of(report).code is ErrorCode.NO_AUDIO
    assert links_of(finished(gateway, f"{CDN}/c.mp3").tracks[0]) == {"audio": f"{CDN}/c.mp3"}


def test_stems_may_be_in_a_list() -> None:
    origin = [{"stem_type_group_name": name, "audio_url": f"{CDN}/{name}.mp3"} for name in ("Vocals", "Drums")]
    data = {"taskId": "t", "successFlag": "SUCCESS", "response": {"vocalUrl": None, "originData": origin}}
    body = {"code": 200, "data": data}
    report = status_of("sunoapi", body, Kind.STEMS)
    assert links_of(report.tracks[0]) == {"vocals": f"{CDN}/Vocals.mp3", "drums": f"{CDN}/Drums.mp3"}


# Failures


@pytest.mark.parametrize("word", ["FAILED", "FAIL", "FAILURE", "ERROR", "CANCELLED", "CANCELED", "TIMEOUT", "Fail", "error"])
@pytest.mark.parametrize("place", ["top", "data", "both"])
def test_every_final_word_of_ttapi_ends_the_task(word: str, place: str) -> None:
    top, own = {"top": (word, None), "data": (None, word), "both": ("SUCCESS", word)}[place]
    report = status_of("ttapi", {"status": top, "data": {"jobId": "t", "status": own, "failReason": "sad"}})
    fault = fault_of(report)
    assert (report.status, fault.code, fault.message) == (TaskStatus.FAILED, ErrorCode.GENERATION_FAILED, "sad")
    assert fault.gateway_code == word.upper()


def test_an_unknown_word_in_the_data_of_ttapi_does_not_hide_the_known_one() -> None:
    song = {"musicId": "c", "audioUrl": f"{CDN}/c.mp3"}
    report = status_of("ttapi", {"status": "SUCCESS", "data": {"jobId": "t", "status": "polished", "musics": [song]}})
    assert report.status is TaskStatus.SUCCEEDED
    running = status_of("ttapi", {"status": "SUCCESS", "data": {"jobId": "t", "status": "ON_QUEUE"}})
    assert running == TaskReport(TaskStatus.PENDING)
    unknown = status_of("ttapi", {"data": {"jobId": "t", "status": "polished"}})
    assert unknown == TaskReport(TaskStatus.PENDING, unknown_statuses=("polished",))


@pytest.mark.parametrize("word", ["failed", "error", "ERROR"])
def test_the_final_words_of_crun_end_the_task(word: str) -> None:
    body = {"code": 200, "data": {"task_id": "t", "status": word, "result": {"code": 501, "message": "sad"}}}
    fault = fault_of(status_of("crun", body))
    assert (fault.code, fault.gateway_code, fault.message) == (ErrorCode.GENERATION_FAILED, "501", "sad")


def test_a_failed_video_is_a_failure() -> None:
    body = {"code": 200, "data": {"taskId": "t", "successFlag": "GENERATE_MP4_FAILED"}}
    assert fault_of(status_of("kie", body, Kind.MP4)).gateway_code == "GENERATE_MP4_FAILED"


@pytest.mark.parametrize(("gateway", "refunded"), [("sunoapi", True), ("kie", True), ("anyint", None)])
def test_a_refund_is_reported_where_the_gateway_documents_it(gateway: str, *, refunded: bool | None) -> None:
    assert fault_of(status_of(gateway, failed_song(531))).refunded is refunded
    assert fault_of(status_of(gateway, failed_song(500))).refunded is None
    rejected = fault_of(status_of(gateway, record("SENSITIVE_WORD_ERROR", errorCode=531)))
    assert (rejected.code, rejected.refunded) == (ErrorCode.CONTENT_REJECTED, refunded)


@pytest.mark.parametrize("gateway", ["sunoapi", "kie"])
def test_a_refund_may_be_the_code_of_the_whole_reply(gateway: str) -> None:
    report = status_of(gateway, {"code": 531, "msg": "failed, credits returned", "data": None})
    fault = fault_of(report)
    assert (report.status, fault.code, fault.refunded) == (TaskStatus.FAILED, ErrorCode.GENERATION_FAILED, True)
    submission = GATEWAYS[gateway].read_submission(Kind.MUSIC, reply({"code": 531, "msg": "x", "data": None}))
    assert isinstance(submission, Ambiguous)


@pytest.mark.parametrize(
    ("kind", "code", "ours"),
    [
        (Kind.MUSIC, 400, ErrorCode.CONTENT_REJECTED),
        (Kind.UPLOAD_COVER, 413, ErrorCode.CONTENT_REJECTED),
        (Kind.MUSIC, 500, ErrorCode.GENERATION_FAILED),
        (Kind.EXTEND, 400, ErrorCode.GENERATION_FAILED),
        (Kind.WAV, 400, ErrorCode.GENERATION_FAILED),
    ],
)
def test_the_code_of_a_failed_song_says_whether_its_content_was_rejected(kind: Kind, code: int, ours: ErrorCode) -> None:
    assert fault_of(status_of("sunoapi", failed_song(code), kind)).code is ours


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("bad_request", ErrorCode.INVALID_REQUEST),
        ("forbidden", ErrorCode.CONTENT_REJECTED),
        ("content_rejected", ErrorCode.CONTENT_REJECTED),
        ("api_error", ErrorCode.GENERATION_FAILED),
    ],
)
def test_what_ace_refuses_in_a_finished_task(code: str, ours: ErrorCode) -> None:
    body = {"id": "t", "response": {"success": False, "error": {"code": code, "message": "no"}}}
    assert fault_of(status_of("acedata", body)).code is ours


def test_a_mashup_without_prompt_and_lyrics_is_refused_at_acceptance() -> None:
    def check(**fields: Any) -> Any:
        return GATEWAYS["acedata"].check(Kind.MASHUP, MashupInput.model_validate({"sources": [SOURCE, SOURCE], **fields}))

    assert [field for field, _ in check(style="folk")] == ["prompt"]
    assert check(prompt="rain") == check(lyrics="rain") == ()


# A model that is gone

RETIRED = "paid_upsell: this model has been retired"


@pytest.mark.parametrize(
    ("gateway", "status", "body"),
    [
        ("acedata", 403, {"success": False, "error": {"code": "forbidden", "message": RETIRED}}),
        ("ttapi", 400, {"status": "FAILED", "message": RETIRED}),
        ("sunoapi", 200, {"code": 400, "msg": RETIRED}),
        ("crun", 200, {"code": 422, "message": RETIRED}),
    ],
)
def test_a_retired_model_is_refused_for_certain(gateway: str, status: int, body: Any) -> None:
    submission = GATEWAYS[gateway].read_submission(Kind.MUSIC, reply(body, status))
    assert isinstance(submission, Refused)
    assert (submission.fault.code, submission.may_retry) == (ErrorCode.MODEL_UNAVAILABLE, False)


def test_the_message_never_turns_an_unknown_outcome_into_a_refusal() -> None:
    body = {"success": False, "error": {"code": "api_error", "message": RETIRED}}
    assert isinstance(GATEWAYS["acedata"].read_submission(Kind.MUSIC, reply(body, 500)), Ambiguous)
    other = {"success": False, "error": {"code": "forbidden", "message": "no paid_upsell: here"}}
    submission = GATEWAYS["acedata"].read_submission(Kind.MUSIC, reply(other, 403))
    assert isinstance(submission, Refused)
    assert submission.fault.code is ErrorCode.CONTENT_REJECTED


def test_a_task_may_fail_late_because_its_model_is_gone() -> None:
    assert fault_of(status_of("sunoapi", failed_song(500, RETIRED))).code is ErrorCode.MODEL_UNAVAILABLE
