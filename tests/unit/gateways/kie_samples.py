"""The jobs route of kie.ai: what it must receive for each kind, and its documented replies."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from suno_jobs.catalog.kinds import Kind
from tests.unit.gateways.conformance import SOURCE, Links, Sample
from tests.unit.gateways.record_info_samples import ANSWER, CDN, CUSTOM, OPTIONS, SONGS, TASK, UPLOAD, snake, wrapped

CREATE = "/api/v1/jobs/createTask"


def job_record(state: str, result: Any = "", **more: Any) -> dict[str, Any]:
    record = {
        "taskId": TASK,
        "model": "ai-music-api/generate",
        "state": state,
        "param": '{"input":{"model":"V6"}}',
        "resultJson": result if isinstance(result, str) else json.dumps(result),
        "failCode": "",
        "failMsg": "",
        "createTime": 1790000000000,
        "completeTime": 1790000090000,
        "costTime": 90,
        "creditsConsumed": 12,
    }
    return wrapped({**record, **more})


SONGS_JSON = {"code": 200, "data": [snake("a"), snake("b")]}
RUNNING = tuple(job_record(state) for state in ("waiting", "queuing", "generating"))
CALLBACK = wrapped({"callbackType": "complete", "task_id": TASK, "data": [snake("a"), snake("b")]})
WORDS = {"lyrics": CUSTOM["lyrics"], "style": CUSTOM["style"], "title": CUSTOM["title"]}
TUNING = {
    "vocal_gender": "f",
    "negative_tags": "drums",
    "style_weight": 0.61,
    "weirdness_constraint": 0.72,
    "audio_weight": 0.65,
}
SECTION = {"lyrics": "The kettle hums", "full_lyrics": "The kettle hums at six", "start_s": 10.5, "end_s": 20.75}
PARENT = {"task_id": "parent-task", "audio_id": "parent-track"}


def _sample(kind: Kind, operation: str, asked: dict[str, Any], given: dict[str, Any], done: Any, links: Any) -> Sample:
    return Sample(
        kind=kind,
        asked=asked,
        path=CREATE,
        body={"model": f"ai-music-api/{operation}", "input": given},
        answer=ANSWER,
        task_id=TASK,
        done=done,
        links=links,
        running=RUNNING,
        callbacks=(CALLBACK, {"taskId": TASK}),
    )


def _song(kind: Kind, operation: str, asked: dict[str, Any], given: dict[str, Any]) -> Sample:
    return _sample(kind, operation, asked, given, job_record("success", SONGS_JSON), SONGS)


def _file(kind: Kind, operation: str, asked: dict[str, Any], given: dict[str, Any], names: Iterable[str]) -> Sample:
    urls = [f"{CDN}/{name}" for name in names]
    link = {Kind.WAV: "wav", Kind.MP4: "video", Kind.COVER_ART: "image"}[kind]
    links: tuple[Links, ...] = tuple({link: url} for url in urls)
    return _sample(kind, operation, asked, given, job_record("success", {"resultUrls": urls}), links)


KIE_JOBS = (
    _song(
        Kind.MUSIC,
        "generate",
        {**CUSTOM, **OPTIONS, "persona_id": "p-1", "model": "v6-wild", "duration": 90, "variety": 0},
        {
            **WORDS,
            **TUNING,
            "custom_mode": True,
            "instrumental": False,
            "model": "V6_WILD",
            "persona_id": "p-1",
            "duration": 90,
            "variety": 0,
        },
    ),
    _song(
        Kind.MUSIC,
        "generate",
        {"prompt": "rain", "style": "folk"},
        {"custom_mode": False, "instrumental": False, "model": "V6", "prompt": "rain\nStyle: folk"},
    ),
    _song(
        Kind.EXTEND,
        "extend",
        {**CUSTOM, "source": SOURCE, "continue_at": 60.5},
        {**WORDS, "audio_id": "parent-track", "continue_at": 60.5, "model": "V6"},
    ),
    _song(
        Kind.UPLOAD_COVER,
        "upload-and-cover-audio",
        {**CUSTOM, "audio_url": UPLOAD, "duration": 120},
        {**WORDS, "upload_url": UPLOAD, "instrumental": False, "model": "V6", "duration": 120},
    ),
    _song(
        Kind.UPLOAD_EXTEND,
        "upload-and-extend-audio",
        {"audio_url": UPLOAD, "continue_at": 20, "prompt": "more of it"},
        {"upload_url": UPLOAD, "continue_at": 20, "prompt": "more of it", "instrumental": False, "model": "V6"},
    ),
    _song(
        Kind.ADD_VOCALS,
        "add-vocals",
        {**CUSTOM, **OPTIONS, "audio_url": UPLOAD, "model": "v6-mini"},
        {**WORDS, **TUNING, "upload_url": UPLOAD, "model": "V6_MINI"},
    ),
    _song(
        Kind.ADD_INSTRUMENTAL,
        "add-instrumental",
        {"audio_url": UPLOAD, "style": "piano", "title": "Calm", "negative_style": "drums", "model": "v5.5"},
        {"upload_url": UPLOAD, "tags": "piano", "title": "Calm", "negative_tags": "drums", "model": "V5_5"},
    ),
    _song(
        Kind.MASHUP,
        "mashup",
        {"audio_urls": [UPLOAD, f"{UPLOAD}?2"], **CUSTOM},
        {
            **WORDS,
            "upload_url_list": [UPLOAD, f"{UPLOAD}?2"],
            "custom_mode": True,
            "instrumental": False,
            "model": "V6",
        },
    ),
    _song(
        Kind.MASHUP,
        "mashup",
        {"audio_urls": [UPLOAD, f"{UPLOAD}?2"], "prompt": "both at once", "style": "folk", "title": "Calm"},
        {
            "upload_url_list": [UPLOAD, f"{UPLOAD}?2"],
            "custom_mode": False,
            "instrumental": False,
            "prompt": "both at once",
            "style": "folk",
            "title": "Calm",
            "model": "V6",
        },
    ),
    _song(
        Kind.REPLACE_SECTION,
        "replace-section",
        {**SECTION, "source": SOURCE, "style": "jazz", "title": "Calm", "negative_style": "rock"},
        {
            **PARENT,
            "prompt": "The kettle hums",
            "full_lyrics": "The kettle hums at six",
            "tags": "jazz",
            "title": "Calm",
            "negative_tags": "rock",
            "infill_start_s": 10.5,
            "infill_end_s": 20.75,
        },
    ),
    _song(
        Kind.SOUNDS,
        "sounds",
        {"prompt": "soft rain", "loop": False, "bpm": 120, "key": "Any"},
        {"prompt": "soft rain", "sound_loop": False, "sound_tempo": 120, "sound_key": "Any", "model": "V5_5"},
    ),
    _file(Kind.WAV, "convert-to-wav-format", {"source": SOURCE}, PARENT, ["a.wav"]),
    _file(
        Kind.MP4,
        "create-music-video",
        {"source": SOURCE, "author": "The Kettles", "brand": "kettle.example"},
        {**PARENT, "author": "The Kettles", "domain_name": "kettle.example"},
        ["a.mp4"],
    ),
    _file(Kind.COVER_ART, "cover-generate", {"source": SOURCE}, {"task_id": "parent-task"}, ["1.png", "2.png"]),
)
