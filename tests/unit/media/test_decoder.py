"""The checks for audio beside a real decoder: what it plays to its end passes, and what it reports as damaged does not."""

from __future__ import annotations

import io

import pytest

from suno_jobs.errors import AssetError, AssetNotReady, AssetUnknownFormat
from suno_jobs.media import audio
from tests.unit.media.corpus import DAMAGES, LARGE, SECONDS, SUPPORTED, UNSUPPORTED, Corpus, damaged, require_ffmpeg

# Of these codecs in MP4, the samples are not checked at all.
OPAQUE = {"MP4 with Opus", "MP4 with MP3", "MP4 with FLAC", "M4A, ALAC", "fragmented M4A, ALAC"}
UNCOMPRESSED = {name for name in SUPPORTED if name.startswith(("WAV", "RF64"))}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    require_ffmpeg()
    return Corpus(tmp_path_factory.mktemp("corpus"))


def passes(data: bytes) -> bool:
    """Every file that does not pass may be the song nevertheless, so none is refused for good."""
    try:
        audio.inspect(io.BytesIO(data))
    except AssetNotReady:
        return False
    return True


@pytest.mark.parametrize("name", SUPPORTED)
def test_a_complete_file_passes(corpus: Corpus, name: str) -> None:
    whole = corpus.file(SUPPORTED[name])
    assert corpus.complaint(SUPPORTED[name], whole) == ""
    assert audio.inspect(io.BytesIO(whole)).duration_seconds == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_an_unknown_format_is_not_called_damaged(corpus: Corpus, name: str) -> None:
    whole = corpus.file(UNSUPPORTED[name])
    assert corpus.complaint(UNSUPPORTED[name], whole) == ""
    with pytest.raises(AssetUnknownFormat):
        audio.inspect(io.BytesIO(whole))


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", sorted(set(SUPPORTED) - OPAQUE - UNCOMPRESSED))
def test_what_a_decoder_reports_as_damaged_does_not_pass(corpus: Corpus, name: str, damage: str) -> None:
    """Without checksums, damage within one frame shows to a decoder only."""
    recipe = SUPPORTED[name]
    for data in damaged(corpus.file(recipe), damage, seed=1):
        if recipe.checksums:
            assert not passes(data)
        elif damage in LARGE:
            assert not passes(data) or corpus.complaint(recipe, data) == ""


TAGS = {
    "ID3v1": b"TAG" + bytes(125),
    "APE": b"APETAGEX\xd0\x07\0\0\x20\0\0\0" + bytes(16),
    "padding": bytes(2000),
}


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("name", SUPPORTED)
def test_a_tag_behind_a_file_does_no_harm(corpus: Corpus, name: str, tag: str) -> None:
    data = corpus.file(SUPPORTED[name]) + TAGS[tag]
    assert passes(data) or corpus.complaint(SUPPORTED[name], data) != ""


@pytest.mark.parametrize("name", SUPPORTED)
def test_a_tag_before_a_file_does_no_harm(corpus: Corpus, name: str) -> None:
    data = b"ID3\x04\0\0\0\0\x0fP" + bytes(15 * 128 + 80) + corpus.file(SUPPORTED[name])
    assert passes(data) or corpus.complaint(SUPPORTED[name], data) != ""


CUT_UNNOTICED = {
    "MP3 without Xing header",
    "MP3 by Shine",
    "WAV to a pipe",
    "RF64 to a pipe",
    "FLAC to a pipe",
    "ADTS",
    "ADTS, mono",
}
"""They declare no length, so a cut between two frames cannot be noticed."""


@pytest.mark.parametrize("name", sorted(set(SUPPORTED) - CUT_UNNOTICED))
def test_a_cut_file_does_not_pass(corpus: Corpus, name: str) -> None:
    whole = corpus.file(SUPPORTED[name])
    # An MP3 may be miscounted by two frames.
    last = len(whole) - (2000 if name.startswith("MP3") else 1)
    for size in [*range(2000, last, len(whole) // 40), last]:
        with pytest.raises(AssetError):
            audio.inspect(io.BytesIO(whole[:size]))
