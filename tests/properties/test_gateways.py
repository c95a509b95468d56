"""Whatever a gateway answers: no adapter raises, reports a file without a link, or allows an ambiguous submission again."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Result
from suno_jobs.gateways.parsing import media_url, playable_url
from suno_jobs.gateways.protocol import (
    Accepted,
    Ambiguous,
    BatchReading,
    Done,
    Gateway,
    GatewayReply,
    LinkRenewal,
    ReadFailed,
    Reading,
    Refused,
    Submission,
    TaskReport,
    TaskStatus,
)
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.gateways.signatures import verify_kie

NAMES = st.sampled_from(
    """code msg message data status taskId task_id jobId job_id response sunoData suno_data musics result media_url media_urls
    id musicId suno_id audioUrl audio_url suno_audio_url stream_audio_url title duration success error finished_at state
    errorCode errorMessage failReason trace_id successFlag images videoUrl video_url audioWavUrl audio_wav_url file_url
    vocal_removal_info vocalUrl drums_url originUrl media_info lyricsData text word startS start_s endS end_s alignedWords
    aligned_words personaId persona_id music_id audio_id items imageUrl image_large_url modelName name url sourceAudioUrl
    streamAudioUrl source_audio_url stream_audio_url sourceImageUrl originData stem_type_group_name prompt
    resultJson resultUrls resultObject failCode failMsg result_data songs results result_id metadata model_name
    major_model_version error_type error_message fail_reason""".split()  # noqa: SIM905
)
WORDS = st.sampled_from(
    """SUCCESS FAILED ON_QUEUE PENDING TEXT_SUCCESS FIRST_SUCCESS CALLBACK_EXCEPTION SENSITIVE_WORD_ERROR success failed running
    succeeded error complete T1 200 201 409 429 500 501 busy api_error https://cdn.example/a.mp3 https://cdn.example/b.wav
    https://cdn.example/None.mp3 None Rain(Vocals) chirp-crow TIMEOUT CANCELLED GENERATE_AUDIO_FAILED bad_request forbidden
    completed processing cancelled complete streaming IN_PROGRESS UNKNOWN FAILURE fail waiting
    paid_upsell: https://audiopipe.suno.ai/?item_id=a 0f5c9e5e-6a5c-4a57-9a38-6f8a3f1f2b11 400 413 531""".split()  # noqa: SIM905
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.sampled_from([200, 201, 400, 401, 402, 409, 429, 430, 455, 500, 501, 10**30, -1, 0, 1, 2, 3])
    | st.floats()
    | WORDS
    | st.text(st.characters(categories=None), max_size=12)
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=6) | inner.map(json.dumps)
    ),
    max_leaves=20,
)
BODIES = st.binary(max_size=200) | st.builds(lambda value: json.dumps(value).encode(), JSON)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=8).map(lambda value: json.dumps(value).encode())
STATUSES = st.sampled_from([200, 201, 302, 400, 401, 402, 403, 404, 408, 409, 422, 429, 455, 499, 500, 501, 502, 503, 504])
HEADERS = st.dictionaries(st.sampled_from(["retry-after", "date"]), st.text(max_size=30), max_size=2)
REPLIES = st.builds(GatewayReply, STATUSES, BODIES | OBJECTS, HEADERS)
GATEWAY = st.sampled_from(list(GATEWAYS.values()))
PAIRS = st.sampled_from([(each, kind) for each in GATEWAYS.values() for kind in each.kinds])
ASSET_NAME = re.compile(r"[a-z]+(_[a-z0-9]+)*")


def check_reading(reading: Reading, result: Result) -> None:
    if isinstance(reading, ReadFailed):
        assert reading.retry_after_seconds is None or 0 <= reading.retry_after_seconds <= 3600
        storable(reading.fault)
        return
    assert isinstance(reading, TaskReport)
    check_tracks(reading)
    assert (reading.fault is not None) == (reading.status is TaskStatus.FAILED)
    if reading.status is TaskStatus.SUCCEEDED:
        assert any(track.ready for track in reading.tracks) if result.is_files else reading.result
    assert reading.result is None or (reading.result and reading.status is TaskStatus.SUCCEEDED and not result.is_files)
    storable([reading.unknown_statuses, reading.result, reading.fault])


def check_tracks(report: TaskReport) -> None:
    ready = [track for track in report.tracks if track.links]
    assert not ready or report.status in (TaskStatus.FIRST_READY, TaskStatus.SUCCEEDED, TaskStatus.FAILED)
    ids = [track.track_id for track in report.tracks]
    assert len(ids) == len(set(ids))
    for track in report.tracks:
        assert track.ready == bool(track.links), "no track has optional links only"
        assert not (track.ready and track.fault)
        names = [link.name for link in track.links]
        assert len(names) == len(set(names))
        assert all(ASSET_NAME.fullmatch(name) for name in names)
        assert all(media_url(link.url) == link.url for link in track.links)
        for links in track.last_resort:
            assert [link.name for link in links if link.required] == ["audio"]
            assert all(playable_url(link.url) == link.url for link in links)
        storable((track.title, track.duration_seconds, track.model, track.fault))


def check_submission(submission: Submission, result: Result) -> None:
    if isinstance(submission, Done):
        assert submission.report.status in (TaskStatus.SUCCEEDED, TaskStatus.FAILED)
        check_reading(submission.report, result)
        return
    if isinstance(submission, Accepted):
        assert submission.task_id.strip() == submission.task_id != ""
        storable(submission.task_id)
        return
    assert isinstance(submission, Refused | Ambiguous)
    storable(submission.fault)
    assert 0 < len(submission.fault.message) <= 300
    assert "://" not in submission.fault.message


def storable(value: Any) -> None:
    json.dumps(value, allow_nan=False, ensure_ascii=False, default=asdict).encode()


@given(pair=PAIRS, reply=REPLIES)
@settings(max_examples=500)
def test_any_reply_is_read_safely(pair: tuple[Gateway, Kind], reply: GatewayReply) -> None:
    gateway, kind = pair
    result = gateway.kinds[kind].result
    check_submission(gateway.read_submission(kind, reply), result)
    check_reading(gateway.read_status(kind, reply), result)
    named = gateway.read_callback(reply.body)
    assert named is None or named.strip()


SONG = st.dictionaries(NAMES, LEAVES, max_size=8)
SONGS = st.lists(SONG | LEAVES, max_size=3) | SONG


def _task(name: str, status: Any, songs: Any, outer: dict[str, Any]) -> Any:
    """A reply of roughly the right shape, so that the search gets past the first checks."""
    response = {"sunoData": songs, "data": songs, "images": songs, **outer}
    family = {"code": 200, "data": {"taskId": "T", "status": status, "response": response}}
    shapes = {
        "ttapi": {"data": {"jobId": "J", "musics": songs}, "status": status},
        "crun": {
            "code": 200,
            "data": {"task_id": "T", "status": status, "result": {"suno_data": songs, "media_info": songs, **outer}},
        },
        "acedata": {"id": "T", "response": {"success": True, "data": songs}, **outer},
    }
    return shapes.get(name, family)


@given(pair=PAIRS, status=WORDS | LEAVES, songs=SONGS, outer=SONG)
@settings(max_examples=800)
def test_any_task_is_read_safely(pair: tuple[Gateway, Kind], status: Any, songs: Any, outer: dict[str, Any]) -> None:
    gateway, kind = pair
    body = json.dumps(_task(gateway.name, status, songs, outer)).encode()
    check_reading(gateway.read_status(kind, GatewayReply(200, body)), gateway.kinds[kind].result)


@given(pair=PAIRS, data=SONGS, status=st.sampled_from(["SUCCESS", "FAILED", None]))
@settings(max_examples=300)
def test_any_answer_of_a_synchronous_operation_is_read_safely(pair: tuple[Gateway, Kind], data: Any, status: Any) -> None:
    gateway, kind = pair
    body = json.dumps({"code": 200, "status": status, "success": True, "data": data}).encode()
    check_submission(gateway.read_submission(kind, GatewayReply(200, body)), gateway.kinds[kind].result)


@given(pair=PAIRS, reply=REPLIES)
@settings(max_examples=300)
def test_a_reply_that_names_a_task_never_allows_a_repeated_submission(pair: tuple[Gateway, Kind], reply: GatewayReply) -> None:
    gateway, kind = pair
    submission = gateway.read_submission(kind, reply)
    if isinstance(submission, Refused) and submission.may_retry and not gateway.kinds[kind].synchronous:
        assert gateway.read_callback(reply.body) is None, "a reply that names a task is never sent again"


@given(gateway=GATEWAY, reply=REPLIES, items=SONGS)
@settings(max_examples=300)
def test_any_reply_to_an_optional_request_is_read_safely(gateway: Gateway, reply: GatewayReply, items: Any) -> None:
    shaped = GatewayReply(200, json.dumps({"code": 200, "items": items, "data": items}).encode())
    for each in (reply, shaped):
        if isinstance(gateway, LinkRenewal):
            check_reading(gateway.read_renewal(each), Result.TRACKS)
            check_submission(gateway.read_renewal_submission(each), Result.TRACKS)
        if isinstance(gateway, BatchReading):
            batch = gateway.read_batch({"T1": Kind.MUSIC}, each)
            for reading in [batch] if isinstance(batch, ReadFailed) else batch.values():
                check_reading(reading, Result.TRACKS)


@given(body=BODIES | OBJECTS, timestamp=st.text(max_size=12) | st.just("1700000000"), signature=st.text(max_size=50))
@settings(max_examples=200)
def test_no_random_signature_is_valid(body: bytes, timestamp: str, signature: str) -> None:
    headers = {"X-Webhook-Timestamp": timestamp, "X-Webhook-Signature": signature}
    assert verify_kie(headers, body, "key", 1700000000.0) is False
