"""Results other than songs, model names and signatures: the parts that are the same for all gateways."""

from __future__ import annotations

import json
from typing import Any

import pytest

from suno_jobs.catalog.results import Result
from suno_jobs.gateways.adapters.ttapi import MODELS
from suno_jobs.gateways.model_names import common_model, gateway_model
from suno_jobs.gateways.protocol import TaskStatus
from suno_jobs.gateways.results import read_id, read_lyrics, read_timed_words, stem_name, stems_by_field, stems_by_title
from suno_jobs.gateways.signatures import verify_kie
from tests.builders import kie_signature
from tests.unit.gateways.conformance import links_of

CDN = "https://cdn.example"


def test_which_results_are_files() -> None:
    assert [each for each in Result if each.is_files] == [Result.TRACKS, Result.STEMS, Result.FILES]


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("vocalUrl", "vocals"),
        ("vocal_url", "vocals"),
        ("backingVocalsUrl", "backing_vocals"),
        ("backing_vocals_url", "backing_vocals"),
        ("originUrl", "origin"),
        ("fx_url", "fx"),
        ("Rain (Backing Vocals)", "backing_vocals"),
        ("Rain (Live) (Drums)", "drums"),
        ("Rain - Instrumental", "instrumental"),
        ("Rain - Snow - Vocals", "vocals"),
        ("Vocals", "vocals"),
        ("Rain", None),
        ("Rain (Theremin)", None),
        ("callbackUrl", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_names_of_stems(label: Any, name: str | None) -> None:
    assert stem_name(label) == name


def test_the_song_itself_is_not_a_stem() -> None:
    (track,) = stems_by_field({"origin_url": f"{CDN}/o.mp3", "bass_url": f"{CDN}/b.mp3", "brass_url": ""})
    assert [(link.name, link.required) for link in track.links] == [("origin", False), ("bass", True)]
    assert stems_by_field({"origin_url": f"{CDN}/o.mp3"})[0].links == ()
    assert stems_by_field({}) == ()


def test_a_second_set_of_stems_is_a_second_track() -> None:
    items = [{"title": f"Rain ({name})", "u": f"{CDN}/{number}.mp3"} for number, name in enumerate(("Drums", "Bass", "Drums"))]
    tracks = stems_by_title(items, ("u",))
    assert [(track.track_id, links_of(track)) for track in tracks] == [
        ("track-1", {"drums": f"{CDN}/0.mp3", "bass": f"{CDN}/1.mp3"}),
        ("track-2", {"drums": f"{CDN}/2.mp3"}),
    ]


def test_lyrics_keep_their_lines() -> None:
    got = read_lyrics([{"text": " [Verse]\nA\u0000b\ud800\tc\r\n", "title": "T\n", "status": "complete"}, {"text": 5}, "x"])
    assert got.result == {"lyrics": [{"title": "T", "text": "[Verse]\nAb?\tc"}]}


def test_timestamped_words() -> None:
    times: list[Any] = [(0, 1), ("1.5", "2"), (None, 1), (True, 1), ("x", 1), (-1, 1), (1, float("inf")), (10**400, 1), ([], 1)]
    got = read_timed_words([{"word": f"w{number}", "startS": start, "endS": end} for number, (start, end) in enumerate(times)])
    assert got.result == {"words": [{"word": "w0", "start_s": 0.0, "end_s": 1.0}, {"word": "w1", "start_s": 1.5, "end_s": 2.0}]}
    assert read_timed_words([{"word": "\n", "startS": 0, "endS": 1}]).status is TaskStatus.FAILED


@pytest.mark.parametrize(
    ("value", "usable"),
    [(" a-1_B ", "a-1_B"), ("", None), (5, "5"), (True, None), ("a/b", None), ("\u00e4", None), ("x" * 65, None)],
)
def test_only_usable_ids_are_read(value: Any, usable: str | None) -> None:
    assert read_id({"persona_id": value}, "persona_id", "persona_id").result == (usable and {"persona_id": usable})


@pytest.mark.parametrize(
    ("asked", "theirs"),
    [
        ("v5", "chirp-v5"),
        ("chirp-v5", "chirp-v5"),
        ("chirp-crow", "chirp-v5"),
        ("chirp-hawk-wild", "chirp-v6-wild"),
        ("chirp-v4", "chirp-v4"),
        ("chirp-v3", "chirp-v3-0"),
        ("v7", "v7"),
    ],
)
def test_our_model_name_becomes_that_of_the_gateway(asked: str, theirs: str) -> None:
    assert gateway_model(MODELS, asked) == theirs


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("chirp-v5", "v5"),
        ("chirp-hawk", "v6"),
        ("chirp-goose", "v6-mini"),
        ("chirp-halibut", "chirp-halibut"),
        ("chirp-fenix", "v5.5"),
        ("chirp-v4-5+", "v4.5plus"),
        ("x", "x"),
        (None, None),
        (5, None),
    ],
)
def test_the_model_name_of_a_gateway_becomes_ours(name: Any, ours: str | None) -> None:
    assert common_model(MODELS, name) == ours


KEY = "whsec-test"
NOW = 1767225600
BODY = json.dumps({"code": 200, "data": {"task_id": "T1"}}).encode()


def signed(task_id: str = "T1", timestamp: str = str(NOW), key: str = KEY) -> dict[str, str]:
    return kie_signature(key, task_id, timestamp)


@pytest.mark.parametrize("body", [BODY, b'{"data":{"taskId":"T1"}}', b'{"task_id":"T1"}', b'{"taskId":"T1","data":null}'])
def test_a_valid_kie_signature_is_accepted(body: bytes) -> None:
    for now in (NOW - 300, NOW, NOW + 300.0):
        assert verify_kie(signed(), body, KEY, now)


def test_a_signature_does_not_cover_the_body() -> None:
    assert verify_kie(signed(), b'{"task_id":"T1","data":{"audio_url":"https://evil.example"}}', KEY, NOW)


@pytest.mark.parametrize(
    ("headers", "body", "key", "now"),
    [
        ({}, BODY, KEY, NOW),
        (signed("T2"), BODY, KEY, NOW),
        (signed(key="other"), BODY, KEY, NOW),
        (signed(), BODY, KEY, NOW + 301),
        (signed(), BODY, KEY, NOW - 301),
        (signed(), b"{}", KEY, NOW),
        (signed(), b"oops", KEY, NOW),
        (signed(key=""), BODY, "", NOW),
        ({**signed(), "x-webhook-timestamp": str(NOW + 1)}, BODY, KEY, NOW),
        ({**signed(), "X-Webhook-Signature": "***"}, BODY, KEY, NOW),
        ({**signed(), "X-Webhook-Signature": "\u00e4"}, BODY, KEY, NOW),
        ({**signed(), "X-Webhook-Signature": ""}, BODY, KEY, NOW),
        (signed(timestamp="-1"), BODY, KEY, 0),
        (signed(timestamp="9" * 16), BODY, KEY, NOW),
        (signed(timestamp="soon"), BODY, KEY, NOW),
    ],
)
def test_an_invalid_kie_signature_is_refused(headers: dict[str, str], body: bytes, key: str, now: float) -> None:
    assert verify_kie(headers, body, key, now) is False
