"""Ace Data Cloud beyond music: the documented payloads of every kind, and reading many tasks at once."""

from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.adapters.acedata import AceData
from suno_jobs.gateways.adapters.crun import Crun
from suno_jobs.gateways.protocol import Accepted, Ambiguous, BatchReading, Done, ReadFailed, Refused, TaskReport, TaskStatus
from tests.unit.gateways.acedata_samples import FINISHED, TASK, TRACE, task
from tests.unit.gateways.conformance import SOURCE, Conformance, Sample, links_of, reply

GATEWAY = AceData()
CDN = "https://cdn.example"
UPLOAD = "https://files.example/hum.mp3"
ACCEPTED = {"success": True, "task_id": TASK, "trace_id": TRACE}


def song(name: str, title: str = "Kettle Song", **fields: Any) -> dict[str, Any]:
    return {
        "id": name,
        "title": title,
        "image_url": f"{CDN}/{name}.jpeg",
        "image_large_url": f"{CDN}/{name}-large.jpeg",
        "lyric": "[Verse]\nThe kettle sings at six",
        "audio_url": f"{CDN}/{name}.mp3",
        "video_url": f"{CDN}/{name}.mp4",
        "created_at": "2025-12-13T11:29:25.101Z",
        "model": "chirp-v5",
        "state": "succeeded",
        "style": "folk waltz",
        "duration": 154.44,
        **fields,
    }


def result(data: Any) -> dict[str, Any]:
    return {"success": True, "task_id": TASK, "trace_id": TRACE, "data": data}


def links(name: str) -> dict[str, str]:
    return {"audio": f"{CDN}/{name}.mp3", "image": f"{CDN}/{name}-large.jpeg", "video": f"{CDN}/{name}.mp4"}


RUNNING = (task(None), task({"success": True, "task_id": TASK}), task(result([])))
FAILURE = {"success": False, "task_id": TASK, "trace_id": TRACE, "error": {"code": "api_error", "message": "fetch failed"}}


def audios(kind: Kind, action: str, asked: dict[str, Any], body: dict[str, Any], **rest: Any) -> Sample:
    songs = {"done": task(result([song("a"), song("b")])), "links": (links("a"), links("b"))}
    return Sample(
        kind=kind,
        asked=asked,
        path="/suno/audios",
        body={"action": action, "async": True, **body},
        answer=rest.pop("answer", ACCEPTED),
        task_id=TASK,
        running=RUNNING,
        callbacks=(result([song("a")]), FAILURE),
        **(songs | rest),
    )


def operation(kind: Kind, path: str, asked: dict[str, Any], body: dict[str, Any], data: Any, **rest: Any) -> Sample:
    return Sample(
        kind=kind,
        asked=asked,
        path=path,
        body=body,
        answer=result(data),
        task_id=TASK,
        done=task(result(data)),
        running=(task(None), task({"success": True, "task_id": TASK})),
        **rest,
    )


WORDS = {
    "lyrics": "[Verse]\nThe kettle sings",
    "style": "folk waltz",
    "title": "Kettle Song",
    "negative_style": "drums",
    "vocal_gender": "female",
    "style_weight": 0.5,
    "weirdness": 0.25,
    "audio_weight": 1,
}
THEIR_WORDS = {
    "custom": True,
    "instrumental": False,
    "model": "chirp-v6",
    "lyric": "[Verse]\nThe kettle sings",
    "style": "folk waltz",
    "title": "Kettle Song",
    "negative_tags": "drums",
    "vocal_gender": "f",
    "style_influence": 0.5,
    "weirdness": 0.25,
    "audio_weight": 1,
}
PARENT = {"audio_id": "parent-track"}
SIMPLE = {"custom": False, "instrumental": False, "model": "chirp-v6", "prompt": "slower"}
NAMES = [
    *("Vocals", "Backing Vocals", "Drums", "Bass", "Guitar", "Keyboard"),
    *("Percussion", "Strings", "Synth", "FX", "Brass", "Woodwinds"),
]
ALL_STEMS = [
    song(f"s{part}-{number}", f"Kettle Song ({name})", video_url="") for part in (1, 2) for number, name in enumerate(NAMES)
]
STEM_LINKS = tuple(
    {name.lower().replace(" ", "_"): f"{CDN}/s{part}-{number}.mp3" for number, name in enumerate(NAMES)} for part in (1, 2)
)
SECTION = {"lyrics": "The kettle hums", "full_lyrics": "The kettle hums at six", "start_s": 28.9, "end_s": 85.4}
DRAFT = {"text": "[Verse]\nThe kettle sings", "title": "Kettle", "status": "complete"}
LYRICS = {"lyrics": [{"title": "Kettle", "text": "[Verse]\nThe kettle sings"}]}

EXTRACTED = [
    song(f"{part}{number}", f"Kettle Song ({'Without ' if part == 'r' else ''}Vocals)", stem_set=number)
    for number in (1, 2)
    for part in ("i", "r")
]
STEM_SETS = {
    "stem_sets": [
        {
            "stem_type": "vocals",
            "isolated": {"id": f"i{number}", "state": "succeeded", "stem_set": number},
            "remainder": {"id": f"r{number}", "state": "succeeded", "stem_set": number},
        }
        for number in (1, 2)
    ]
}

SAMPLES = (
    audios(
        Kind.MUSIC,
        "generate",
        {**WORDS, "duration": 75, "variety": 3, "max_mode": True},
        {**THEIR_WORDS, "duration": 75, "variety": "extra", "max_mode": True},
    ),
    audios(Kind.MUSIC, "generate", {"prompt": "slower", "variety": 0}, {**SIMPLE, "variety": "off"}),
    audios(
        Kind.SOUNDS,
        "sounds",
        {"prompt": "soft rain", "loop": True, "bpm": 90, "key": "C#m", "model": "v6"},
        {"sound": "soft rain", "sound_type": "loop", "bpm": 90, "key": "C#m", "model": "chirp-v6"},
    ),
    audios(Kind.SOUNDS, "sounds", {"prompt": "a click", "loop": False}, {"sound": "a click", "sound_type": "one-shot"}),
    audios(Kind.MUSIC, "generate", {"prompt": "slower"}, SIMPLE, answer={"task_id": TASK}),
    audios(
        Kind.REMASTER,
        "remaster",
        {"source": SOURCE, "variation": "subtle"},
        {**PARENT, "model": "chirp-v5", "variation_category": "subtle"},
    ),
    audios(
        Kind.INSPO,
        "inspo",
        {"audio_urls": [UPLOAD], "prompt": "slower"},
        {**SIMPLE, "audio_urls": [UPLOAD]},
    ),
    audios(
        Kind.ADJUST_SPEED,
        "adjust_speed",
        {"source": SOURCE, "speed": 0.5, "title": "Slow", "keep_pitch": False},
        {**PARENT, "speed_multiplier": 0.5, "title": "Slow", "keep_pitch": False},
        done=task(result([song("a")])),
        links=(links("a"),),
    ),
    audios(
        Kind.ADD_STEM,
        "add_stem",
        {
            **{name: WORDS[name] for name in ("style", "title", "style_weight", "weirdness", "audio_weight")},
            "source": SOURCE,
            "stem": "strings",
            "prompt": "long notes",
            "variety": 4,
            "max_mode": True,
        },
        {
            **{name: THEIR_WORDS[name] for name in ("style", "title", "style_influence", "weirdness", "audio_weight")},
            **PARENT,
            "stem_type": "strings",
            "prompt": "long notes",
            "variety": "max",
            "max_mode": True,
        },
    ),
    audios(
        Kind.EXTRACT_STEM,
        "extract_stem",
        {"source": SOURCE, "stem": "vocals"},
        {**PARENT, "stem_type": "vocals"},
        done=task(result(EXTRACTED) | STEM_SETS),
        links=tuple(links(each["id"]) for each in EXTRACTED),
    ),
    audios(Kind.EXTEND, "extend", {**WORDS, "source": SOURCE, "continue_at": 2}, {**THEIR_WORDS, **PARENT, "continue_at": 2}),
    audios(
        Kind.UPLOAD_EXTEND,
        "upload_extend",
        {"source": SOURCE, "continue_at": 2, "instrumental": True},
        {"custom": False, "instrumental": True, "model": "chirp-v6", **PARENT, "continue_at": 2},
    ),
    audios(Kind.COVER, "cover", {"source": SOURCE, "prompt": "slower"}, {**SIMPLE, **PARENT}),
    audios(Kind.UPLOAD_COVER, "upload_cover", {"source": SOURCE, "prompt": "slower"}, {**SIMPLE, **PARENT}),
    audios(
        Kind.ADD_VOCALS,
        "overpainting",
        {**WORDS, "source": SOURCE, "start_s": 0, "end_s": 120},
        {**THEIR_WORDS, **PARENT, "overpainting_start": 0, "overpainting_end": 120},
    ),
    audios(
        Kind.ADD_INSTRUMENTAL,
        "underpainting",
        {"source": SOURCE, "prompt": "slower", "end_s": 120},
        {**SIMPLE, **PARENT, "underpainting_end": 120},
    ),
    audios(
        Kind.REPLACE_SECTION,
        "replace_section",
        {**SECTION, "source": SOURCE, "style": "jazz", "model": "v4"},
        {
            "custom": False,
            "instrumental": False,
            "model": "chirp-v4",
            **PARENT,
            "prompt": "The kettle hums",
            "lyric": "The kettle hums at six",
            "style": "jazz",
            "replace_section_start": 28.9,
            "replace_section_end": 85.4,
        },
    ),
    audios(
        Kind.MASHUP,
        "mashup",
        {"sources": [SOURCE, {**SOURCE, "track_id": "parent-track-2"}], "prompt": "slower"},
        {**SIMPLE, "mashup_audio_ids": ["parent-track", "parent-track-2"]},
    ),
    audios(
        Kind.CONCAT,
        "concat",
        {"source": SOURCE},
        PARENT,
        done=task(result([song("a", state=None)])),
        links=(links("a"),),
    ),
    audios(
        Kind.STEMS,
        "stems",
        {"source": SOURCE},
        PARENT,
        done=task(result([song("v", "Deck the Sky - Vocals"), song("i", "Deck the Sky - Instrumental")])),
        links=({"vocals": f"{CDN}/v.mp3", "instrumental": f"{CDN}/i.mp3"},),
    ),
    audios(Kind.STEMS, "all_stems", {"source": SOURCE, "split": "all"}, PARENT, done=task(result(ALL_STEMS)), links=STEM_LINKS),
    Sample(
        kind=Kind.WAV,
        asked={"source": SOURCE},
        path="/suno/wav",
        body={**PARENT, "async": True},
        answer=ACCEPTED,
        task_id=TASK,
        done=task(result([{"file_url": f"{CDN}/a.wav"}])),
        links=({"wav": f"{CDN}/a.wav"},),
        running=(*RUNNING, task(result([{"file_url": ""}]))),
        callbacks=(result([{"file_url": f"{CDN}/a.wav"}]),),
    ),
    operation(
        Kind.MP4,
        "/suno/mp4",
        {"source": SOURCE},
        PARENT,
        {"video_url": f"{CDN}/a.mp4"},
        links=({"video": f"{CDN}/a.mp4"},),
    ),
    operation(
        Kind.UPLOAD,
        "/suno/upload",
        {"audio_url": UPLOAD},
        {"audio_url": UPLOAD},
        {"audio_id": "u-1", "audio_url": f"{CDN}/u-1.mp3", "title": "up", "duration": 131.16},
        result={"audio_id": "u-1"},
    ),
    operation(
        Kind.LYRICS, "/suno/lyrics", {"prompt": "a kettle"}, {"prompt": "a kettle", "model": "default"}, DRAFT, result=LYRICS
    ),
    operation(
        Kind.LYRICS,
        "/suno/lyrics",
        {"prompt": "a kettle", "model": "remi-v1"},
        {"prompt": "a kettle", "model": "remi-v1"},
        [DRAFT, {**DRAFT, "tags": ["folk"]}],
        result={"lyrics": LYRICS["lyrics"] * 2},
    ),
    operation(
        Kind.PERSONA,
        "/suno/persona",
        {"source": SOURCE, "name": "Ada", "description": "low"},
        {**PARENT, "name": "Ada", "description": "low"},
        {"persona_id": "p-1"},
        result={"persona_id": "p-1"},
    ),
    operation(
        Kind.TIMESTAMPED_LYRICS,
        "/suno/timing",
        {"source": SOURCE},
        PARENT,
        {
            "aligned_words": [{"word": "kettle ", "success": True, "start_s": 2.63, "end_s": 3.43, "p_align": 0.531}],
            "waveform_data": [0.02, 0.01],
            "hoot_cer": 0.35,
            "is_streamed": False,
        },
        result={"words": [{"word": "kettle", "start_s": 2.63, "end_s": 3.43}]},
    ),
)


class TestAceData(Conformance):
    gateway = GATEWAY
    samples = SAMPLES


def read(kind: Kind, body: Any) -> TaskReport:
    got = GATEWAY.read_status(kind, reply(body))
    assert isinstance(got, TaskReport)
    return got


def test_a_track_field_by_field() -> None:
    (track,) = read(Kind.COVER, task(result([song("a")]))).tracks
    assert (track.track_id, track.title, track.duration_seconds, track.model) == ("a", "Kettle Song", 154.44, "v5")
    assert [(link.name, link.media, link.required) for link in track.links] == [
        ("audio", "audio", True),
        ("image", "image", False),
        ("video", "video", False),
    ]


def test_stems_wait_for_the_last_one() -> None:
    some = [song("v", "Rain (Vocals)"), song("d", "Rain (Drums)", state="running")]
    assert read(Kind.STEMS, task(result(some))) == TaskReport(TaskStatus.PENDING)
    bare = [song("v", "Rain (Vocals)", state=None), song("d", "Rain (Drums)", state=None)]
    assert read(Kind.STEMS, task(result(bare))).status is TaskStatus.PENDING, "there may be ten more"
    assert read(Kind.STEMS, task(result(bare), **FINISHED)).status is TaskStatus.SUCCEEDED
    odd = [song("v", "Rain (Vocals)", state="polishing")]
    assert read(Kind.STEMS, task(result(odd))).unknown_statuses == ("polishing",)


def test_one_failed_stem_does_not_lose_the_others() -> None:
    got = read(Kind.STEMS, task(result([song("v", "Rain (Vocals)"), song("d", "Rain (Drums)", state="error")])))
    assert (got.status, [links_of(track) for track in got.tracks]) == ("succeeded", [{"vocals": f"{CDN}/v.mp3"}])
    got = read(Kind.STEMS, task(result([song("v", "Rain (Vocals)", state="error")])))
    assert got.fault is not None
    assert (got.status, got.fault.code) == ("failed", ErrorCode.GENERATION_FAILED)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Kind.WAV, [{"file_url": "None"}]),
        (Kind.WAV, None),
        (Kind.MP4, {"video_url": ""}),
        (Kind.UPLOAD, {"audio_id": None}),
        (Kind.LYRICS, []),
        (Kind.PERSONA, {"persona_id": "a b"}),
        (Kind.TIMESTAMPED_LYRICS, {"aligned_words": [{"word": "x", "start_s": None, "end_s": 1}]}),
    ],
)
def test_a_result_without_usable_data_is_pending_and_finally_a_failure(kind: Kind, data: Any) -> None:
    assert read(kind, task(result(data))) == TaskReport(TaskStatus.PENDING)
    got = read(kind, task(result(data), **FINISHED))
    assert got.fault is not None
    assert (got.status, got.fault.code) == (TaskStatus.FAILED, ErrorCode.NO_AUDIO)
    if GATEWAY.kinds[kind].synchronous:
        assert GATEWAY.read_submission(kind, reply(result(data))) == Accepted(TASK), "the task may provide it later"
        assert isinstance(GATEWAY.read_submission(kind, reply({"success": True, "data": data})), Ambiguous)


@pytest.mark.parametrize("kind", [Kind.WAV, Kind.MP4, Kind.LYRICS, Kind.STEMS])
def test_failures(kind: Kind) -> None:
    got = read(kind, task(FAILURE, **FINISHED))
    assert got.fault is not None
    assert (got.status, got.fault.code) == (TaskStatus.FAILED, ErrorCode.GENERATION_FAILED)
    assert (got.fault.gateway_code, got.fault.trace_id) == ("api_error", TRACE)
    assert read(kind, task({"success": False, "error": "fetch failed"})).unknown_statuses == ("fetch failed",)


def test_failed_lyrics_are_a_failure() -> None:
    got = GATEWAY.read_submission(Kind.LYRICS, reply(result([{"text": "", "title": "", "status": "failed"}])))
    assert isinstance(got, Done)
    assert got.report.fault is not None
    assert got.report.fault.code is ErrorCode.GENERATION_FAILED


def test_a_refused_operation_keeps_its_trace_id() -> None:
    body = {"success": False, "error": {"code": "forbidden", "message": "an artist's name"}, "trace_id": TRACE}
    got = GATEWAY.read_submission(Kind.LYRICS, reply(body, 403))
    assert isinstance(got, Refused)
    assert (got.fault.code, got.fault.trace_id) == (ErrorCode.CONTENT_REJECTED, TRACE)


# Many tasks at once


def test_batch_request() -> None:
    assert isinstance(GATEWAY, BatchReading)
    assert not isinstance(Crun(), BatchReading)
    assert GATEWAY.batch_size == 50
    request = GATEWAY.batch_request(["a", "b"])
    assert (request.method, request.path, request.json) == (
        "POST",
        "/suno/tasks",
        {"ids": ["a", "b"], "action": "retrieve_batch"},
    )


def test_a_batch_may_be_unordered_and_incomplete() -> None:
    items = [
        {**task(result([{"file_url": f"{CDN}/a.wav"}])), "id": "b"},
        {**task(None), "id": "a"},
        {**task(None), "id": "not-asked"},
        {"id": 5},
        "odd",
    ]
    kinds = {"a": Kind.MUSIC, "b": Kind.WAV, "c": Kind.MUSIC}
    got = GATEWAY.read_batch(kinds, reply({"items": items, "count": 3}))
    assert isinstance(got, dict)
    assert {name: each.status for name, each in got.items()} == {"a": "pending", "b": "succeeded"}


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 200), ({}, 200), ({"items": None}, 200), ({"items": []}, 500), ({"error": {"code": "invalid_token"}}, 401)],
)
def test_a_batch_that_cannot_be_read(body: Any, status: int) -> None:
    assert isinstance(GATEWAY.read_batch({"a": Kind.MUSIC}, reply(body, status)), ReadFailed)


def test_the_published_answers_of_stored_tasks() -> None:
    """Their songs have neither state nor finished_at, and a model name of an older form."""
    songs = [song(name, state=None, model="chirp-v3.5", duration=154.44) for name in ("a", "b")]
    for each in songs:
        del each["state"], each["image_large_url"]
    one = task({"success": True, "task_id": TASK, "data": songs}, request={"action": "generate", "prompt": "a kettle"})
    got = read(Kind.MUSIC, one)
    assert (got.status, [track.model for track in got.tracks]) == (TaskStatus.SUCCEEDED, ["chirp-v3.5"] * 2)
    assert links_of(got.tracks[0]) == {**links("a"), "image": f"{CDN}/a.jpeg"}
    other = {**one, "id": "0d3ed03b-912b-4f7d-941b-8441323cb77b"}
    batch = GATEWAY.read_batch({TASK: Kind.MUSIC, other["id"]: Kind.MUSIC}, reply({"items": [other, one], "count": 2}))
    assert batch == {TASK: got, other["id"]: got}


def test_model_names_of_suno_become_ours() -> None:
    assert read(Kind.CONCAT, task(result([song("a", model="chirp-auk")]))).tracks[0].model == "v4.5"
