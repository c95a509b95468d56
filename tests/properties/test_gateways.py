"""Whatever a gateway answers, no adapter raises, none believes in audio that is not there, none repeats a doubtful payment."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from suno_jobs.gateways import GATEWAYS
from suno_jobs.gateways.base import (
    Accepted,
    Ambiguous,
    GatewayReply,
    Reading,
    Refused,
    Submission,
    TaskReport,
    TaskStatus,
    Unread,
)
from suno_jobs.gateways.replies import audio_url

NAMES = st.sampled_from(
    """code msg message data status taskId task_id jobId job_id response sunoData suno_data musics result media_url media_urls
    id musicId suno_id audioUrl audio_url suno_audio_url stream_audio_url title duration success error finished_at state
    errorCode errorMessage failReason trace_id""".split()  # noqa: SIM905
)
WORDS = st.sampled_from(
    """SUCCESS FAILED ON_QUEUE PENDING TEXT_SUCCESS FIRST_SUCCESS CALLBACK_EXCEPTION SENSITIVE_WORD_ERROR success failed running
    succeeded error T1 200 429 500 busy api_error https://cdn.example/a.mp3 https://cdn.example/None.mp3 None""".split()  # noqa: SIM905
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.sampled_from([200, 401, 402, 429, 430, 455, 500, 501, 10**30, -1, 0])
    | st.floats()
    | WORDS
    | st.text(st.characters(categories=None), max_size=12)
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=6),
    max_leaves=20,
)
BODIES = st.binary(max_size=200) | st.builds(lambda value: json.dumps(value).encode(), JSON)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=8).map(lambda value: json.dumps(value).encode())
STATUSES = st.sampled_from([200, 201, 302, 400, 401, 402, 403, 404, 408, 422, 429, 455, 499, 500, 502, 503, 504])
HEADERS = st.dictionaries(st.sampled_from(["retry-after", "date"]), st.text(max_size=30), max_size=2)
REPLIES = st.builds(GatewayReply, STATUSES, BODIES | OBJECTS, HEADERS)
GATEWAY = st.sampled_from(list(GATEWAYS.values()))


def check_reading(reading: Reading) -> None:
    if isinstance(reading, Unread):
        assert reading.retry_after_seconds is None or 0 <= reading.retry_after_seconds <= 3600
        storable(reading.fault.to_item())
        return
    assert isinstance(reading, TaskReport)
    audio = [track.audio_url for track in reading.tracks if track.audio_url is not None]
    assert all(audio_url(each) == each for each in audio)
    assert (reading.fault is not None) == (reading.status is TaskStatus.FAILED)
    assert reading.status is not TaskStatus.SUCCEEDED or audio
    assert not audio or reading.status in (TaskStatus.FIRST_READY, TaskStatus.SUCCEEDED, TaskStatus.FAILED)
    ids = [track.track_id for track in reading.tracks]
    assert len(ids) == len(set(ids))
    storable(
        [
            reading.unknown_words,
            *((each.title, each.duration_seconds, each.fault and each.fault.to_item()) for each in reading.tracks),
        ]
    )


def check_submission(submission: Submission) -> None:
    if isinstance(submission, Accepted):
        assert submission.task_id.strip() == submission.task_id != ""
        storable(submission.task_id)
        return
    assert isinstance(submission, Refused | Ambiguous)
    storable(submission.fault.to_item())
    assert 0 < len(submission.fault.message) <= 300
    assert "://" not in submission.fault.message


def storable(value: Any) -> None:
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


@given(gateway=GATEWAY, reply=REPLIES)
@settings(max_examples=400, deadline=None)
def test_any_reply(gateway: Any, reply: GatewayReply) -> None:
    check_submission(gateway.read_submission(reply))
    check_reading(gateway.read_status(reply))
    named = gateway.read_callback(reply.body)
    assert named is None or named.strip()


SONG = st.dictionaries(NAMES, LEAVES, max_size=8)
SONGS = st.lists(SONG | LEAVES, max_size=3)


def _task(name: str, status: Any, songs: Any, outer: dict[str, Any]) -> Any:
    """A reply of about the right shape, so that the search reaches what lies behind the first checks."""
    inner = {
        "ttapi": {"data": {"jobId": "J", "musics": songs}, "status": status},
        "anyint": {"code": 200, "data": {"taskId": "T", "status": status, "response": {"sunoData": songs}}},
        "crun": {"code": 200, "data": {"task_id": "T", "status": status, "result": {"suno_data": songs, **outer}}},
        "acedata": {"id": "T", "response": {"success": True, "data": songs}, **outer},
    }
    return inner[name]


@given(gateway=GATEWAY, status=WORDS | LEAVES, songs=SONGS, outer=SONG)
@settings(max_examples=400, deadline=None)
def test_any_task(gateway: Any, status: Any, songs: Any, outer: dict[str, Any]) -> None:
    body = json.dumps(_task(gateway.name, status, songs, outer)).encode()
    check_reading(gateway.read_status(GatewayReply(200, body)))


@given(gateway=GATEWAY, reply=REPLIES)
@settings(max_examples=200, deadline=None)
def test_what_is_not_known_to_be_refused_is_not_repeated(gateway: Any, reply: GatewayReply) -> None:
    submission = gateway.read_submission(reply)
    if isinstance(submission, Refused) and submission.again:
        assert gateway.read_callback(reply.body) is None, "a reply that names a task is never sent again"
