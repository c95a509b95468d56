"""kie.ai's jobs route, reply by reply. Its kinds are in ``kie_samples``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from suno_jobs.catalog.inputs import INPUTS
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.adapters.kie import Kie
from suno_jobs.gateways.protocol import FieldErrors, Refused, TaskReport, TaskStatus
from tests.unit.gateways.conformance import links_of, reply
from tests.unit.gateways.kie_samples import job_record
from tests.unit.gateways.record_info_samples import CDN, TASK, UPLOAD, snake

KIE = Kie()


def read(body: Any, kind: Kind = Kind.MUSIC) -> TaskReport:
    found = KIE.read_status(kind, reply(body))
    assert isinstance(found, TaskReport)
    return found


def check(**fields: Any) -> FieldErrors:
    return KIE.check(Kind.MUSIC, INPUTS[Kind.MUSIC].model_validate(fields))


def test_the_task_is_read_on_its_route() -> None:
    request = KIE.status_request(Kind.MUSIC, TASK)
    assert (request.method, request.path, request.params) == ("GET", "/api/v1/jobs/recordInfo", {"taskId": TASK})
    assert KIE.status_request(Kind.LYRICS, TASK).path == "/api/v1/lyrics/record-info"
    assert KIE.status_request(Kind.STEMS, TASK).path == "/api/v1/vocal-removal/record-info"


@pytest.mark.parametrize("wrap", [lambda result: result, lambda result: {"resultObject": result}])
@pytest.mark.parametrize("encode", [json.dumps, lambda result: result])
def test_the_result_is_read_as_an_object_or_as_a_string(wrap: Any, encode: Any) -> None:
    report = read(job_record("success", encode(wrap({"data": [snake("a")]}))))
    assert report.status is TaskStatus.SUCCEEDED
    assert [links_of(track)["audio"] for track in report.tracks] == [f"{CDN}/a.mp3"]


def test_a_song_may_be_a_bare_url() -> None:
    report = read(job_record("success", {"resultUrls": [f"{CDN}/a.mp3", f"{CDN}/b.mp3"]}))
    assert [(track.track_id, links_of(track)) for track in report.tracks] == [
        ("track-1", {"audio": f"{CDN}/a.mp3"}),
        ("track-2", {"audio": f"{CDN}/b.mp3"}),
    ]


@pytest.mark.parametrize(
    "result", ["", {}, {"resultUrls": []}, {"resultUrls": "x"}, {"resultUrls": ["None"]}, {"data": []}, "[]"]
)
def test_a_success_without_any_link_is_no_success_yet(result: Any) -> None:
    report = read(job_record("success", result))
    assert report.fault is not None
    assert (report.status, report.fault.code) == (TaskStatus.FAILED, ErrorCode.NO_AUDIO)


@pytest.mark.parametrize(
    ("code", "ours", "refunded"),
    [
        ("501", ErrorCode.GENERATION_FAILED, None),
        ("531", ErrorCode.GENERATION_FAILED, True),
        ("400", ErrorCode.CONTENT_REJECTED, None),
        ("", ErrorCode.GENERATION_FAILED, None),
    ],
)
def test_a_failed_job_has_its_code_and_its_reason(code: str, ours: ErrorCode, *, refunded: bool | None) -> None:
    report = read(job_record("fail", failCode=code, failMsg="no singer was free"))
    assert report.fault is not None
    assert (report.status, report.fault.code, report.fault.refunded) == (TaskStatus.FAILED, ours, refunded)
    assert report.fault.message == "no singer was free"
    assert report.fault.gateway_code == (code or "CREATE_TASK_FAILED")


def test_an_unknown_state_counts_as_running() -> None:
    assert read(job_record("mastering")) == TaskReport(TaskStatus.PENDING, unknown_statuses=("mastering",))


def test_a_limit_of_a_sub_key_is_a_refusal() -> None:
    refused = KIE.read_submission(Kind.MUSIC, reply({"code": 433, "msg": "limit", "data": None}))
    assert isinstance(refused, Refused)
    assert (refused.fault.code, refused.may_retry) == (ErrorCode.QUOTA, False)


def test_simple_mode_has_no_tuning() -> None:
    tuning = {"duration": 60, "variety": 1, "vocal_gender": "male", "style_weight": 0.5, "weirdness": 0.5, "audio_weight": 0.5}
    assert {name for name, _ in check(prompt="rain", **tuning)} == set(tuning)
    assert check(lyrics="la", **tuning) == ()


def test_a_model_from_before_the_route_is_refused_and_an_unknown_one_is_passed_on() -> None:
    assert check(prompt="rain", model="v5") == (("model", "cannot be v5: this gateway has v5.5, v6, v6-wild, v6-mini"),)
    assert check(prompt="rain", model="V9") == ()


def test_a_mashup_requires_style_and_title() -> None:
    mashup = INPUTS[Kind.MASHUP].model_validate({"audio_urls": [UPLOAD, UPLOAD], "prompt": "both"})
    assert [name for name, _ in KIE.check(Kind.MASHUP, mashup)] == ["style", "title"]
