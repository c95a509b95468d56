from __future__ import annotations

import io
import wave
import zlib

import miniaudio
import pytest

from local.simulator.media import CONTENT_TYPES, SAMPLE_RATE, Media, cover, record, render, take_seconds


@pytest.mark.parametrize("seconds", [0.5, 2.0, 11.0])
def test_a_recording_is_decodable_and_as_long_as_it_says(seconds: float) -> None:
    recording = record("a track", seconds)
    decoded = miniaudio.decode(recording.mp3, nchannels=1, sample_rate=SAMPLE_RATE)
    assert len(decoded.samples) / SAMPLE_RATE == pytest.approx(recording.duration_seconds, abs=0.01)
    assert recording.duration_seconds == pytest.approx(seconds, abs=0.3)
    assert max(decoded.samples) > 5_000, "it can be heard"


def test_the_preview_is_playable_but_another_file() -> None:
    recording = record("a track", 4.0)
    assert miniaudio.decode(recording.preview).duration < recording.duration_seconds / 2


def test_the_same_track_is_the_same_file_and_another_track_another_file() -> None:
    first = record("a track", 1.0).mp3
    record.cache_clear()
    assert record("a track", 1.0).mp3 == first != record("another track", 1.0).mp3


def test_takes_of_a_task_differ_a_little_in_length() -> None:
    lengths = [take_seconds("task", number, 6.0, 11.0) for number in range(2)]
    assert lengths[0] != lengths[1]
    assert lengths[0] == pytest.approx(lengths[1], rel=0.2)
    assert all(5.0 < length < 12.0 for length in lengths)


def test_a_wav_is_the_melody_of_the_song() -> None:
    with wave.open(io.BytesIO(render(Media.WAV, "a track", 2.0))) as reader:
        assert reader.getnframes() / reader.getframerate() == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize("media", list(CONTENT_TYPES))
def test_every_kind_of_file_is_what_it_says_and_differs_from_track_to_track(media: Media) -> None:
    openings = {
        "mp3": b"\xff\xfb",
        "wav": b"RIFF",
        "m4a": b"\0\0\0\x1cftypM4A ",
        "png": b"\x89PNG",
        "mp4": b"\0\0\0\x1cftypisom",
    }
    first = render(media, "a track", 0.5)
    assert first.startswith(openings[media])
    assert render(media, "a track", 0.5) == first != render(media, "another track", 0.5)


def test_samples_of_films_and_m4a_end_in_a_free_box() -> None:
    for media in (Media.MP4, Media.M4A):
        assert render(media, "a track", 0.0).endswith(b"\0\0\0\x0ffreea track")


def test_what_is_no_file_is_empty() -> None:
    assert render(Media.NONE, "lyrics", 1.0) == b""


def test_a_cover_is_a_png() -> None:
    picture = cover("a track")
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    data = picture[picture.index(b"IDAT") + 4 : picture.index(b"IEND") - 8]
    assert len(zlib.decompress(data)) == 64 * (64 * 3 + 1)
