from __future__ import annotations

import io
import wave
import zlib

import miniaudio
import pytest

from local.simulator.media import CONTENT_TYPES, SAMPLE_RATE, Media, cover, record, render, take_seconds


@pytest.mark.parametrize("seconds", [0.5, 2.0, 11.0])
def test_a_recording_is_decodable_and_has_the_stated_duration(seconds: float) -> None:
    recording = record("a track", seconds)
    decoded = miniaudio.decode(recording.mp3, nchannels=1, sample_rate=SAMPLE_RATE)
    assert len(decoded.samples) / SAMPLE_RATE == pytest.approx(recording.duration_seconds, abs=0.01)
    assert recording.duration_seconds == pytest.approx(seconds, abs=0.3)
    assert max(decoded.samples) > 5_000, "it is audible"


def test_the_preview_is_playable_and_shorter_than_the_song() -> None:
    recording = record("a track", 4.0)
    assert miniaudio.decode(recording.preview).duration < recording.duration_seconds / 2


def test_each_track_has_its_own_reproducible_file() -> None:
    first = record("a track", 1.0).mp3
    record.cache_clear()
    assert record("a track", 1.0).mp3 == first != record("another track", 1.0).mp3


def test_takes_of_a_task_differ_slightly_in_duration() -> None:
    lengths = [take_seconds("task", number, 6.0, 11.0) for number in range(2)]
    assert lengths[0] != lengths[1]
    assert lengths[0] == pytest.approx(lengths[1], rel=0.2)
    assert all(5.0 < length < 12.0 for length in lengths)


def test_a_wav_has_the_requested_duration() -> None:
    with wave.open(io.BytesIO(render(Media.WAV, "a track", 2.0))) as reader:
        assert reader.getnframes() / reader.getframerate() == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize("media", list(CONTENT_TYPES))
def test_every_file_type_has_its_signature_and_differs_between_tracks(media: Media) -> None:
    signatures = {
        "mp3": b"ID3\x04",
        "wav": b"RIFF",
        "m4a": b"\0\0\0\x1cftypM4A ",
        "png": b"\x89PNG",
        "mp4": b"\0\0\0\x1cftypisom",
    }
    first = render(media, "a track", 0.5)
    assert first.startswith(signatures[media])
    assert render(media, "a track", 0.5) == first != render(media, "another track", 0.5)


def test_sample_videos_and_m4a_files_end_in_a_free_box() -> None:
    for media in (Media.MP4, Media.M4A):
        assert render(media, "a track", 0.0).endswith(b"\0\0\0\x0ffreea track")


def test_a_result_without_a_file_renders_nothing() -> None:
    assert render(Media.NONE, "lyrics", 1.0) == b""


def test_a_cover_is_a_png() -> None:
    image = cover("a track")
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    data = image[image.index(b"IDAT") + 4 : image.index(b"IEND") - 8]
    assert len(zlib.decompress(data)) == 64 * (64 * 3 + 1)
