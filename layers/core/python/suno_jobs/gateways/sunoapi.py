"""What the gateways of the sunoapi.org family have in common; of ours AnyInt, and a later sunoapi or kie.

Facts: sunoapi.org's record-info and music callback pages, AnyInt's task states. AnyInt shows neither its submit reply nor its
query reply, so both are read with and without the family's ``{code, msg, data}`` around them, in camelCase and in snake_case.
"""

from __future__ import annotations

from typing import Any

from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.base import GatewayReply, Reading, TaskStatus, TaskTrack
from suno_jobs.gateways.replies import code_word, inner, pick, task_id
from suno_jobs.gateways.tracks import Spelling, ended, failed, read_tracks, running
from suno_jobs.gateways.verdicts import Complaint, Meanings, http_code, is_ok, shapeless, unread

_TASK_ID = ("taskId", "task_id")
_TRACK = Spelling(track_id=("id",), audio_url=("audioUrl", "audio_url"))

_RUNNING = {
    "PENDING": TaskStatus.PENDING,
    "TEXT_SUCCESS": TaskStatus.TEXT_READY,
    "FIRST_SUCCESS": TaskStatus.FIRST_READY,
}
_FAILED = {
    "CREATE_TASK_FAILED": ErrorCode.GENERATION_FAILED,
    "GENERATE_AUDIO_FAILED": ErrorCode.GENERATION_FAILED,
    "SENSITIVE_WORD_ERROR": ErrorCode.CONTENT_REJECTED,
    "CALLBACK_EXCEPTION": ErrorCode.GATEWAY_ERROR,
}


def complaint(reply: GatewayReply, body: dict[str, Any] | None) -> Complaint | None:
    """The body's code decides; HTTP 200 with an error code inside is how this family refuses."""
    if body is None:
        return shapeless(reply)
    code = code_word(body.get("code"))
    if is_ok(reply) and code in (None, "200"):
        return None
    codes = tuple(each for each in (code, http_code(reply)) if each not in (None, "200"))
    return Complaint(codes, pick(body, "msg", "message"))


def named_task(body: dict[str, Any] | None) -> str | None:
    return task_id(body, *_TASK_ID)


def read_music(reply: GatewayReply, body: dict[str, Any] | None, meanings: Meanings) -> Reading:
    """A music task's record. Of an unknown status, and of one without any, the task is taken to be still running."""
    refusal = complaint(reply, body)
    if body is None or refusal is not None:
        return unread(reply, meanings, refusal or shapeless(reply))
    data = inner(body, "data")
    record = data if any(name in data for name in (*_TASK_ID, "status")) else body
    status = code_word(record.get("status"))
    if status is None:
        return unread(reply, meanings, shapeless(reply))
    tracks, word = _tracks(record), status.upper()
    if word == "SUCCESS" or (word == "CALLBACK_EXCEPTION" and any(track.audio_url for track in tracks)):
        # The exception is about our endpoint, not about the song.
        return ended(tracks)
    if word in _FAILED:
        codes = (code_word(pick(record, "errorCode", "error_code")), status)
        reason = Complaint(codes, pick(record, "errorMessage", "error_message"))
        return failed(tracks, reason.fault(_FAILED[word]))
    return running(_RUNNING.get(word, TaskStatus.PENDING), tracks, () if word in _RUNNING else (status,))


def _tracks(record: dict[str, Any]) -> tuple[TaskTrack, ...]:
    response = inner(record, "response")
    songs = pick(response, "sunoData", "suno_data", "data") or pick(record, "sunoData", "suno_data", "data")
    return read_tracks(songs, _TRACK)
