"""What sunoapi.org's family posts to a callback URL: bodies in snake case, wrapped in ``{code, msg, data}``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from local.simulator.record_replies import (
    MODEL_NAMES,
    Dialect,
    fails,
    images,
    lyric,
    recovered,
    recovery_state,
    texts,
)
from local.simulator.tasks import Report, Stage, TrackReport
from local.simulator.wire import Json

_TYPES = {Stage.TEXT: "text", Stage.FIRST: "first", Stage.DONE: "complete"}
_MESSAGES = {
    Stage.TEXT: "Text generation completed successfully.",
    Stage.FIRST: "First track generated successfully.",
    Stage.DONE: "All generated successfully.",
}
_REFUSED_WORDS = 400
_FAILED = 501


def wrapped(report: Report, dialect: Dialect) -> Json:
    """The whole body."""
    if report.work.recovers:
        code, message = recovery_state(report)
        return {"code": code, "msg": message, "task_id": report.task.task_id, "data": recovered(report)}
    failed = report.stage is Stage.DONE and fails(report)
    data = _DATA.get(report.work.operation, _music)(report, dialect)
    if failed:
        return {"code": _failure_code(report), "msg": report.failure, "data": data}
    return {"code": 200, "msg": _MESSAGES[report.stage], "data": data}


def _failure_code(report: Report) -> int:
    if "content_rejected" in report.task.faults or report.work.operation in ("extend", "wav"):
        return _REFUSED_WORDS
    return _FAILED


def _music(report: Report, dialect: Dialect) -> Json:
    failed = report.stage is Stage.DONE and fails(report)
    return {
        "callbackType": "error" if failed else _TYPES[report.stage],
        "task_id": report.task.task_id,
        "data": None if failed else [snake_track(report, track, dialect) for track in report.tracks()],
    }


def _lyrics(report: Report, dialect: Dialect) -> Json:
    items = [lyric(report, track, dialect.lyrics_error) for track in texts(report)]
    return {
        "callbackType": "error" if report.failed else "complete",
        dialect.lyrics_task_id: report.task.task_id,
        "data": None if report.failed else items,
    }


def _vocal_removal(report: Report, _: Dialect) -> Json:
    info = {f"{track.name}_url": track.url for track in report.tracks()}
    return {"task_id": report.task.task_id, "vocal_removal_info": None if report.failed else info}


def _wav(report: Report, dialect: Dialect) -> Json:
    return {"task_id": report.task.task_id, dialect.wav_url: report.track().url}


def _mp4(report: Report, _: Dialect) -> Json:
    return {"task_id": report.task.task_id, "video_url": report.track().url}


def _cover_art(report: Report, _: Dialect) -> Json:
    return {"taskId": report.task.task_id, "images": None if report.failed else images(report)}


_DATA: Mapping[str, Callable[[Report, Dialect], Json]] = {
    "lyrics": _lyrics,
    "vocal-removal": _vocal_removal,
    "split-stem": _vocal_removal,
    "wav": _wav,
    "mp4": _mp4,
    "cover-art": _cover_art,
}


def snake_track(report: Report, track: TrackReport, dialect: Dialect) -> Json:
    shown: Json = {
        "id": track.track_id,
        "audio_url": track.url or "",
        "stream_audio_url": track.preview_url,
        "image_url": track.image_url,
        "title": report.work.shown_title,
        "tags": report.work.style,
        "duration": track.duration,
    }
    if dialect.sources:
        shown |= {
            "source_audio_url": track.url or "",
            "source_stream_audio_url": track.preview_url,
            "source_image_url": track.image_url,
            "prompt": report.work.words,
            "model_name": MODEL_NAMES.get(report.work.model, ""),
            "createTime": int(report.task.created_at * 1000),
        }
    return shown
