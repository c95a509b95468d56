"""Files as encoders in the field write them, each with the judgement of a decoder; tests/samples/README.md describes them."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from suno_jobs.errors import AssetError, AssetNotReady, ErrorCode
from suno_jobs.media import audio
from tests.unit.media.corpus import Corpus, Recipe, require_ffmpeg
from tests.unit.media.judging import passes

FIELD = Path(__file__).parents[2] / "samples" / "field"
COMPLETE = {
    "id3_before.flac": (audio.Container.FLAC, "audio/flac", 3.0),
    "flac_in_ogg.oga": (audio.Container.OGG, "audio/ogg", 3.0),
    "unknown_length.wav": (audio.Container.WAV, "audio/wav", 1.0),
    "rf64.wav": (audio.Container.WAV, "audio/wav", 1.0),
    "adts.aac": (audio.Container.AAC, "audio/aac", 3.0),
    "fragmented.m4a": (audio.Container.M4A, "audio/mp4", 3.0),
}
DAMAGED = ["hole.flac", "zeros_inside.opus"]
DECLARE_NO_LENGTH = {"unknown_length.wav", "adts.aac"}


def field(name: str) -> bytes:
    return (FIELD / name).read_bytes()


def refusal(data: bytes) -> AssetError:
    with pytest.raises(AssetError) as caught:
        audio.inspect(io.BytesIO(data))
    return caught.value


def test_every_file_has_its_judgement() -> None:
    assert sorted(path.name for path in FIELD.iterdir()) == sorted([*COMPLETE, *DAMAGED])


@pytest.mark.parametrize("name", COMPLETE)
def test_a_complete_file_passes(name: str) -> None:
    container, content_type, seconds = COMPLETE[name]
    found = audio.inspect(io.BytesIO(field(name)))
    assert (found.container, found.content_type, found.silent) == (container, content_type, False)
    assert found.duration_seconds == pytest.approx(seconds, abs=0.07)


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_does_not_pass_and_may_pass_later(name: str) -> None:
    error = refusal(field(name))
    assert isinstance(error, AssetNotReady)
    assert error.fault.code is ErrorCode.ASSET_WRONG_TYPE
    assert "damaged" in error.fault.message


@pytest.mark.parametrize("name", sorted(set(COMPLETE) - DECLARE_NO_LENGTH))
def test_a_file_cut_anywhere_is_truncated(name: str) -> None:
    whole = field(name)
    places = random.Random(1)  # noqa: S311
    for size in [*range(512, 1500), *(places.randrange(1500, len(whole)) for _ in range(150)), len(whole) - 1]:
        assert refusal(whole[:size]).fault.code is ErrorCode.ASSET_TRUNCATED, f"cut to {size} of {len(whole)} bytes"


def test_a_fragmented_file_cut_between_two_boxes_is_judged_as_by_a_decoder(tmp_path: Path) -> None:
    """A fragment without its media data is noticed; whole fragments that are missing at the end are not. A decoder plays an
    index without any fragment as well, in no time."""
    require_ffmpeg()
    corpus, whole = Corpus(tmp_path), field("fragmented.m4a")
    places = [at for at in range(4, len(whole)) if whole[at : at + 4] in (b"moof", b"mdat", b"mfra")]
    passed = [passes(whole[: at - 4]) for at in places]
    assert passed == [False, False, True, False, True, False, True]
    assert [corpus.complaint(Recipe("m4a"), whole[: at - 4]) == "" for at in places[1:]] == passed[1:]


def test_an_adts_file_cut_within_a_frame_is_truncated() -> None:
    whole = field("adts.aac")
    for size in (len(whole) - 1, len(whole) - 100):
        assert refusal(whole[:size]).fault.code is ErrorCode.ASSET_TRUNCATED


def test_a_wav_of_unknown_length_cut_within_a_sample_is_truncated() -> None:
    assert refusal(field("unknown_length.wav")[:-1]).fault.code is ErrorCode.ASSET_TRUNCATED


@pytest.mark.parametrize("name", [*COMPLETE, *DAMAGED])
def test_a_decoder_agrees(name: str, tmp_path: Path) -> None:
    require_ffmpeg()
    complaint = Corpus(tmp_path).complaint(Recipe(name.rpartition(".")[2]), field(name))
    assert (complaint == "") is (name in COMPLETE)
