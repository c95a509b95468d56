"""Replies of Ace Data Cloud: of a synchronous call, of a callback and, under ``response``, of a stored task.

Its own packages disagree about when a task is done, so it is judged per track here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.acedata_requests import KINDS
from suno_jobs.gateways.base import Kind, Media, Result, TaskReport, TaskStatus, TaskTrack
from suno_jobs.gateways.replies import clean_message, code_word, inner, pick, plain
from suno_jobs.gateways.results import read_id, read_lyrics, read_words, stems_by_title
from suno_jobs.gateways.tracks import Spelling, ended, failed, files, first_url, objects, read_tracks, running
from suno_jobs.gateways.verdicts import Complaint, fault

MODELS: Mapping[str, str] = {
    "v3": "chirp-v3-0",
    "v3.5": "chirp-v3-5",
    "v4": "chirp-v4",
    "v4.5": "chirp-v4-5",
    "v4.5plus": "chirp-v4-5-plus",
    "v4.5all": "chirp-v4-5-all",
    "v5": "chirp-v5",
    "v5.5": "chirp-v5-5",
}

_TRACK = Spelling(
    track_id=("id",),
    audio=("audio_url",),
    image=("image_large_url", "image_url"),
    video=("video_url",),
    lyrics=("lyric",),
    model=("model",),
    models=MODELS,
)
_TRACK_STATES = frozenset({"succeeded", "error", "pending", "running"})
_SONGS_WITHOUT_STATE = {Kind.CONCAT: 1, Kind.REPLACE_SECTION: 1}
_SONGS_OF_A_GENERATION = 2

Song = tuple[TaskTrack, str | None]


def error_of(body: dict[str, Any]) -> tuple[str | None, Any]:
    error = pick(body, "error")
    if isinstance(error, dict):
        return code_word(error.get("code")), error.get("message")
    return None, error


def read_response(kind: Kind, response: dict[str, Any], *, finished: bool, trace_id: str | None) -> TaskReport:
    """``finished`` is what the task itself says of its end; the response has the last word."""
    if response.get("success") is False or pick(response, "error") is not None:
        return _failure(kind, response, finished=finished, trace_id=trace_id)
    if not KINDS[kind].result.is_files:
        return _told(kind, response, finished=finished)
    if KINDS[kind].result is Result.FILES:
        tracks = _files(kind, response)
        return ended(tracks) if any(track.ready for track in tracks) or (finished and response) else running(TaskStatus.PENDING)
    return _progress(kind, response, finished=finished)


def _failure(kind: Kind, response: dict[str, Any], *, finished: bool, trace_id: str | None) -> TaskReport:
    """A bare text as error on a task that is not finished is a passing hiccup, as the vendor's own SDK has it."""
    word, message = error_of(response)
    tracks = _tracks(kind, response)
    if word is None and not finished:
        return running(TaskStatus.PENDING, tracks, (clean_message(message) or "success: false",))
    code = ErrorCode.CONTENT_REJECTED if word == "forbidden" else ErrorCode.GENERATION_FAILED
    trace = plain(pick(response, "trace_id"), 100) or trace_id
    return failed(tracks, Complaint((word,), message, trace).fault(code))


def _tracks(kind: Kind, response: dict[str, Any]) -> tuple[TaskTrack, ...]:
    match KINDS[kind].result:
        case Result.TRACKS:
            return tuple(track for track, _ in _songs(response))
        case Result.STEMS:
            return stems_by_title(_finished_items(response), _TRACK.audio)
        case Result.FILES:
            return _files(kind, response)
        case _:
            return ()


def _told(kind: Kind, response: dict[str, Any], *, finished: bool) -> TaskReport:
    """Results that are no files: they are there or not yet."""
    report = _RESULT[kind](response.get("data"))
    missing = report.fault is not None and report.fault.code is ErrorCode.NO_AUDIO
    return running(TaskStatus.PENDING) if missing and not (finished and response) else report


def _object(data: Any) -> dict[str, Any]:
    return next(iter(objects(data)), {})


_RESULT: Mapping[Kind, Callable[[Any], TaskReport]] = {
    Kind.LYRICS: read_lyrics,
    Kind.UPLOAD: lambda data: read_id(_object(data), "audio_id", "audio_id"),
    Kind.PERSONA: lambda data: read_id(_object(data), "persona_id", "persona_id"),
    Kind.TIMESTAMPED_LYRICS: lambda data: read_words(_object(data).get("aligned_words")),
}


def _files(kind: Kind, response: dict[str, Any]) -> tuple[TaskTrack, ...]:
    """A list or a single object, on some pages the one, on others the other."""
    items = objects(response.get("data"))
    if kind is Kind.MP4:
        return files("video", Media.VIDEO, [first_url(item, ("video_url",)) for item in items])
    return files("wav", Media.AUDIO, [first_url(item, ("file_url",)) for item in items])


def _progress(kind: Kind, response: dict[str, Any], *, finished: bool) -> TaskReport:
    """Done when Ace gives ``finished_at`` and no track still says it is under way, or when every track says how it ended.

    The published example of a finished task has neither ``finished_at`` nor ``state``: audio for both songs of a generation
    is enough there. A single song without ``state`` may still get its sibling. Stems without ``state`` wait for the end.
    """
    songs = _songs(response)
    states = {state for _, state in songs}
    unknown = sorted(state for state in states if state and state not in _TRACK_STATES)
    told = bool(songs) and all(state in ("succeeded", "error") or (state is None and track.ready) for track, state in songs)
    stems = KINDS[kind].result is Result.STEMS
    enough = not stems and len(songs) >= _SONGS_WITHOUT_STATE.get(kind, _SONGS_OF_A_GENERATION)
    under_way = bool(states - {None, "succeeded", "error"})
    if (told and (None not in states or enough)) or (finished and response and not under_way):
        tracks = _tracks(kind, response)
        if states == {"error"}:
            return failed(tracks, fault(ErrorCode.GENERATION_FAILED, "every track of the task failed"))
        return ended(tracks)
    if stems:
        return running(TaskStatus.PENDING, (), unknown)
    final = [track if state == "succeeded" else replace(track, links=()) for track, state in songs]
    ready = any(track.ready for track in final)
    return running(TaskStatus.FIRST_READY if ready else TaskStatus.PENDING, final, unknown)


def _state(item: dict[str, Any]) -> str | None:
    return (code_word(item.get("state")) or "").lower() or None


def _items(response: dict[str, Any]) -> list[dict[str, Any]]:
    data = response.get("data")
    return objects(data) if isinstance(data, list) else []


def _finished_items(response: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that are under way or failed are kept, without their audio, so that the others keep their places."""
    items = _items(response)
    return [item if _state(item) in (None, "succeeded") else {**item, "audio_url": None} for item in items]


def _songs(response: dict[str, Any]) -> list[Song]:
    """Each track beside its ``state``. The audio of a track that is under way is a preview, of a failed one nothing."""
    items = _items(response)
    states = [_state(item) for item in items]
    songs = zip(read_tracks(items, _TRACK), states, strict=True)
    return [(track if state in (None, "succeeded") else _without_audio(track, state), state) for track, state in songs]


def _without_audio(track: TaskTrack, state: str) -> TaskTrack:
    reason = fault(ErrorCode.GENERATION_FAILED, "the gateway could not make this track") if state == "error" else None
    return replace(track, links=(), fault=reason)


def task_tracing(body: dict[str, Any]) -> tuple[dict[str, Any], bool, str | None]:
    """Of a stored task: its response, whether it is finished, and its trace id."""
    return inner(body, "response"), bool(pick(body, "finished_at")), plain(pick(body, "trace_id"), 100)
