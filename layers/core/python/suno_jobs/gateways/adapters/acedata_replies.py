"""Replies of Ace Data Cloud: of a synchronous operation, and of a stored task, which has the same format in ``response``.

The vendor's own packages disagree about when a task has ended, so each track is judged by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Media, Result
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.adapter import Body
from suno_jobs.gateways.adapters.acedata_requests import KINDS
from suno_jobs.gateways.error_rules import CONTENT_REJECTED, INVALID_REQUEST, ErrorReply, ErrorRules, fault
from suno_jobs.gateways.parsing import clean_message, code_text, inner, pick, single_line
from suno_jobs.gateways.protocol import TaskReport, TaskStatus, TaskTrack
from suno_jobs.gateways.reports import failed_report, finished_report, running_report
from suno_jobs.gateways.results import read_id, read_lyrics, read_timed_words, stems_by_title
from suno_jobs.gateways.tracks import TrackFields, as_objects, file_tracks, first_url, objects_in, read_tracks

MODELS: Mapping[str, str] = {
    "v3": "chirp-v3-0",
    "v3.5": "chirp-v3-5",
    "v4": "chirp-v4",
    "v4.5": "chirp-v4-5",
    "v4.5plus": "chirp-v4-5-plus",
    "v4.5all": "chirp-v4-5-all",
    "v5": "chirp-v5",
    "v5.5": "chirp-v5-5",
    "v6": "chirp-v6",
    "v6-wild": "chirp-v6-wild",
    "v6-mini": "chirp-v6-mini",
}

_TRACK = TrackFields(
    track_id=("id",),
    audio=("audio_url",),
    image=("image_large_url", "image_url"),
    video=("video_url",),
    lyrics=("lyric",),
    model=("model",),
    models=MODELS,
)
_TASK_RULES: ErrorRules = {
    "bad_request": INVALID_REQUEST,
    "forbidden": CONTENT_REJECTED,
    "content_rejected": CONTENT_REJECTED,
}
"""Ace accepts some orders and refuses them in the finished task, such as a mashup without a prompt."""
_TRACK_STATES = frozenset({"succeeded", "error", "pending", "running"})
_SONGS_WITHOUT_STATE = {Kind.CONCAT: 1, Kind.REPLACE_SECTION: 1, Kind.ADJUST_SPEED: 1, Kind.EXTRACT_STEM: 4}
_SONGS_OF_A_GENERATION = 2

TrackAndState = tuple[TaskTrack, str | None]


def error_fields(body: Body) -> tuple[str | None, Any]:
    error = pick(body, "error")
    if isinstance(error, dict):
        return code_text(error.get("code")), error.get("message")
    return None, error


def read_stored_task(kind: Kind, body: Body) -> TaskReport | None:
    if pick(body, "id") is None and "response" not in body:
        return None
    trace_id = single_line(pick(body, "trace_id"), 100)
    return read_response(kind, inner(body, "response"), finished=bool(pick(body, "finished_at")), trace_id=trace_id)


def read_response(kind: Kind, response: Body, *, finished: bool, trace_id: str | None) -> TaskReport:
    """``finished``: the task reports that it has ended. The response may contradict that, and then it decides."""
    if response.get("success") is False or pick(response, "error") is not None:
        return _failure(kind, response, finished=finished, trace_id=trace_id)
    if not KINDS[kind].result.is_files:
        return _data_report(kind, response, finished=finished)
    if KINDS[kind].result is Result.FILES:
        tracks = _files(kind, response)
        ended = any(track.ready for track in tracks) or (finished and response)
        return finished_report(tracks) if ended else running_report(TaskStatus.PENDING)
    return _progress(kind, response, finished=finished)


def _failure(kind: Kind, response: Body, *, finished: bool, trace_id: str | None) -> TaskReport:
    """An error without a code on an unfinished task is transient, as in the vendor's own SDK."""
    code, message = error_fields(response)
    tracks = _tracks(kind, response)
    if code is None and not finished:
        return running_report(TaskStatus.PENDING, tracks, (clean_message(message) or "success: false",))
    trace = single_line(pick(response, "trace_id"), 100) or trace_id
    return failed_report(tracks, ErrorReply((code,), message, trace).task_fault(_TASK_RULES))


def _tracks(kind: Kind, response: Body) -> tuple[TaskTrack, ...]:
    match KINDS[kind].result:
        case Result.TRACKS:
            return tuple(track for track, _ in _songs(response))
        case Result.STEMS:
            return stems_by_title(_finished_items(response), _TRACK.audio)
        case Result.FILES:
            return _files(kind, response)
        case _:
            return ()


def _data_report(kind: Kind, response: Body, *, finished: bool) -> TaskReport:
    """A task without data is still running, unless it has ended."""
    report = _RESULT[kind](response.get("data"))
    missing = report.fault is not None and report.fault.code is ErrorCode.NO_AUDIO
    return running_report(TaskStatus.PENDING) if missing and not (finished and response) else report


def _object(data: Any) -> Body:
    return next(iter(as_objects(data)), {})


_RESULT: Mapping[Kind, Callable[[Any], TaskReport]] = {
    Kind.LYRICS: read_lyrics,
    Kind.UPLOAD: lambda data: read_id(_object(data), "audio_id", "audio_id"),
    Kind.PERSONA: lambda data: read_id(_object(data), "persona_id", "persona_id"),
    Kind.TIMESTAMPED_LYRICS: lambda data: read_timed_words(_object(data).get("aligned_words")),
}


def _files(kind: Kind, response: Body) -> tuple[TaskTrack, ...]:
    """``data`` is a list on some pages and a single object on others."""
    items = as_objects(response.get("data"))
    if kind is Kind.MP4:
        return file_tracks("video", Media.VIDEO, [first_url(item, ("video_url",)) for item in items])
    return file_tracks("wav", Media.AUDIO, [first_url(item, ("file_url",)) for item in items])


def _progress(kind: Kind, response: Body, *, finished: bool) -> TaskReport:
    """A task has ended if it has ``finished_at`` and no track is running, or if the ``state`` of every track is terminal.

    The published example of a finished task has neither ``finished_at`` nor ``state``: there, audio for both songs is enough.
    A single song without ``state`` may be followed by the second one. Stems without ``state`` need ``finished_at``.
    """
    songs = _songs(response)
    states = {state for _, state in songs}
    unknown = sorted(state for state in states if state and state not in _TRACK_STATES)
    all_ended = bool(songs) and all(
        state in ("succeeded", "error") or (state is None and track.ready) for track, state in songs
    )
    stems = KINDS[kind].result is Result.STEMS
    enough = not stems and len(songs) >= _SONGS_WITHOUT_STATE.get(kind, _SONGS_OF_A_GENERATION)
    running = bool(states - {None, "succeeded", "error"})
    if (all_ended and (None not in states or enough)) or (finished and response and not running):
        tracks = _tracks(kind, response)
        if states == {"error"}:
            return failed_report(tracks, fault(ErrorCode.GENERATION_FAILED, "every track of the task failed"))
        return finished_report(tracks)
    if stems:
        return running_report(TaskStatus.PENDING, (), unknown)
    final = [track if state == "succeeded" else replace(track, links=()) for track, state in songs]
    ready = any(track.ready for track in final)
    return running_report(TaskStatus.FIRST_READY if ready else TaskStatus.PENDING, final, unknown)


def _state(item: Body) -> str | None:
    return (code_text(item.get("state")) or "").lower() or None


def _finished_items(response: Body) -> list[Body]:
    """Running and failed items are kept without audio, so that the positions of the others do not change."""
    items = objects_in(response.get("data"))
    return [item if _state(item) in (None, "succeeded") else {**item, "audio_url": None} for item in items]


def _songs(response: Body) -> list[TrackAndState]:
    """Each track with its ``state``. Running and failed tracks have no links: their audio is a preview, or none."""
    items = objects_in(response.get("data"))
    states = [_state(item) for item in items]
    failed = fault(ErrorCode.GENERATION_FAILED, "the gateway could not generate this track")
    return [
        (track if state in (None, "succeeded") else replace(track, links=(), fault=failed if state == "error" else None), state)
        for track, state in zip(read_tracks(items, _TRACK), states, strict=True)
    ]
