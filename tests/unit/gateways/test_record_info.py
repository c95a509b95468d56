"""sunoapi.org, kie.ai and AnyInt: the documented payloads of every kind, and the differences between the three."""

from __future__ import annotations

import json
from typing import Any

import pytest

from suno_jobs.catalog.inputs import INPUTS
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.adapters.anyint import AnyInt
from suno_jobs.gateways.adapters.kie import Kie
from suno_jobs.gateways.adapters.kie_jobs import OPERATIONS
from suno_jobs.gateways.adapters.record_info import RecordInfoGateway, RenewingRecordInfoGateway
from suno_jobs.gateways.adapters.sunoapi import SunoApi
from suno_jobs.gateways.protocol import Accepted, Ambiguous, Done, LinkRenewal, ReadFailed, Refused, TaskReport, TaskStatus
from tests.unit.gateways.conformance import SOURCE, Conformance, links_of, reply
from tests.unit.gateways.kie_samples import KIE_JOBS
from tests.unit.gateways.record_info_samples import (
    ANSWER,
    CDN,
    MUSIC_DONE,
    TASK,
    V6_SAMPLES,
    music_record,
    record,
    record_info_samples,
    snake,
    song,
    split_by_path,
    stems_record,
    with_v6,
    wrapped,
)

ANYINT, SUNOAPI, KIE = AnyInt(), SunoApi(), Kie()
PATHS = {kind: route.submit for kind, route in SUNOAPI.routes.items()}
ANYINT_PATHS = {kind: route.submit for kind, route in ANYINT.routes.items()}
BOTH = pytest.mark.parametrize("gateway", [SUNOAPI, KIE], ids=["sunoapi", "kie"])
ALL = pytest.mark.parametrize("gateway", [SUNOAPI, KIE, ANYINT], ids=["sunoapi", "kie", "anyint"])


class TestSunoapi(Conformance):
    gateway = SUNOAPI
    samples = (*map(with_v6, record_info_samples(PATHS)), *V6_SAMPLES)


class TestKie(Conformance):
    gateway = KIE
    samples = (*KIE_JOBS, *(each for each in record_info_samples(PATHS) if each.kind not in OPERATIONS))


class TestAnyInt(Conformance):
    gateway = ANYINT
    samples = tuple(map(split_by_path, record_info_samples(ANYINT_PATHS)))


def test_paths() -> None:
    assert PATHS == {
        Kind.MUSIC: "/api/v1/generate",
        Kind.EXTEND: "/api/v1/generate/extend",
        Kind.UPLOAD_COVER: "/api/v1/generate/upload-cover",
        Kind.UPLOAD_EXTEND: "/api/v1/generate/upload-extend",
        Kind.ADD_VOCALS: "/api/v1/generate/add-vocals",
        Kind.ADD_INSTRUMENTAL: "/api/v1/generate/add-instrumental",
        Kind.MASHUP: "/api/v1/generate/mashup",
        Kind.REPLACE_SECTION: "/api/v1/generate/replace-section",
        Kind.SOUNDS: "/api/v1/generate/sounds",
        Kind.LYRICS: "/api/v1/lyrics",
        Kind.STEMS: "/api/v1/vocal-removal/generate",
        Kind.WAV: "/api/v1/wav/generate",
        Kind.MP4: "/api/v1/mp4/generate",
        Kind.COVER_ART: "/api/v1/suno/cover/generate",
        Kind.TIMESTAMPED_LYRICS: "/api/v1/generate/get-timestamped-lyrics",
        Kind.PERSONA: "/api/v1/generate/generate-persona",
    }
    queries = {
        Kind.MUSIC: "/api/v1/generate/record-info",
        Kind.SOUNDS: "/api/v1/generate/record-info",
        Kind.LYRICS: "/api/v1/lyrics/record-info",
        Kind.STEMS: "/api/v1/vocal-removal/record-info",
        Kind.WAV: "/api/v1/wav/record-info",
        Kind.MP4: "/api/v1/mp4/record-info",
        Kind.COVER_ART: "/api/v1/suno/cover/record-info",
    }
    for kind, path in queries.items():
        request = SUNOAPI.status_request(kind, TASK)
        assert (request.method, request.path, request.params, request.json) == ("GET", path, {"taskId": TASK}, None)
    assert SUNOAPI.authorization("k") == KIE.authorization("k") == {"Authorization": "Bearer k"}


def test_anyint_paths() -> None:
    queries = {
        Kind.EXTEND: "/suno/query/task",
        Kind.LYRICS: "/suno/query/lyrics",
        Kind.STEMS: "/suno/query/vocal-removal",
        Kind.WAV: "/suno/query/wav",
        Kind.MP4: "/suno/query/mp4",
        Kind.COVER_ART: "/suno/query/cover",
    }
    assert {kind: ANYINT.status_request(kind, TASK).path for kind in queries} == queries
    assert ANYINT_PATHS[Kind.COVER_ART] == "/suno/generate-cover"
    assert not {Kind.MASHUP, Kind.SOUNDS} & set(ANYINT.kinds)


def test_base_urls() -> None:
    assert (SUNOAPI.base_url, KIE.base_url) == ("https://api.sunoapi.org", "https://api.kie.ai")


CODES: list[tuple[RecordInfoGateway, int, ErrorCode, bool, bool]] = [
    (SUNOAPI, 400, ErrorCode.INVALID_REQUEST, False, False),
    (SUNOAPI, 401, ErrorCode.AUTHENTICATION, False, False),
    (SUNOAPI, 402, ErrorCode.QUOTA, False, False),
    (SUNOAPI, 404, ErrorCode.NOT_FOUND, False, False),
    (SUNOAPI, 405, ErrorCode.RATE_LIMITED, True, True),
    (SUNOAPI, 409, ErrorCode.INVALID_REQUEST, False, False),
    (SUNOAPI, 413, ErrorCode.INVALID_REQUEST, False, False),
    (SUNOAPI, 429, ErrorCode.QUOTA, False, False),
    (SUNOAPI, 430, ErrorCode.RATE_LIMITED, True, True),
    (SUNOAPI, 455, ErrorCode.MAINTENANCE, True, True),
    (KIE, 400, ErrorCode.INVALID_REQUEST, False, False),
    (KIE, 401, ErrorCode.AUTHENTICATION, False, False),
    (KIE, 402, ErrorCode.QUOTA, False, False),
    (KIE, 404, ErrorCode.NOT_FOUND, False, False),
    (KIE, 409, ErrorCode.INVALID_REQUEST, False, False),
    (KIE, 422, ErrorCode.INVALID_REQUEST, False, False),
    (KIE, 429, ErrorCode.RATE_LIMITED, True, True),
    (KIE, 433, ErrorCode.QUOTA, False, False),
    (KIE, 451, ErrorCode.INVALID_REQUEST, False, False),
    (KIE, 455, ErrorCode.MAINTENANCE, True, True),
    (KIE, 505, ErrorCode.INVALID_REQUEST, False, False),
]


@pytest.mark.parametrize(("gateway", "code", "ours", "again", "retry_read"), CODES)
def test_refusals(gateway: RecordInfoGateway, code: int, ours: ErrorCode, *, again: bool, retry_read: bool) -> None:
    for kind in gateway.kinds:
        for status in (200, code):
            got = gateway.read_submission(kind, reply({"code": code, "msg": "no", "data": None}, status))
            assert isinstance(got, Refused)
            assert (got.fault.code, got.may_retry, got.fault.gateway_code, got.fault.message) == (ours, again, str(code), "no")
            read = gateway.read_status(kind, reply({"code": code, "msg": "no", "data": None}, status))
            assert isinstance(read, ReadFailed)
            assert (read.fault.code, read.may_retry, read.fault.gateway_code) == (ours, retry_read, str(code))


@pytest.mark.parametrize(
    ("gateway", "code", "retry_read"),
    [
        (SUNOAPI, 408, True),
        (SUNOAPI, 422, True),
        (SUNOAPI, 500, True),
        (SUNOAPI, 501, True),
        (KIE, 405, True),
        (KIE, 408, True),
        (KIE, 430, True),
        (KIE, 500, True),
    ],
)
def test_codes_that_leave_the_outcome_open(gateway: RecordInfoGateway, code: int, *, retry_read: bool) -> None:
    body = {"code": code, "msg": "no", "data": None}
    assert isinstance(gateway.read_submission(Kind.MUSIC, reply(body)), Ambiguous)
    read = gateway.read_status(Kind.MUSIC, reply(body))
    assert isinstance(read, ReadFailed)
    assert (read.fault.code, read.may_retry) == (ErrorCode.GATEWAY_ERROR, retry_read)


def test_501_means_a_failed_task_only_at_kie() -> None:
    body = {"code": 501, "msg": "generation failed", "data": None}
    assert isinstance(KIE.read_submission(Kind.MUSIC, reply(body)), Ambiguous)
    got = KIE.read_status(Kind.MUSIC, reply(body))
    assert isinstance(got, TaskReport)
    assert got.fault is not None
    assert (got.status, got.fault.code, got.fault.gateway_code) == ("failed", ErrorCode.GENERATION_FAILED, "501")
    assert isinstance(KIE.read_status(Kind.MUSIC, reply(body, 501)), ReadFailed)


@BOTH
def test_a_duplicate_submission_returns_the_existing_task(gateway: RecordInfoGateway) -> None:
    known = {"code": 409, "msg": "record already exists", "data": {"taskId": TASK}}
    for kind in (Kind.WAV, Kind.MP4, Kind.COVER_ART):
        assert gateway.read_submission(kind, reply(known)) == Accepted(TASK)
        assert gateway.read_submission(kind, reply(known, 409)) == Accepted(TASK)
    early = {**known, "code": 400}
    assert gateway.read_submission(Kind.COVER_ART, reply(early)) == Accepted(TASK)
    assert isinstance(gateway.read_submission(Kind.WAV, reply(early)), Ambiguous)
    assert isinstance(gateway.read_submission(Kind.WAV, reply({**known, "code": 429})), Ambiguous)


@ALL
def test_a_synchronous_answer_without_its_result_is_ambiguous(gateway: RecordInfoGateway) -> None:
    for kind in (Kind.PERSONA, Kind.TIMESTAMPED_LYRICS):
        for data in (None, {}, {"taskId": TASK}, {"personaId": ""}, {"alignedWords": None}):
            assert isinstance(gateway.read_submission(kind, reply(wrapped(data))), Ambiguous)


@ALL
def test_a_synchronous_answer_with_an_empty_result_is_a_failure(gateway: RecordInfoGateway) -> None:
    for kind, data in ((Kind.TIMESTAMPED_LYRICS, {"alignedWords": []}), (Kind.PERSONA, {"personaId": "../x"})):
        got = gateway.read_submission(kind, reply(wrapped(data)))
        assert isinstance(got, Done)
        assert got.report.fault is not None
        assert (got.report.status, got.report.fault.code) == (TaskStatus.FAILED, ErrorCode.NO_AUDIO)


@ALL
def test_a_track_field_by_field(gateway: RecordInfoGateway) -> None:
    for each in (song("a"), snake("a")):
        got = gateway.read_status(Kind.MUSIC, reply(music_record("SUCCESS", [each])))
        assert isinstance(got, TaskReport)
        (track,) = got.tracks
        assert (track.track_id, track.title, track.duration_seconds, track.model) == ("a", "Kettle Song", 198.44, "chirp-v5")
        assert [(link.name, link.url, link.media, link.required) for link in track.links] == [
            ("audio", f"{CDN}/a.mp3", "audio", True),
            ("image", f"{CDN}/a.jpeg", "image", False),
        ]


def test_the_first_track_is_ready_before_the_second() -> None:
    got = SUNOAPI.read_status(Kind.MUSIC, reply(music_record("FIRST_SUCCESS", [song("a"), {**song("b"), "audioUrl": ""}])))
    assert isinstance(got, TaskReport)
    assert (got.status, [track.ready for track in got.tracks]) == (TaskStatus.FIRST_READY, [True, False])
    assert got.tracks[1].links == (), "a cover image alone is not a track"
    assert got.tracks[1].fault is None


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        (Kind.MUSIC, music_record("SENSITIVE_WORD_ERROR", None), ErrorCode.CONTENT_REJECTED),
        (Kind.LYRICS, record(None, status="GENERATE_LYRICS_FAILED"), ErrorCode.GENERATION_FAILED),
        (Kind.LYRICS, record(None, status="SENSITIVE_WORD_ERROR"), ErrorCode.CONTENT_REJECTED),
        (Kind.WAV, record(None, successFlag="GENERATE_WAV_FAILED"), ErrorCode.GENERATION_FAILED),
        (Kind.STEMS, stems_record("GENERATE_AUDIO_FAILED", None), ErrorCode.GENERATION_FAILED),
        (Kind.MP4, record(None, successFlag="CREATE_TASK_FAILED"), ErrorCode.GENERATION_FAILED),
        (Kind.COVER_ART, record(None, successFlag=3), ErrorCode.GENERATION_FAILED),
        (Kind.STEMS, stems_record("SUCCESS", {"originUrl": f"{CDN}/o.mp3"}), ErrorCode.NO_AUDIO),
        (Kind.WAV, record({"audioWavUrl": None}, successFlag="SUCCESS"), ErrorCode.NO_AUDIO),
        (Kind.COVER_ART, record({"images": []}, successFlag=1), ErrorCode.NO_AUDIO),
        (Kind.COVER_ART, record({"images": "none"}, successFlag="1"), ErrorCode.NO_AUDIO),
        (Kind.LYRICS, record({"data": []}, status="SUCCESS"), ErrorCode.NO_AUDIO),
        (Kind.LYRICS, record({"data": [{"text": "", "status": "complete"}]}, status="SUCCESS"), ErrorCode.NO_AUDIO),
        (Kind.LYRICS, record({"data": [{"text": "x", "status": "failed"}]}, status="SUCCESS"), ErrorCode.GENERATION_FAILED),
    ],
)
def test_failures(kind: Kind, body: Any, code: ErrorCode) -> None:
    got = SUNOAPI.read_status(kind, reply(body))
    assert isinstance(got, TaskReport)
    assert got.fault is not None
    assert (got.status, got.fault.code) == (TaskStatus.FAILED, code)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Kind.MUSIC, music_record("CALLBACK_EXCEPTION", None)),
        (Kind.STEMS, stems_record("CALLBACK_EXCEPTION", {"vocalUrl": None})),
        (Kind.LYRICS, record({"data": []}, status="CALLBACK_EXCEPTION")),
    ],
)
def test_a_callback_exception_without_a_result_says_nothing_about_the_task(kind: Kind, body: Any) -> None:
    got = SUNOAPI.read_status(kind, reply(body))
    assert isinstance(got, TaskReport)
    assert (got.status, got.fault, got.unknown_statuses) == (TaskStatus.PENDING, None, ())


def test_failed_lyrics_have_a_reason() -> None:
    drafts = [{"status": "failed", "errorMessage": ""}, {"status": "failed", "error_message": "no rhyme was found"}]
    got = KIE.read_status(Kind.LYRICS, reply(record({"data": drafts}, status="SUCCESS")))
    assert isinstance(got, TaskReport)
    assert got.fault is not None
    assert got.fault.message == "no rhyme was found"


def test_a_callback_exception_does_not_fail_the_task() -> None:
    body = stems_record("CALLBACK_EXCEPTION", {"vocalUrl": f"{CDN}/v.mp3"})
    got = SUNOAPI.read_status(Kind.STEMS, reply(body))
    assert isinstance(got, TaskReport)
    assert (got.status, [links_of(track) for track in got.tracks]) == ("succeeded", [{"vocals": f"{CDN}/v.mp3"}])


def test_stems_in_the_shape_of_the_callback() -> None:
    info = {"origin_url": "", "vocal_url": f"{CDN}/v.mp3", "backing_vocals_url": f"{CDN}/b.mp3", "woodwinds_url": None}
    for body in (
        stems_record("SUCCESS", {"vocal_removal_info": info}),
        record(None, successFlag="SUCCESS", vocal_removal_info=info),
        stems_record("SUCCESS", info),
    ):
        got = KIE.read_status(Kind.STEMS, reply(body))
        assert isinstance(got, TaskReport)
        assert [links_of(track) for track in got.tracks] == [{"vocals": f"{CDN}/v.mp3", "backing_vocals": f"{CDN}/b.mp3"}]


def test_only_cover_art_has_numeric_flags() -> None:
    got = SUNOAPI.read_status(Kind.MP4, reply(record({"videoUrl": f"{CDN}/a.mp4"}, successFlag=1)))
    assert isinstance(got, TaskReport)
    assert (got.status, got.unknown_statuses) == (TaskStatus.PENDING, ("1",))


def test_a_failed_task_keeps_its_code_and_message() -> None:
    body = record(None, status="GENERATE_AUDIO_FAILED", errorCode=531, errorMessage="credits refunded")
    got = KIE.read_status(Kind.SOUNDS, reply(body))
    assert isinstance(got, TaskReport)
    assert got.fault is not None
    assert (got.fault.gateway_code, got.fault.message, got.fault.retryable) == ("531", "credits refunded", True)


@ALL
def test_a_failed_task_names_the_song_whose_stream_is_in_place_of_its_file(gateway: RecordInfoGateway) -> None:
    begun, never = (
        song("a") | {"audioUrl": "https://audiopipe.suno.ai/?item_id=a", "duration": None},
        song("b") | {"audioUrl": ""},
    )
    odd = song("c") | {"id": ["c"]}
    got = gateway.read_status(Kind.MUSIC, reply(music_record("GENERATE_AUDIO_FAILED", [begun, never, odd])))
    assert isinstance(got, TaskReport)
    assert (got.status, got.fault and got.fault.code) == (TaskStatus.FAILED, ErrorCode.GENERATION_FAILED)
    assert [track.fault and track.fault.code for track in got.tracks] == [ErrorCode.NO_AUDIO, ErrorCode.GENERATION_FAILED, None]


def test_older_models_accept_shorter_texts() -> None:
    asked = {"lyrics": "x" * 3001, "style": "x" * 201, "title": "x", "model": "v4"}
    assert [name for name, _ in SUNOAPI.check(Kind.MUSIC, INPUTS[Kind.MUSIC].model_validate(asked))] == ["lyrics", "style"]
    asked |= {"model": "v5"}
    assert SUNOAPI.check(Kind.MUSIC, INPUTS[Kind.MUSIC].model_validate(asked)) == ()
    described = {"prompt": "x" * 2000}
    assert SUNOAPI.check(Kind.MUSIC, INPUTS[Kind.MUSIC].model_validate(described)) == ()
    for model in ("v4", "v5.5"):
        given = INPUTS[Kind.MUSIC].model_validate({**described, "model": model})
        assert [name for name, _ in SUNOAPI.check(Kind.MUSIC, given)] == ["prompt"], model
    extension = {"source": SOURCE, "lyrics": "la", "title": "x" * 100}
    assert SUNOAPI.check(Kind.EXTEND, INPUTS[Kind.EXTEND].model_validate(extension)) == ()
    song = {"lyrics": "la", "title": "x" * 100}
    assert [name for name, _ in SUNOAPI.check(Kind.MUSIC, INPUTS[Kind.MUSIC].model_validate(song))] == ["title"]
    long = INPUTS[Kind.LYRICS].model_validate({"prompt": "x" * 2000})
    assert KIE.check(Kind.LYRICS, long) == (), "no limit is documented"


def test_a_reference_of_the_wrong_kind_is_named() -> None:
    given = INPUTS[Kind.ADD_VOCALS].model_validate(
        {"source": SOURCE, "prompt": "x", "style": "x", "title": "x", "negative_style": "x"}
    )
    assert [name for name, _ in KIE.check(Kind.ADD_VOCALS, given)] == ["source", "audio_url"]


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ({"lyrics": "la", "duration": 60, "variety": 2}, []),
        ({"lyrics": "la", "duration": 60, "model": "v5.5", "style": "x", "title": "x"}, []),
        ({"lyrics": "la", "variety": 2, "model": "v5.5", "style": "x", "title": "x"}, ["variety"]),
        ({"lyrics": "la", "duration": 60, "model": "v5", "style": "x", "title": "x"}, ["duration"]),
        ({"prompt": "la", "duration": 60, "variety": 2}, ["duration", "variety"]),
        ({"lyrics": "la", "model": "v5.5"}, ["style", "title"]),
        ({"lyrics": "la", "max_mode": True}, ["max_mode"]),
        ({"prompt": "la", "model": "v3.5"}, ["model"]),
        ({"prompt": "la", "model": "chirp-v3"}, ["model"]),
        ({"prompt": "la", "model": "chirp-hawk-wild"}, []),
    ],
)
def test_the_fields_of_v6_need_lyrics_and_their_models(asked: dict[str, Any], fields: list[str]) -> None:
    assert [name for name, _ in SUNOAPI.check(Kind.MUSIC, INPUTS[Kind.MUSIC].model_validate(asked))] == fields


RENEWED = [
    {"id": "a", "audio_url": f"{CDN}/a.m4a", "title": "Kettle Song", "status": "success", "error": None},
    {"id": None, "audio_url": None, "title": "Kettle Song", "status": "failed", "error": "clip_error"},
]


@BOTH
def test_link_renewal_requests(gateway: RenewingRecordInfoGateway) -> None:
    assert isinstance(gateway, LinkRenewal)
    assert not isinstance(ANYINT, LinkRenewal)
    request = gateway.renewal_request(TASK)
    assert (request.method, request.path) == ("POST", "/api/v1/suno/recovery")
    assert request.json == {"sunoTaskId": TASK}
    assert gateway.read_renewal_submission(reply(ANSWER)) == Accepted(TASK)
    query = gateway.renewal_status_request("R1")
    assert (query.method, query.path) == ("GET", "/api/v1/suno/recovery/record-info")
    assert query.params == {"task_id": "R1"}
    assert gateway.read_callback(json.dumps({"code": 200, "msg": "ok", "task_id": "R1", "data": RENEWED}).encode()) == "R1"


@BOTH
def test_renewed_links_are_read(gateway: RenewingRecordInfoGateway) -> None:
    assert gateway.read_renewal(reply({"code": 201, "msg": "running", "data": None})) == TaskReport(TaskStatus.PENDING)
    got = gateway.read_renewal(reply({"code": 200, "msg": "ok", "task_id": "R1", "data": RENEWED}))
    assert isinstance(got, TaskReport)
    assert got.status is TaskStatus.SUCCEEDED
    assert [(track.track_id, links_of(track)) for track in got.tracks] == [("a", {"audio": f"{CDN}/a.m4a"}), ("track-2", {})]
    assert got.tracks[1].fault is not None
    assert (got.tracks[1].fault.code, got.tracks[1].fault.gateway_code) == (ErrorCode.GENERATION_FAILED, "clip_error")


@BOTH
def test_a_renewal_without_links_is_a_failure(gateway: RenewingRecordInfoGateway) -> None:
    bodies: list[dict[str, Any]] = [
        {"code": 500, "msg": "all failed", "data": RENEWED[1:]},
        {"code": 500, "msg": "all failed", "task_id": "R1", "data": None},
        {"code": 200, "msg": "ok", "data": RENEWED[1:]},
        {"code": 200, "msg": "ok", "data": [{"id": "a", "audio_url": None, "status": "success", "error": None}]},
    ]
    for body in bodies:
        got = gateway.read_renewal(reply(body))
        assert isinstance(got, TaskReport), body
        assert got.status is TaskStatus.FAILED
    for unread, status in ((b"<html>", 200), ({"code": 500, "msg": "server", "data": None}, 200), (MUSIC_DONE, 500)):
        assert isinstance(gateway.read_renewal(reply(unread, status)), ReadFailed)
