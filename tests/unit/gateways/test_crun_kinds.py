"""crun.ai beyond music: the documented payloads of every kind."""

from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.catalog.inputs import INPUTS
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.adapters.crun import Crun
from suno_jobs.gateways.model_names import common_model
from suno_jobs.gateways.protocol import ReadFailed, TaskReport, TaskStatus
from tests.unit.gateways.conformance import HOOK, SOURCE, Conformance, Sample, links_of, reply
from tests.unit.gateways.crun_samples import TASK, done, info

GATEWAY = Crun()
CDN = "https://crun.example"
UPLOAD = "https://files.example/hum.mp3"
ACCEPTED = {"code": 200, "message": "success", "data": {"task_id": TASK}}


def song(name: str) -> dict[str, Any]:
    return {
        "suno_id": name,
        "title": "Kettle Song",
        "prompt": "[Verse]\nThe kettle sings at six",
        "tags": "folk waltz",
        "suno_audio_url": f"{CDN}/{name}.mp3",
        "suno_image_url": f"{CDN}/{name}.png",
        "suno_image_large_url": f"{CDN}/{name}-large.png",
        "suno_model_name": "chirp-crow",
        "duration": 182.1,
        "created_at": 1768900400,
    }


def sample(kind: Kind, slug: str, asked: dict[str, Any], fields: dict[str, Any], **rest: Any) -> Sample:
    return Sample(
        kind=kind,
        asked=asked,
        path="/api/v1/client/job/CreateTask",
        body={"model": slug, "input": fields},
        answer=ACCEPTED,
        task_id=TASK,
        running=(info("pending", None), info("running", None)),
        callbacks=(info("success", None), {"task_id": TASK}, ACCEPTED),
        **rest,
    )


SONGS = {
    "done": done(media_urls=[f"{CDN}/x.mp3", f"{CDN}/y.mp3"], suno_data=[song("a"), song("b")]),
    "links": tuple({"audio": f"{CDN}/{name}.mp3", "image": f"{CDN}/{name}-large.png"} for name in "ab"),
}
WORDS = {
    "lyrics": "[Verse]\nThe kettle sings",
    "style": "folk waltz",
    "title": "Kettle Song",
    "negative_style": "drums",
    "vocal_gender": "female",
    "style_weight": 0.5,
    "weirdness": 0.25,
    "audio_weight": 1,
    "persona_id": "p-1",
}
THEIR_WORDS = {
    "mode": "custom",
    "model": "v5.5",
    "instrumental": False,
    "lyrics": "[Verse]\nThe kettle sings",
    "tags": "folk waltz",
    "title": "Kettle Song",
    "negative_tags": "drums",
    "vocal_gender": "f",
    "style_weight": 0.5,
    "weirdness_constraint": 0.25,
    "audio_weight": 1,
    "persona_id": "p-1",
}
PARENT = {"task_id": "parent-task", "suno_id": "parent-track"}

SAMPLES = (
    sample(Kind.MUSIC, "suno/music-generate", WORDS, THEIR_WORDS, **SONGS),
    sample(
        Kind.UPLOAD_EXTEND,
        "suno/music-extend-upload",
        {"audio_url": UPLOAD, "continue_at": 30.5, "prompt": "more", "instrumental": True, "model": "chirp-auk"},
        {
            "mode": "simple",
            "model": "v4.5",
            "instrumental": True,
            "prompt": "more",
            "audio_url": UPLOAD,
            "continue_at": 30.5,
        },
        **SONGS,
    ),
    sample(
        Kind.MP4,
        "suno/music-video",
        {"source": SOURCE, "author": "The Kettles", "brand": "kettle.example"},
        {**PARENT, "author": "The Kettles", "brand": "kettle.example"},
        done=done(media_urls=[f"{CDN}/a.mp4"]),
        links=({"video": f"{CDN}/a.mp4"},),
    ),
    sample(
        Kind.STEMS,
        "suno/vocal-separation",
        {"source": SOURCE},
        PARENT,
        done=done(media_info={"vocal_url": f"{CDN}/v.mp3", "instrumental_url": f"{CDN}/i.mp3", "origin_url": ""}),
        links=({"vocals": f"{CDN}/v.mp3", "instrumental": f"{CDN}/i.mp3"},),
    ),
    sample(
        Kind.STEMS,
        "suno/vocal-separation",
        {"source": SOURCE},
        PARENT,
        done=done(
            media_info=[{"name": "Vocals", "url": f"{CDN}/v.mp3"}, {"type": "instrumental", "audio_url": f"{CDN}/i.mp3"}]
        ),
        links=({"vocals": f"{CDN}/v.mp3", "instrumental": f"{CDN}/i.mp3"},),
    ),
)


class TestCrun(Conformance):
    gateway = GATEWAY
    samples = SAMPLES


@pytest.mark.parametrize(
    ("suno", "ours"),
    [
        ("chirp-fenix", "v5.5"),
        ("chirp-crow", "v5"),
        ("chirp-auk-turbo", "v4.5all"),
        ("chirp-bluejay", "v4.5plus"),
        ("chirp-auk", "v4.5"),
        ("chirp-v4", "v4"),
        ("chirp-v3-5", "v3.5"),
        ("chirp-v3", "v3"),
        ("chirp-owl", "chirp-owl"),
    ],
)
def test_model_names_are_translated_both_ways(suno: str, ours: str) -> None:
    given = INPUTS[Kind.MUSIC].model_validate({"prompt": "rain", "model": suno})
    body = GATEWAY.request(Kind.MUSIC, given, sources=(), callback_url=HOOK).json
    assert body is not None
    assert body["input"]["model"] == ours
    got = GATEWAY.read_status(Kind.MUSIC, reply(done(suno_data=[{**song("a"), "suno_model_name": suno}])))
    assert isinstance(got, TaskReport)
    assert [(track.model, track.gateway_model) for track in got.tracks] == [(ours, suno)]


def test_a_missing_model_name_stays_missing() -> None:
    assert common_model(GATEWAY.models, None) is None


def test_a_song_whose_audio_is_elsewhere_keeps_its_image() -> None:
    got = GATEWAY.read_status(
        Kind.MUSIC, reply(done(media_urls=[f"{CDN}/x.mp3"], suno_data=[{**song("a"), "suno_audio_url": ""}]))
    )
    assert isinstance(got, TaskReport)
    assert [links_of(track) for track in got.tracks] == [{"audio": f"{CDN}/x.mp3", "image": f"{CDN}/a-large.png"}]


@pytest.mark.parametrize("media_info", [None, {}, [], "x", {"origin_url": f"{CDN}/o.mp3"}, {"theremin_url": f"{CDN}/t.mp3"}])
def test_a_result_without_stems_is_a_failure(media_info: Any) -> None:
    got = GATEWAY.read_status(Kind.STEMS, reply(done(media_info=media_info)))
    assert isinstance(got, TaskReport)
    assert got.fault is not None
    assert (got.status, got.fault.code) == (TaskStatus.FAILED, ErrorCode.NO_AUDIO)


def test_a_task_that_is_not_found_yet_is_read_again() -> None:
    got = GATEWAY.read_status(Kind.MP4, reply({"code": 404, "message": "task not found", "data": None}))
    assert isinstance(got, ReadFailed)
    assert (got.fault.code, got.may_retry) == (ErrorCode.NOT_FOUND, True)
