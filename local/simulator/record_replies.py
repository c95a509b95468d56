"""What sunoapi.org's family says of a task: the record-info of each kind of operation.

Words and types are as documented, odd as they are: the state is a status word, a ``successFlag`` that is a text, one that is a
number from 0 to 3, or the code in the body.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from local.simulator import words
from local.simulator.parts import TWELVE
from local.simulator.tasks import Report, Stage, TrackReport
from local.simulator.wire import Json

MODEL_NAMES = {
    "V3_5": "chirp-v3-5",
    "V4": "chirp-v4",
    "V4_5": "chirp-auk",
    "V4_5PLUS": "chirp-bluejay",
    "V4_5ALL": "chirp-auk-turbo",
    "V5": "chirp-crow",
    "V5_5": "chirp-fenix",
    "V6": "chirp-hawk",
    "V6_WILD": "chirp-hawk",
    "V6_MINI": "chirp-goose",
}
STRANGE = "MASTERING"
_STEMS = ("origin", "vocal", "instrumental", *TWELVE[1:], "piano")
_MUSIC_WORDS = {
    Stage.QUEUED: "PENDING",
    Stage.RUNNING: "PENDING",
    Stage.TEXT: "TEXT_SUCCESS",
    Stage.FIRST: "FIRST_SUCCESS",
    Stage.DONE: "SUCCESS",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where the gateways of the family spell the same thing differently, or where their pages show two spellings. ``sources``:
    tracks have the deprecated ``source_*`` links too."""

    lyrics_list: str = "data"
    lyrics_task_id: str = "task_id"
    lyrics_error: str = "errorMessage"
    wav_state: str = "successFlag"
    wav_url: str = "audioWavUrl"
    sources: bool = True


def fails(report: Report) -> bool:
    """A song of two takes fails as a whole when one does; its first take stays."""
    return report.failed or (report.done and report.work.comes_in_stages and "one_track_failed" in report.task.faults)


def failure_word(report: Report, word: str) -> str:
    faults = report.task.faults
    if "creation_failed" in faults:
        return "CREATE_TASK_FAILED"
    return "SENSITIVE_WORD_ERROR" if "content_rejected" in faults else word


def music(report: Report, dialect: Dialect) -> Json:
    return _head(report) | {
        "parentMusicId": "",
        "response": {"taskId": report.task.task_id, "sunoData": _tracks(report, dialect)},
        "status": _state(report, _MUSIC_WORDS[report.stage], "GENERATE_AUDIO_FAILED"),
        "type": report.work.operation.upper().replace("-", "_"),
        "operationType": report.work.operation.replace("-", "_"),
    }


def lyrics(report: Report, dialect: Dialect) -> Json:
    items = [lyric(report, track, "errorMessage") for track in texts(report)]
    return _head(report) | {
        "response": {"taskId": report.task.task_id, dialect.lyrics_list: items} if items else None,
        "status": _state(report, _plain_word(report), "GENERATE_LYRICS_FAILED"),
        "type": "LYRICS",
    }


def wav(report: Report, dialect: Dialect) -> Json:
    url = report.track().url if report.done else None
    return _file_head(report) | {
        "response": {dialect.wav_url: url} if report.done and not report.failed else None,
        dialect.wav_state: _state(report, _plain_word(report), "GENERATE_WAV_FAILED"),
    }


def vocal_removal(report: Report, _: Dialect) -> Json:
    """Every stem that there could be has its field; it is null when there is none."""
    shown = report.done and not report.failed
    urls = {track.name: track.url for track in report.tracks()}
    return _file_head(report) | {
        "response": {_camel(name) + "Url": urls.get(name) for name in _STEMS} if shown else None,
        "successFlag": _state(report, _plain_word(report), "GENERATE_AUDIO_FAILED"),
    }


def mp4(report: Report, _: Dialect) -> Json:
    shown = report.done and not report.failed
    return _file_head(report) | {
        "response": {"videoUrl": report.track().url} if shown else None,
        "successFlag": _state(report, _plain_word(report), "CREATE_TASK_FAILED"),
    }


def cover_art(report: Report, _: Dialect) -> Json:
    """The one ``successFlag`` that is a number: 0 pending, 1 success, 2 generating, 3 failed."""
    source = report.work.source
    flag = 0 if report.stage is Stage.QUEUED else 2
    if report.strange:
        flag = 7
    elif report.done:
        flag = 3 if report.failed else 1
    return _head(report) | {
        "parentTaskId": source.task.task_id if source else None,
        "response": {"images": images(report)} if flag == 1 else None,
        "successFlag": flag,
        "completeTime": _time(report.finished_at) if report.done else None,
    }


def timestamped_lyrics(report: Report) -> Json:
    """As suno-easy reads it."""
    source = report.work.source
    if not report.track().there or source is None or source.take is None:
        return {"alignedWords": [], "waveformData": [], "hootCer": 0, "isStreamed": False}
    sung = words.sung(source.task.work.words, source.take.recording().duration_seconds)
    aligned = [{"word": each.word, "success": True, "startS": each.start_s, "endS": each.end_s, "palign": 0} for each in sung]
    return {"alignedWords": aligned, "waveformData": [0, 1, 0.5, 0.75], "hootCer": 0.38, "isStreamed": False}


def persona(report: Report) -> Json:
    fields = report.work.fields
    persona_id = report.track().track_id if report.track().there else None
    return {"personaId": persona_id, "name": fields["name"], "description": fields["description"]}


def style(report: Report) -> Json:
    return {"taskId": report.task.task_id, "result": words.style(report.work.words), "successFlag": "1"}


def uploaded(report: Report) -> Json:
    track, fields = report.track(), report.work.fields
    name = fields.get("fileName") or f"{track.track_id}.mp3"
    return {
        "fileName": name,
        "filePath": f"{fields['uploadPath']}/{name}",
        "downloadUrl": track.url,
        "fileSize": len(report.task.takes[0].recording().mp3),
        "mimeType": "audio/mpeg",
        "uploadedAt": datetime.fromtimestamp(report.task.created_at, UTC).isoformat(),
    }


RECORDS: Mapping[str, Callable[[Report, Dialect], Json]] = {
    "lyrics": lyrics,
    "wav": wav,
    "vocal-removal": vocal_removal,
    "split-stem": vocal_removal,
    "mp4": mp4,
    "cover-art": cover_art,
}
"""The record of each operation that makes no songs; all others have the one of ``music``."""

INSTANT: Mapping[str, Callable[[Report], Json]] = {
    "timestamped-lyrics": timestamped_lyrics,
    "style": style,
    "persona": persona,
    "upload-url": uploaded,
    "upload-base64": uploaded,
}
"""The data of the answer to each synchronous operation."""


def recovery_state(report: Report) -> tuple[int, str]:
    """The code in the body is the state: 201 running, 200 at least one track recovered, 500 none."""
    if not report.done:
        return 201, "Recovering"
    if any(track.there for track in report.tracks()):
        return 200, "success"
    return 500, "No track could be recovered"


def recovered(report: Report) -> list[Json]:
    return [
        {
            "id": track.track_id,
            "audio_url": track.url,
            "title": report.work.shown_title,
            "status": "success" if track.there else "failed",
            "error": None if track.there else "clip_error",
        }
        for track in report.tracks()
    ]


def texts(report: Report) -> list[TrackReport]:
    if not report.done or report.failed or "success_without_audio" in report.task.faults:
        return []
    return [track for track in report.tracks() if track.there or track.failed]


def lyric(report: Report, track: TrackReport, error_name: str) -> Json:
    if track.failed:
        return {"text": "", "title": "", "status": "failed", error_name: "Generation failed"}
    text = words.lyrics(report.work.words, track.track_id)
    return {"text": text, "title": report.work.shown_title, "status": "complete", error_name: ""}


def images(report: Report) -> list[str]:
    return [track.url for track in report.tracks() if track.url]


def _head(report: Report) -> Json:
    failed = fails(report)
    return {
        "taskId": report.task.task_id,
        "param": json.dumps(dict(report.work.fields)),
        "createTime": _time(report.task.created_at),
        "errorCode": _error_code(report) if failed else None,
        "errorMessage": report.failure if failed else None,
    }


def _error_code(report: Report) -> int:
    if "refunded_task" in report.task.faults:
        return 531
    return 400 if "rejected_artist" in report.task.faults else 500


def _file_head(report: Report) -> Json:
    source = report.work.source
    return _head(report) | {
        "musicId": source.take.track_id if source and source.take else None,
        "callbackUrl": report.work.callback_url,
        "completeTime": _time(report.finished_at) if report.done else None,
    }


def _state(report: Report, word: str, failure: str) -> str:
    if report.strange:
        return STRANGE
    if fails(report):
        return failure_word(report, failure)
    return "CALLBACK_EXCEPTION" if report.done and "callback_exception" in report.task.faults else word


def _plain_word(report: Report) -> str:
    return "SUCCESS" if report.stage is Stage.DONE else "PENDING"


def _tracks(report: Report, dialect: Dialect) -> list[Json]:
    if report.strange or report.failed or report.stage < Stage.TEXT:
        return []
    return [_track(report, track, dialect) for track in report.tracks()]


def _track(report: Report, track: TrackReport, dialect: Dialect) -> Json:
    shown: Json = {
        "id": track.track_id,
        "audioUrl": track.url or "",
        "streamAudioUrl": track.preview_url,
        "imageUrl": track.image_url,
        "prompt": report.work.words,
        "modelName": MODEL_NAMES.get(report.work.model, ""),
        "title": report.work.shown_title,
        "tags": report.work.style,
        "createTime": _time(report.task.created_at),
        "duration": track.duration,
    }
    if dialect.sources:
        shown |= {
            "sourceAudioUrl": track.url or "",
            "sourceStreamAudioUrl": track.preview_url,
            "sourceImageUrl": track.image_url,
        }
    return shown


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")
