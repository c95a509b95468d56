"""TTAPI beyond music: the documented payloads of every kind."""

from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.catalog.inputs import INPUTS
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.adapters.ttapi import TTAPI
from suno_jobs.gateways.protocol import Ambiguous, Done, TaskReport, TaskStatus
from tests.unit.gateways.conformance import SOURCE, Conformance, Sample, links_of, reply

CDN = "https://cdn.ttapi.example"
UPLOAD = "https://files.example/hum.mp3"
ACCEPTED = {"status": "SUCCESS", "message": "success", "data": {"jobId": "J1"}}
NEWER = {"status": "SUCCESS", "message": "success", "data": {"job_id": "J1"}}


def music(name: str, title: str = "Kettle Song") -> dict[str, Any]:
    return {
        "musicId": name,
        "prompt": "[Verse]\nThe kettle sings at six",
        "title": title,
        "tags": "folk waltz",
        "imageUrl": f"{CDN}/{name}.png",
        "imageLargeUrl": f"{CDN}/{name}-large.png",
        "audioUrl": f"{CDN}/{name}.mp3",
        "videoUrl": f"{CDN}/{name}.mp4",
        "duration": "211.44",
        "negativeTags": "",
        "createdAt": "2026-04-13T08:00:00Z",
    }


def fetched(action: str, musics: Any, status: str = "SUCCESS", progress: Any = "100%") -> dict[str, Any]:
    data = {"jobId": "J1", "action": action, "progress": progress, "mv": "chirp-v5", "quota": "6", "musics": musics}
    return {"status": status, "message": "success", "jobId": "J1", "data": data}


def links(name: str) -> dict[str, str]:
    return {"audio": f"{CDN}/{name}.mp3", "image": f"{CDN}/{name}-large.png", "video": f"{CDN}/{name}.mp4"}


def song_kind(kind: Kind, path: str, asked: dict[str, Any], body: dict[str, Any], answer: Any = ACCEPTED) -> Sample:
    waiting = {"status": "PENDING_QUEUE", "message": None, "jobId": "J1", "data": {"jobId": "J1", "action": path}}
    return Sample(
        kind=kind,
        asked=asked,
        path=f"/suno/v1/{path}",
        body=body,
        answer=answer,
        task_id="J1",
        done=fetched(path, [music("m-1"), music("m-2")]),
        links=(links("m-1"), links("m-2")),
        running=(waiting, fetched(path, None, "ON_QUEUE", 40)),
        callbacks=(fetched(path, [music("m-1")]), fetched(path, None, "FAILED"), {"jobId": "J1"}, {"data": {"job_id": "J1"}}),
    )


WORDS = {
    "lyrics": "[Verse]\nThe kettle sings",
    "style": "folk waltz",
    "title": "Kettle Song",
    "negative_style": "drums",
    "vocal_gender": "male",
    "style_weight": 0.5,
    "weirdness": 0.25,
    "audio_weight": 1,
    "persona_id": "p-1",
}
THEIR_WORDS = {
    "custom": True,
    "instrumental": False,
    "isStorage": True,
    "mv": "chirp-v6",
    "prompt": "[Verse]\nThe kettle sings",
    "tags": "folk waltz",
    "title": "Kettle Song",
    "negative_tags": "drums",
    "vocal_gender": "Male",
    "style_weight": 0.5,
    "weirdness_constraint": 0.25,
    "audio_weight": 1,
    "persona_id": "p-1",
}
SIMPLE = {"custom": False, "instrumental": True, "isStorage": True, "mv": "chirp-v4", "gpt_description_prompt": "slower"}
STEMS = ["Vocals", "Backing Vocals", "Drums", "Bass", "Guitar", "Keyboard", "FX"]

SAMPLES = (
    song_kind(Kind.MUSIC, "music", {**WORDS, "duration": 75}, {**THEIR_WORDS, "duration": 75}, NEWER),
    song_kind(
        Kind.EXTEND,
        "extend",
        {"source": SOURCE, "continue_at": 61.5, "prompt": "slower", "instrumental": True, "model": "v4"},
        {**SIMPLE, "music_id": "parent-track", "continue_at": 61.5},
    ),
    song_kind(Kind.COVER, "cover", {**WORDS, "source": SOURCE}, {**THEIR_WORDS, "music_id": "parent-track"}, NEWER),
    song_kind(Kind.CONCAT, "concat", {"source": SOURCE}, {"music_id": "parent-track"}),
    song_kind(Kind.UPLOAD_COVER, "upload-cover", {**WORDS, "audio_url": UPLOAD}, {**THEIR_WORDS, "audio_url": UPLOAD}),
    song_kind(Kind.ADD_VOCALS, "add-vocals", {**WORDS, "source": SOURCE}, {**THEIR_WORDS, "music_id": "parent-track"}),
    song_kind(
        Kind.SOUNDS,
        "sounds",
        {"prompt": "soft rain", "loop": True, "bpm": 90, "key": "C#m", "model": "v5"},
        {"sound": "soft rain", "type": "loop", "bpm": 90, "key": "C#m", "mv": "chirp-v5"},
        NEWER,
    ),
    song_kind(Kind.SOUNDS, "sounds", {"prompt": "a click", "loop": False}, {"sound": "a click", "type": "one-shot"}),
    song_kind(Kind.SOUNDS, "sounds", {"prompt": "a click"}, {"sound": "a click"}),
    Sample(
        kind=Kind.STEMS,
        asked={"source": SOURCE, "split": "all"},
        path="/suno/v1/stems-all",
        body={"music_id": "parent-track"},
        answer=ACCEPTED,
        task_id="J1",
        done=fetched("stems-all", [music(f"m-{number}", f"Kettle Song ({name})") for number, name in enumerate(STEMS)]),
        links=({name.lower().replace(" ", "_"): f"{CDN}/m-{number}.mp3" for number, name in enumerate(STEMS)},),
        running=(fetched("stems-all", None, "ON_QUEUE"),),
    ),
    Sample(
        kind=Kind.UPLOAD,
        asked={"audio_url": UPLOAD},
        path="/suno/v1/upload",
        body={"audio_url": UPLOAD},
        answer={"status": "SUCCESS", "message": "success", "data": {"music_id": "m-9"}},
        task_id=None,
        result={"audio_id": "m-9"},
    ),
    Sample(
        kind=Kind.PERSONA,
        asked={"source": SOURCE, "name": "Ada", "description": "low", "style": "folk", "start_s": 0, "end_s": 20.5},
        path="/suno/v1/persona",
        body={
            "music_id": "parent-track",
            "name": "Ada",
            "describe": "low",
            "styles": "folk",
            "vocal_start_s": 0,
            "vocal_end_s": 20.5,
        },
        answer={"status": "SUCCESS", "message": "success", "data": {"persona_id": "p-9"}},
        task_id=None,
        result={"persona_id": "p-9"},
    ),
)


class TestTTAPI(Conformance):
    gateway = TTAPI()
    samples = SAMPLES


GATEWAY = TTAPI()


def test_a_track_field_by_field() -> None:
    got = GATEWAY.read_status(Kind.COVER, reply(fetched("cover", [music("m-1")])))
    assert isinstance(got, TaskReport)
    (track,) = got.tracks
    assert (track.track_id, track.title, track.duration_seconds, track.model) == ("m-1", "Kettle Song", 211.44, None)
    assert [(link.name, link.media, link.required) for link in track.links] == [
        ("audio", "audio", True),
        ("image", "image", False),
        ("video", "video", False),
    ]


@pytest.mark.parametrize("kind", [Kind.UPLOAD, Kind.PERSONA])
@pytest.mark.parametrize("data", [None, {}, {"music_id": ""}, {"persona_id": None}, {"jobId": ""}])
def test_a_synchronous_answer_without_its_result_is_ambiguous(kind: Kind, data: Any) -> None:
    got = GATEWAY.read_submission(kind, reply({"status": "SUCCESS", "message": "success", "data": data}))
    assert isinstance(got, Ambiguous)


def test_a_synchronous_answer_with_an_unusable_id_is_a_failure() -> None:
    got = GATEWAY.read_submission(Kind.UPLOAD, reply({"status": "SUCCESS", "data": {"music_id": "a/b"}}))
    assert isinstance(got, Done)
    assert got.report.fault is not None
    assert (got.report.status, got.report.fault.code) == (TaskStatus.FAILED, ErrorCode.NO_AUDIO)


def test_an_upload_can_also_be_read_by_a_status_query() -> None:
    body = {"status": "SUCCESS", "jobId": "J1", "data": {"jobId": "J1", "action": "upload", "music_id": "m-9"}}
    assert GATEWAY.read_status(Kind.UPLOAD, reply(body)) == TaskReport(TaskStatus.SUCCEEDED, result={"audio_id": "m-9"})


def test_missing_stems_do_not_lose_the_others() -> None:
    stems = [music("v", "Rain - Vocals"), {**music("d", "Rain (Drums)"), "audioUrl": None}, music("x", "Rain (Theremin)")]
    got = GATEWAY.read_status(Kind.STEMS, reply(fetched("stems-all", stems)))
    assert isinstance(got, TaskReport)
    assert got.status is TaskStatus.SUCCEEDED
    assert [links_of(track) for track in got.tracks] == [{"vocals": f"{CDN}/v.mp3", "stem_3": f"{CDN}/x.mp3"}]


def test_a_result_without_stems_is_a_failure() -> None:
    for musics in (None, [], "x", [{"title": "Rain (Vocals)", "audioUrl": ""}]):
        got = GATEWAY.read_status(Kind.STEMS, reply(fetched("stems-all", musics)))
        assert isinstance(got, TaskReport)
        assert got.status is TaskStatus.FAILED


def test_the_split_of_stems_cannot_be_chosen() -> None:
    given = INPUTS[Kind.STEMS].model_validate({"source": SOURCE, "split": "vocals"})
    assert [name for name, _ in GATEWAY.check(Kind.STEMS, given)] == ["split"]
