"""The documented payloads of sunoapi.org, kie.ai and AnyInt, with lyrics of our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from suno_jobs.catalog.kinds import Kind
from tests.unit.gateways.conformance import SOURCE, Links, Sample

TASK = "5c79be8e"
CDN = "https://cdn.record-info.example"
UPLOAD = "https://files.example/hum.mp3"
PARENT = {"taskId": "parent-task", "audioId": "parent-track"}


def song(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "audioUrl": f"{CDN}/{name}.mp3",
        "sourceAudioUrl": f"{CDN}/source/{name}.mp3",
        "streamAudioUrl": f"{CDN}/stream/{name}",
        "sourceStreamAudioUrl": f"{CDN}/source-stream/{name}",
        "imageUrl": f"{CDN}/{name}.jpeg",
        "sourceImageUrl": f"{CDN}/source/{name}.jpeg",
        "prompt": "[Verse]\nThe kettle sings at six",
        "modelName": "chirp-v5",
        "title": "Kettle Song",
        "tags": "folk waltz",
        "createTime": "2026-01-01 00:00:00",
        "duration": 198.44,
    }


def snake(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "audio_url": f"{CDN}/{name}.mp3",
        "source_audio_url": f"{CDN}/source/{name}.mp3",
        "stream_audio_url": f"{CDN}/stream/{name}",
        "image_url": f"{CDN}/{name}.jpeg",
        "prompt": "[Verse]\nThe kettle sings at six",
        "model_name": "chirp-v5",
        "title": "Kettle Song",
        "tags": "folk waltz",
        "createTime": 1767225600000,
        "duration": "198.44",
    }


def wrapped(data: Any, code: Any = 200, msg: str = "success") -> dict[str, Any]:
    return {"code": code, "msg": msg, "data": data}


def record(response: Any, **state: Any) -> dict[str, Any]:
    return wrapped({"taskId": TASK, "response": response, "errorCode": None, "errorMessage": None, **state})


def music_record(status: str, songs: Any) -> dict[str, Any]:
    more = {"parentMusicId": "", "param": '{"prompt":"rain"}', "type": "GENERATE", "operationType": "generate"}
    return record({"taskId": TASK, "sunoData": songs}, status=status, **more)


SONGS: tuple[Links, ...] = tuple({"audio": f"{CDN}/{name}.mp3", "image": f"{CDN}/{name}.jpeg"} for name in ("a", "b"))
MUSIC_DONE = music_record("SUCCESS", [song("a"), song("b")])
MUSIC_RUNNING = (
    music_record("PENDING", None),
    {**wrapped({"taskId": TASK, "status": "PENDING", "response": None})},
    music_record("TEXT_SUCCESS", [{**song("a"), "audioUrl": ""}]),
    music_record("FIRST_SUCCESS", [song("a"), {**song("b"), "audioUrl": ""}]),
)
ANSWER = wrapped({"taskId": TASK})


def music_callbacks(stages: tuple[str, ...] = ("text", "first", "complete")) -> tuple[Any, ...]:
    callbacks = [wrapped({"callbackType": stage, "task_id": TASK, "data": [snake("a"), snake("b")]}) for stage in stages]
    failed = wrapped({"callbackType": "error", "task_id": TASK, "data": None}, 501, "Audio generation failed")
    flat = {"callbackType": "complete", "task_id": TASK, "data": [snake("a")]}
    shaped = {"code": 200, "data": {"taskId": TASK, "status": "SUCCESS", "response": {"sunoData": [song("a")]}}}
    return (*callbacks, failed, {**failed, "code": 400}, flat, shaped, {"taskId": TASK})


def _song_kind(kind: Kind, asked: dict[str, Any], body: dict[str, Any]) -> Sample:
    return Sample(
        kind=kind,
        asked=asked,
        path="",
        body=body,
        answer=ANSWER,
        task_id=TASK,
        done=MUSIC_DONE,
        links=SONGS,
        running=MUSIC_RUNNING,
        callbacks=music_callbacks(),
    )


OPTIONS = {
    "vocal_gender": "female",
    "negative_style": "drums",
    "style_weight": 0.61,
    "weirdness": 0.72,
    "audio_weight": 0.65,
}
THEIR_OPTIONS = {
    "vocalGender": "f",
    "negativeTags": "drums",
    "styleWeight": 0.61,
    "weirdnessConstraint": 0.72,
    "audioWeight": 0.65,
}
CUSTOM = {"lyrics": "[Verse]\nThe kettle sings at six", "style": "folk waltz", "title": "Kettle Song"}
THEIR_CUSTOM = {"prompt": "[Verse]\nThe kettle sings at six", "style": "folk waltz", "title": "Kettle Song"}


_SECTION = {"lyrics": "The kettle hums", "full_lyrics": "The kettle hums at six", "start_s": 10.5, "end_s": 20.75}
_SONG_KINDS: tuple[tuple[Kind, dict[str, Any], dict[str, Any]], ...] = (
    (
        Kind.MUSIC,
        {**CUSTOM, **OPTIONS, "persona_id": "p-1"},
        {**THEIR_CUSTOM, **THEIR_OPTIONS, "customMode": True, "instrumental": False, "model": "V5", "personaId": "p-1"},
    ),
    (
        Kind.EXTEND,
        {**CUSTOM, **OPTIONS, "source": SOURCE, "continue_at": 60.5, "model": "v4.5"},
        {
            **THEIR_CUSTOM,
            **THEIR_OPTIONS,
            "defaultParamFlag": True,
            "audioId": "parent-track",
            "continueAt": 60.5,
            "model": "V4_5",
        },
    ),
    (Kind.EXTEND, {"source": SOURCE}, {"defaultParamFlag": False, "audioId": "parent-track", "model": "V5"}),
    (
        Kind.UPLOAD_COVER,
        {"prompt": "as a shanty", "title": "Lamp", "audio_url": UPLOAD, "instrumental": True},
        {
            "uploadUrl": UPLOAD,
            "customMode": False,
            "instrumental": True,
            "model": "V5",
            "prompt": "as a shanty\nTitle: Lamp",
        },
    ),
    (
        Kind.UPLOAD_EXTEND,
        {"audio_url": UPLOAD, "prompt": "more of it"},
        {"uploadUrl": UPLOAD, "defaultParamFlag": False, "model": "V5", "prompt": "more of it"},
    ),
    (
        Kind.UPLOAD_EXTEND,
        {**CUSTOM, "audio_url": UPLOAD, "continue_at": 20},
        {**THEIR_CUSTOM, "uploadUrl": UPLOAD, "defaultParamFlag": True, "model": "V5", "continueAt": 20},
    ),
    (
        Kind.ADD_VOCALS,
        {**CUSTOM, **OPTIONS, "audio_url": UPLOAD},
        {**THEIR_CUSTOM, **THEIR_OPTIONS, "uploadUrl": UPLOAD},
    ),
    (
        Kind.ADD_INSTRUMENTAL,
        {"audio_url": UPLOAD, "style": "piano", "title": "Calm", "negative_style": "drums", "model": "v4.5plus"},
        {"uploadUrl": UPLOAD, "tags": "piano", "title": "Calm", "negativeTags": "drums", "model": "V4_5PLUS"},
    ),
    (
        Kind.MASHUP,
        {"audio_urls": [UPLOAD, f"{UPLOAD}?2"], **CUSTOM},
        {
            **THEIR_CUSTOM,
            "uploadUrlList": [UPLOAD, f"{UPLOAD}?2"],
            "customMode": True,
            "instrumental": False,
            "model": "V5",
        },
    ),
    (
        Kind.REPLACE_SECTION,
        {**_SECTION, "source": SOURCE, "style": "jazz", "title": "Calm", "negative_style": "rock"},
        {
            **PARENT,
            "prompt": "The kettle hums",
            "fullLyrics": "The kettle hums at six",
            "tags": "jazz",
            "title": "Calm",
            "negativeTags": "rock",
            "infillStartS": 10.5,
            "infillEndS": 20.75,
        },
    ),
    (
        Kind.SOUNDS,
        {"prompt": "soft rain", "loop": False, "bpm": 120, "key": "Any"},
        {"prompt": "soft rain", "soundLoop": False, "soundTempo": 120, "soundKey": "Any", "model": "V5"},
    ),
)

STEMS = {
    "vocals": "vocalUrl",
    "backing_vocals": "backingVocalsUrl",
    "drums": "drumsUrl",
    "bass": "bassUrl",
    "guitar": "guitarUrl",
    "piano": "pianoUrl",
    "keyboard": "keyboardUrl",
    "percussion": "percussionUrl",
    "strings": "stringsUrl",
    "synth": "synthUrl",
    "fx": "fxUrl",
    "brass": "brassUrl",
    "woodwinds": "woodwindsUrl",
}
SPLIT = {theirs: f"{CDN}/{ours}.mp3" for ours, theirs in STEMS.items()}


def stems_record(flag: str, response: Any) -> dict[str, Any]:
    return record(response, successFlag=flag, musicId="m-1", callbackUrl="https://x.example/", completeTime=1753782937000)


_VOCAL = {"originUrl": None, "vocalUrl": f"{CDN}/vocals.mp3", "instrumentalUrl": f"{CDN}/instrumental.mp3", "drumsUrl": None}
_REMOVAL = {"task_id": TASK, "vocal_removal_info": {"origin_url": "", "vocal_url": f"{CDN}/vocals.mp3"}}
_FILES = (
    Sample(
        kind=Kind.STEMS,
        asked={"source": SOURCE},
        path="",
        body={**PARENT, "type": "separate_vocal"},
        answer=ANSWER,
        task_id=TASK,
        done=stems_record("SUCCESS", _VOCAL),
        links=({"vocals": f"{CDN}/vocals.mp3", "instrumental": f"{CDN}/instrumental.mp3"},),
        running=(stems_record("PENDING", None),),
        callbacks=(wrapped(_REMOVAL), wrapped({"task_id": TASK}, 400, "failed")),
    ),
    Sample(
        kind=Kind.STEMS,
        asked={"source": SOURCE, "split": "all"},
        path="",
        body={**PARENT, "type": "split_stem"},
        answer=ANSWER,
        task_id=TASK,
        done=stems_record("SUCCESS", {"originUrl": f"{CDN}/origin.mp3", **SPLIT, "instrumentalUrl": None}),
        links=({"origin": f"{CDN}/origin.mp3", **{ours: f"{CDN}/{ours}.mp3" for ours in STEMS}},),
    ),
    Sample(
        kind=Kind.WAV,
        asked={"source": SOURCE},
        path="",
        body=PARENT,
        answer=ANSWER,
        task_id=TASK,
        done=record({"audioWavUrl": f"{CDN}/a.wav"}, successFlag="SUCCESS", musicId="m-1"),
        links=({"wav": f"{CDN}/a.wav"},),
        running=(record(None, successFlag="PENDING"), record({"audioWavUrl": None}, status="PENDING")),
        callbacks=(
            wrapped({"task_id": TASK, "audioWavUrl": f"{CDN}/a.wav"}),
            wrapped({"task_id": TASK, "audio_wav_url": f"{CDN}/a.wav"}),
            wrapped({"task_id": TASK, "audioWavUrl": None}, 400, "failed"),
        ),
    ),
    Sample(
        kind=Kind.WAV,
        asked={"source": SOURCE},
        path="",
        body=PARENT,
        answer=wrapped({"taskId": TASK}),
        task_id=TASK,
        done=record({"audio_wav_url": f"{CDN}/a.wav"}, status="SUCCESS"),
        links=({"wav": f"{CDN}/a.wav"},),
    ),
    Sample(
        kind=Kind.MP4,
        asked={"source": SOURCE, "author": "The Kettles", "brand": "kettle.example"},
        path="",
        body={**PARENT, "author": "The Kettles", "domainName": "kettle.example"},
        answer=ANSWER,
        task_id=TASK,
        done=record({"videoUrl": f"{CDN}/a.mp4"}, successFlag="SUCCESS"),
        links=({"video": f"{CDN}/a.mp4"},),
        running=(record(None, successFlag="PENDING"),),
        callbacks=(wrapped({"task_id": TASK, "video_url": f"{CDN}/a.mp4"}),),
    ),
    Sample(
        kind=Kind.COVER_ART,
        asked={"source": SOURCE},
        path="",
        body={"taskId": "parent-task"},
        answer=ANSWER,
        task_id=TASK,
        done=record({"images": [f"{CDN}/1.png", f"{CDN}/2.png"]}, successFlag=1, parentTaskId="parent-task"),
        links=({"image": f"{CDN}/1.png"}, {"image": f"{CDN}/2.png"}),
        running=(record(None, successFlag=0), record({"images": None}, successFlag=2)),
        callbacks=(wrapped({"taskId": TASK, "images": [f"{CDN}/1.png", f"{CDN}/2.png"]}),),
    ),
)

_DRAFTS = [
    {"text": "[Verse]\nThe kettle sings", "title": "Kettle", "status": "complete", "errorMessage": ""},
    {"text": "", "title": "", "status": "failed", "errorMessage": "no rhyme was found"},
]
_LYRICS = {"lyrics": [{"title": "Kettle", "text": "[Verse]\nThe kettle sings"}]}
_TIMES = [
    {"word": "[Verse]\nThe ", "success": True, "startS": 1.36, "endS": 1.79, "palign": 0},
    {"word": "kettle", "success": True, "startS": 1.8, "endS": 2, "palign": 0},
]


def _callback(stage: str, code: int, task_id: str) -> dict[str, Any]:
    """The field of the task id is taskId at sunoapi.org and task_id at kie.ai."""
    return wrapped({"callbackType": stage, task_id: TASK, "data": _DRAFTS}, code)


_WORDS = (
    *(
        Sample(
            kind=Kind.LYRICS,
            asked={"prompt": "a kettle"},
            path="",
            body={"prompt": "a kettle"},
            answer=ANSWER,
            task_id=TASK,
            done=record({"taskId": TASK, name: _DRAFTS}, status="SUCCESS"),
            result=_LYRICS,
            running=(record(None, status="PENDING"),),
            callbacks=(
                _callback("complete", 200, "taskId"),
                _callback("complete", 200, "task_id"),
                _callback("error", 400, "task_id"),
            ),
        )
        for name in ("data", "lyricsData")
    ),
    Sample(
        kind=Kind.TIMESTAMPED_LYRICS,
        asked={"source": SOURCE},
        path="",
        body=PARENT,
        answer=wrapped({"alignedWords": _TIMES, "waveformData": [0, 1], "hootCer": 0.38, "isStreamed": False}),
        task_id=None,
        result={
            "words": [
                {"word": "[Verse]\nThe", "start_s": 1.36, "end_s": 1.79},
                {"word": "kettle", "start_s": 1.8, "end_s": 2.0},
            ]
        },
    ),
    Sample(
        kind=Kind.PERSONA,
        asked={"source": SOURCE, "name": "Ada", "description": "a low voice", "style": "folk", "start_s": 0, "end_s": 20},
        path="",
        body={**PARENT, "name": "Ada", "description": "a low voice", "style": "folk", "vocalStart": 0, "vocalEnd": 20},
        answer=wrapped({"personaId": "a1b2c3d4", "name": "Ada", "description": "a low voice"}),
        task_id=None,
        result={"persona_id": "a1b2c3d4"},
    ),
)


def record_info_samples(paths: Mapping[Kind, str]) -> tuple[Sample, ...]:
    songs = (_song_kind(*each) for each in _SONG_KINDS)
    return tuple(replace(each, path=paths[each.kind]) for each in (*songs, *_FILES, *_WORDS) if each.kind in paths)


def with_v6(sample: Sample) -> Sample:
    """With the default model of sunoapi.org, whose lyrics are in a field of their own."""
    if sample.kind is Kind.SOUNDS or sample.body.get("model") != "V5":
        return sample
    body = {**sample.body, "model": "V6"}
    if "lyrics" in sample.asked:
        body["lyrics"] = body.pop("prompt")
    return replace(sample, body=body)


V6_SAMPLES = (
    replace(
        _song_kind(
            Kind.MUSIC,
            {"lyrics": "la", "model": "v6-wild", "duration": 90, "variety": 4},
            {
                "lyrics": "la",
                "customMode": True,
                "instrumental": False,
                "model": "V6_WILD",
                "duration": 90,
                "variety": 4,
            },
        ),
        path="/api/v1/generate",
    ),
    replace(
        _song_kind(
            Kind.ADD_VOCALS,
            {**CUSTOM, "negative_style": "drums", "audio_url": UPLOAD, "model": "v6"},
            {
                "lyrics": CUSTOM["lyrics"],
                "style": CUSTOM["style"],
                "title": CUSTOM["title"],
                "negativeTags": "drums",
                "uploadUrl": UPLOAD,
                "model": "V6",
            },
        ),
        path="/api/v1/generate/add-vocals",
    ),
)


def split_by_path(sample: Sample) -> Sample:
    """At AnyInt the path selects how to split stems, not a field."""
    body = {name: value for name, value in sample.body.items() if name != "type"}
    path = "/suno/split-stem" if sample.body.get("type") == "split_stem" else sample.path
    return replace(sample, body=body, path=path)
