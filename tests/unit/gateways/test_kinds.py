"""The inputs of all kinds, and the request that contains one."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from suno_jobs.catalog.inputs import INPUTS, MashupInput, SourceRef
from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways.registry import GATEWAYS, auto_gateways, gateways_offering
from suno_jobs.intake.requests import JobRequest
from tests.unit.gateways.conformance import SOURCE, refuses

AUDIO = "https://files.example/hum.mp3"
MINIMAL: dict[Kind, dict[str, Any]] = {
    Kind.MUSIC: {"prompt": "rain"},
    Kind.EXTEND: {"source": SOURCE},
    Kind.COVER: {"source": SOURCE},
    Kind.UPLOAD: {"audio_url": AUDIO},
    Kind.UPLOAD_EXTEND: {"audio_url": AUDIO},
    Kind.UPLOAD_COVER: {"source": SOURCE},
    Kind.LYRICS: {"prompt": "rain"},
    Kind.STEMS: {"source": SOURCE},
    Kind.WAV: {"source": SOURCE},
    Kind.MP4: {"source": SOURCE},
    Kind.COVER_ART: {"source": SOURCE},
    Kind.ADD_VOCALS: {"audio_url": AUDIO},
    Kind.ADD_INSTRUMENTAL: {"source": SOURCE},
    Kind.REPLACE_SECTION: {"source": SOURCE, "lyrics": "a", "full_lyrics": "a b", "start_s": 1, "end_s": 2.5},
    Kind.CONCAT: {"source": SOURCE},
    Kind.MASHUP: {"audio_urls": [AUDIO, AUDIO]},
    Kind.PERSONA: {"source": SOURCE, "name": "Ada", "description": "low"},
    Kind.TIMESTAMPED_LYRICS: {"source": SOURCE},
    Kind.SOUNDS: {"prompt": "rain"},
    Kind.REMASTER: {"source": SOURCE},
    Kind.INSPO: {"audio_urls": [AUDIO]},
    Kind.ADJUST_SPEED: {"source": SOURCE, "speed": 1.5, "title": "Fast"},
    Kind.ADD_STEM: {"source": SOURCE, "stem": "strings"},
    Kind.EXTRACT_STEM: {"source": SOURCE, "stem": "vocals"},
}


def body(kind: Any = "music", gateway: Any = "ttapi", **more: Any) -> dict[str, Any]:
    return {"gateway": gateway, "kind": kind, "input": {"prompt": "rain"}, **more}


def problems(asked: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        JobRequest.parse(asked)
    return [".".join(map(str, error["loc"])) for error in caught.value.errors()]


def test_every_kind_has_an_input_and_a_gateway() -> None:
    assert set(INPUTS) == set(MINIMAL) == set(Kind)
    assert all(gateways_offering(kind) for kind in Kind)


@pytest.mark.parametrize("kind", list(Kind))
def test_the_minimal_input_of_a_kind(kind: Kind) -> None:
    given = INPUTS[kind].model_validate(MINIMAL[kind], strict=True)
    assert given.provided_fields() == MINIMAL[kind]
    for name in MINIMAL[kind]:
        assert refuses(kind, {field: value for field, value in MINIMAL[kind].items() if field != name}), name
    assert refuses(kind, {**MINIMAL[kind], "colour": "blue"})


@pytest.mark.parametrize("kind", list(Kind))
def test_a_stored_input_is_read_back(kind: Kind) -> None:
    request = JobRequest.parse({"gateway": gateways_offering(kind)[0], "kind": kind.value, "input": MINIMAL[kind]})
    assert (request.kind, type(request.input)) == (kind, INPUTS[kind])
    assert INPUTS[kind].model_validate(request.input_item()) == request.input


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (Kind.MUSIC, {"lyrics": "la"}),
        (Kind.MUSIC, {"prompt": " "}),
        (Kind.MUSIC, {"model": "a b"}),
        (Kind.MUSIC, {"style_weight": 1.01}),
        (Kind.MUSIC, {"style_weight": float("nan")}),
        (Kind.MUSIC, {"vocal_gender": "none"}),
        (Kind.MUSIC, {"persona_id": "../x"}),
        (Kind.EXTEND, {"continue_at": 0}),
        (Kind.EXTEND, {"continue_at": "60"}),
        (Kind.EXTEND, {"lyrics": "la", "instrumental": True}),
        (Kind.UPLOAD_EXTEND, {"source": SOURCE}),
        (Kind.STEMS, {"split": "drums"}),
        (Kind.MP4, {"author": "x" * 51}),
        (Kind.REPLACE_SECTION, {"end_s": 1}),
        (Kind.MASHUP, {"sources": [SOURCE, SOURCE]}),
        (Kind.MASHUP, {"audio_urls": [AUDIO]}),
        (Kind.MASHUP, {"audio_urls": [AUDIO] * 3}),
        (Kind.PERSONA, {"start_s": 20, "end_s": 10}),
        (Kind.SOUNDS, {"bpm": 301}),
        (Kind.SOUNDS, {"key": "H"}),
        (Kind.INSPO, {"audio_urls": []}),
        (Kind.INSPO, {"audio_urls": [AUDIO] * 5}),
        (Kind.ADJUST_SPEED, {"speed": 0.2}),
        (Kind.ADJUST_SPEED, {"speed": 4.1}),
        (Kind.REMASTER, {"variation": "extreme"}),
        (Kind.ADD_STEM, {"stem": " "}),
        (Kind.EXTRACT_STEM, {"prompt": "louder"}),
        (Kind.COVER, {"source": {"job_id": "a b", "track_id": "t"}}),
        (Kind.COVER, {"source": {"job_id": "job_1"}}),
        (Kind.COVER, {"source": {**SOURCE, "gateway": "kie"}}),
    ],
)
def test_an_invalid_input_is_refused(kind: Kind, more: dict[str, Any]) -> None:
    assert refuses(kind, {**MINIMAL[kind], **more})


@pytest.mark.parametrize(
    "url",
    [
        "http://files.example/a.mp3",
        "files.example/a.mp3",
        "https://",
        "https://user:pass@files.example/a.mp3",
        "https://user@files.example/a.mp3",
        "https://files.example:0/a.mp3",
        "https://files.example:port/a.mp3",
        "https://[::1/a.mp3",
        "https://files.example/a b.mp3",
        "https://files.example/\u00e4.mp3",
        "https://files.example/a\n.mp3",
        "https://files.example/" + "a" * 2048,
        "",
        7,
    ],
)
def test_an_audio_url_that_no_gateway_can_fetch_is_refused(url: Any) -> None:
    assert refuses(Kind.UPLOAD, {"audio_url": url})


def test_the_references_of_an_input() -> None:
    first, second = SourceRef(job_id="job_1", track_id="a"), SourceRef(job_id="job_2", track_id="b")
    assert MashupInput(sources=[first, second]).references() == (first, second)
    assert MashupInput(audio_urls=[AUDIO, AUDIO]).references() == ()
    assert INPUTS[Kind.WAV].model_validate({"source": SOURCE}).references() == (SourceRef.model_validate(SOURCE),)
    assert INPUTS[Kind.UPLOAD_COVER].model_validate({"audio_url": AUDIO}).references() == ()
    assert INPUTS[Kind.MUSIC].model_validate({"prompt": "rain"}).references() == ()


def test_a_request_is_parsed() -> None:
    request = JobRequest.parse(body(metadata={"order": "7"}))
    assert (request.gateway, request.kind, request.metadata) == ("ttapi", Kind.MUSIC, {"order": "7"})
    assert request.input_item() == {"prompt": "rain", "instrumental": False, "max_mode": False}


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        (body(kind="karaoke"), ["kind"]),
        (body(kind=5), ["kind"]),
        (body(gateway="udio"), ["gateway"]),
        (body(gateway=None), ["gateway"]),
        (body(input={"prompt": ""}), ["input.prompt"]),
        (body(input={"prompt": "a", "tempo": 5}), ["input.tempo"]),
        (body(input=None), ["input"]),
        (body(metadata={"a": "x" * 600}), ["metadata"]),
        (body(metadata={"a": 5}), ["metadata.a"]),
        (body(colour="blue"), ["colour"]),
        ({}, ["gateway", "kind", "input"]),
        ([], [""]),
        (None, [""]),
    ],
)
def test_a_bad_request_names_its_fields(asked: Any, fields: list[str]) -> None:
    assert problems(asked) == fields


def test_the_error_for_a_kind_that_is_not_offered_lists_the_gateways_that_offer_it() -> None:
    with pytest.raises(ValidationError) as caught:
        JobRequest.parse({"gateway": "crun", "kind": "concat", "input": {"source": SOURCE}})
    (error,) = caught.value.errors()
    assert error["loc"] == ("kind",)
    assert error["msg"].endswith("is not offered by crun; it is offered by ttapi, acedata")


def test_the_error_for_an_unknown_gateway_lists_the_known_ones() -> None:
    with pytest.raises(ValidationError) as caught:
        JobRequest.parse(body(gateway="udio"))
    assert caught.value.errors()[0]["msg"].endswith(f"must be auto, or one or more of {', '.join(GATEWAYS)}")


def test_auto_is_every_gateway_or_the_named_ones_in_their_order() -> None:
    assert auto_gateways("") == tuple(GATEWAYS)
    assert auto_gateways("kie,ttapi") == ("kie", "ttapi")
    with pytest.raises(ValueError, match="AUTO_GATEWAYS names suno; the known gateways are ttapi"):
        auto_gateways("kie,suno")
