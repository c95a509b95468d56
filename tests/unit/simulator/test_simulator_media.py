from __future__ import annotations

import zlib

import miniaudio
import pytest

from local.simulator.media import SAMPLE_RATE, cover, record, take_seconds


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


def test_a_cover_is_a_png() -> None:
    picture = cover("a track")
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    data = picture[picture.index(b"IDAT") + 4 : picture.index(b"IEND") - 8]
    assert len(zlib.decompress(data)) == 64 * (64 * 3 + 1)
