"""Replies of the sunoapi.org family, per kind.

Facts: sunoapi.org's and kie.ai's record-info pages, AnyInt's task states. AnyInt shows neither its submit reply nor its query
reply, so all are read with and without the ``{code, msg, data}`` around them, in camelCase and in snake_case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.base import GatewayReply, Kind, Media, Reading, TaskReport, TaskStatus, TaskTrack
from suno_jobs.gateways.replies import clean_message, code_word, inner, pick, task_id
from suno_jobs.gateways.results import read_id, read_lyrics, read_words, stems_by_field
from suno_jobs.gateways.tracks import Spelling, ended, failed, files, first_url, objects, read_tracks, running
from suno_jobs.gateways.verdicts import Complaint, Meanings, fault, http_code, is_ok, shapeless, unread

_TASK_ID = ("taskId", "task_id")
_STATE = ("status", "successFlag", "success_flag")
_SONG = Spelling(
    track_id=("id",),
    audio=("audioUrl", "audio_url"),
    image=("imageUrl", "image_url"),
    lyrics=("prompt",),
    model=("modelName", "model_name"),
)

_RUNNING = {
    "PENDING": TaskStatus.PENDING,
    "TEXT_SUCCESS": TaskStatus.TEXT_READY,
    "FIRST_SUCCESS": TaskStatus.FIRST_READY,
}
_FAILED = {
    "CREATE_TASK_FAILED": ErrorCode.GENERATION_FAILED,
    "GENERATE_AUDIO_FAILED": ErrorCode.GENERATION_FAILED,
    "GENERATE_LYRICS_FAILED": ErrorCode.GENERATION_FAILED,
    "GENERATE_WAV_FAILED": ErrorCode.GENERATION_FAILED,
    "SENSITIVE_WORD_ERROR": ErrorCode.CONTENT_REJECTED,
    "CALLBACK_EXCEPTION": ErrorCode.GATEWAY_ERROR,
}
_COVER_ART_FLAGS = {"0": "PENDING", "1": "SUCCESS", "2": "PENDING", "3": "CREATE_TASK_FAILED"}
"""Cover art alone counts its states: waiting, made, being made, failed."""


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


def read_record(kind: Kind, reply: GatewayReply, body: dict[str, Any] | None, meanings: Meanings) -> Reading:
    """A task's record. Of an unknown status, and of one without any, the task is taken to be still running."""
    refusal = complaint(reply, body)
    if refusal is not None and is_ok(reply) and refusal.codes == ("501",) and "501" in meanings:
        # The task itself failed; a refused query has other codes.
        return failed((), refusal.fault(ErrorCode.GENERATION_FAILED))
    if body is None or refusal is not None:
        return unread(reply, meanings, refusal or shapeless(reply))
    data = inner(body, "data")
    record = data if any(name in data for name in (*_TASK_ID, *_STATE)) else body
    status = code_word(pick(record, *_STATE))
    if status is None:
        return unread(reply, meanings, shapeless(reply))
    return _judge(kind, record, status)


def _judge(kind: Kind, record: dict[str, Any], status: str) -> TaskReport:
    word = status.upper()
    if kind is Kind.COVER_ART:
        word = _COVER_ART_FLAGS.get(word, word)
    report = _RESULTS.get(kind, _songs)(record)
    if word == "SUCCESS" or (word == "CALLBACK_EXCEPTION" and report.status is TaskStatus.SUCCEEDED):
        # The exception is about our endpoint, not about the song.
        return report
    bare = [replace(track, fault=None) for track in report.tracks]
    if word in _FAILED:
        codes = (code_word(pick(record, "errorCode", "error_code")), status)
        reason = Complaint(codes, pick(record, "errorMessage", "error_message"))
        return failed(bare, reason.fault(_FAILED[word]))
    return running(_RUNNING.get(word, TaskStatus.PENDING), bare, () if word in _RUNNING else (status,))


def _songs(record: dict[str, Any]) -> TaskReport:
    response = inner(record, "response")
    songs = pick(response, "sunoData", "suno_data", "data") or pick(record, "sunoData", "suno_data", "data")
    return ended(read_tracks(songs, _SONG))


def _response(record: dict[str, Any]) -> dict[str, Any]:
    return inner(record, "response") or record


def _lyrics(record: dict[str, Any]) -> TaskReport:
    return read_lyrics(pick(_response(record), "data", "lyricsData", "lyrics_data"))


def _stems(record: dict[str, Any]) -> TaskReport:
    response = _response(record)
    nested = inner(response, "vocal_removal_info") or inner(record, "vocal_removal_info")
    return ended(stems_by_field(nested or response))


def _wav(record: dict[str, Any]) -> TaskReport:
    return ended(files("wav", Media.AUDIO, [first_url(_response(record), ("audioWavUrl", "audio_wav_url"))]))


def _mp4(record: dict[str, Any]) -> TaskReport:
    return ended(files("video", Media.VIDEO, [first_url(_response(record), ("videoUrl", "video_url"))]))


def _cover_art(record: dict[str, Any]) -> TaskReport:
    images = _response(record).get("images")
    given = images if isinstance(images, list) else []
    return ended(files("image", Media.IMAGE, [first_url({"url": each}, ("url",)) for each in given]))


_RESULTS: Mapping[Kind, Callable[[dict[str, Any]], TaskReport]] = MappingProxyType(
    {Kind.LYRICS: _lyrics, Kind.STEMS: _stems, Kind.WAV: _wav, Kind.MP4: _mp4, Kind.COVER_ART: _cover_art}
)


def read_answer(kind: Kind, body: dict[str, Any] | None) -> TaskReport | None:
    """The result of a synchronous operation, None where the answer holds none."""
    data = inner(body, "data") or body or {}
    if kind is Kind.TIMESTAMPED_LYRICS:
        words = pick(data, "alignedWords", "aligned_words")
        # An empty list is an answer: nothing is sung in an instrumental.
        return read_words(words) if isinstance(data.get("alignedWords", data.get("aligned_words")), list) else None
    if kind is Kind.PERSONA and pick(data, "personaId", "persona_id") is not None:
        return read_id(data, "persona_id", "personaId", "persona_id")
    return None


def read_recovered(reply: GatewayReply, body: dict[str, Any] | None, meanings: Meanings) -> Reading:
    """Here the code of the body is the state: 201 at work, 200 something recovered, 500 with tracks nothing."""
    code = code_word((body or {}).get("code"))
    items = (body or {}).get("data")
    if body is None or not is_ok(reply):
        return unread(reply, meanings, complaint(reply, body) or shapeless(reply))
    if code == "201":
        return running(TaskStatus.PENDING)
    tracks = tuple(
        _recovered(track, item) for track, item in zip(read_tracks(items, _SONG), objects(items or []), strict=False)
    )
    if code == "200":
        return ended(tracks)
    reason = complaint(reply, body) or shapeless(reply)
    if code == "500" and (tracks or named_task(body)):
        return failed(tracks, reason.fault(ErrorCode.GENERATION_FAILED))
    return unread(reply, meanings, reason)


def _recovered(track: TaskTrack, item: dict[str, Any]) -> TaskTrack:
    word = code_word(item.get("error"))
    if (code_word(item.get("status")) or "").lower() != "failed" and track.ready:
        return track
    message = f"the gateway could not recover this track: {clean_message(word) or 'no reason given'}"
    return replace(track, links=(), fault=fault(ErrorCode.GENERATION_FAILED, message, gateway_code=word))
