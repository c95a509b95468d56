# ruff: noqa: S311 - chance makes melodies and mishaps here, no secrets
"""The files that the simulated CDN serves: small melodies as real MP3 and WAV files, pictures, and films.

Everything is computed from a seed text, so that the same track has the same bytes for ever. Films and M4A songs are committed
samples (``samples``: one second of grey in MPEG-4 and two seconds of a chord in AAC), each made different by a free box.
"""

from __future__ import annotations

import io
import math
import struct
import wave
import zlib
from array import array
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from random import Random
from uuid import UUID

import lameenc
import miniaudio

SAMPLE_RATE = 44_100
BIT_RATE_KBPS = 64

_SAMPLES = Path(__file__).parent / "samples"
_LOUDNESS = 11_000
_PENTATONIC = (0, 2, 4, 7, 9, 12)
_TAKE_VARIATION = 0.08


class Media(StrEnum):
    """What a file is; the value is the ending of its name. NONE: there is no file, as for lyrics."""

    MP3 = "mp3"
    WAV = "wav"
    M4A = "m4a"
    PNG = "png"
    MP4 = "mp4"
    NONE = ""


CONTENT_TYPES = {
    Media.MP3: "audio/mpeg",
    Media.WAV: "audio/wav",
    Media.M4A: "audio/mp4",
    Media.PNG: "image/png",
    Media.MP4: "video/mp4",
}


@dataclass(frozen=True, slots=True)
class Recording:
    """``duration_seconds`` is what a decoder measures in ``mp3``. ``preview`` is decodable, but not the whole song."""

    mp3: bytes
    preview: bytes
    duration_seconds: float


@lru_cache(maxsize=512)  # so that a song is made once, though hundreds are under way
def record(seed: str, seconds: float) -> Recording:
    """A melody of about so many seconds: the nearest whole number of notes, and what the encoder pads."""
    sound = _encode(_melody(Random(seed), seconds))
    mp3 = tag(seed) + sound
    return Recording(mp3, mp3[: len(mp3) // 4], round(float(miniaudio.mp3_get_info(sound).duration), 2))


def tag(track_id: str) -> bytes:
    """An ID3v2 tag with the comment by which Suno names the clip of a file."""
    text = b"\0eng\0made with suno; created=2026-09-09T00:00:00.000Z; id=" + track_id.encode()
    frame = b"COMM" + len(text).to_bytes(4, "big") + b"\0\0" + text
    return b"ID3\x04\0\0" + bytes((0, 0, len(frame) >> 7, len(frame) & 0x7F)) + frame


def of_another_clip(file: bytes, track_id: str) -> bytes:
    """The same bytes, except that they name another clip, if they name one."""
    other = str(UUID(int=Random(track_id).getrandbits(128), version=4))
    return file.replace(track_id.encode(), other.encode())


def render(media: Media, seed: str, seconds: float) -> bytes:
    """A file of that kind; ``seconds`` concerns MP3 and WAV."""
    match media:
        case Media.MP3:
            return record(seed, seconds).mp3
        case Media.WAV:
            return _wav(_melody(Random(seed), seconds))
        case Media.M4A:
            return _sample("song.m4a", seed)
        case Media.MP4:
            return _sample("film.mp4", seed)
        case Media.PNG:
            return cover(seed)
    return b""


def take_seconds(task_id: str, number: int, shortest: float, longest: float) -> float:
    """How long a take shall be: the takes of one task are about equally long, but not quite."""
    base = Random(task_id).uniform(shortest, longest)
    return base * (1 + Random(f"{task_id}/{number}").uniform(-_TAKE_VARIATION, _TAKE_VARIATION))


def _melody(chance: Random, seconds: float) -> bytes:
    note_seconds = chance.choice((0.2, 0.25, 0.3))
    root = chance.choice((196.0, 220.0, 246.9, 261.6, 293.7))
    notes = [_note(root * 2 ** (step / 12), note_seconds) for step in _PENTATONIC]
    place, tune = chance.randrange(len(notes)), array("h")
    for _ in range(max(1, round(seconds / note_seconds))):
        tune.extend(notes[place])
        place = min(max(place + chance.choice((-2, -1, -1, 1, 1, 2)), 0), len(notes) - 1)
    return tune.tobytes()


@cache
def _note(frequency: float, seconds: float) -> array[int]:
    """A plucked tone with one overtone, faded out, so that notes join without a click."""
    count = int(SAMPLE_RATE * seconds)
    turn, sine = math.tau * frequency / SAMPLE_RATE, math.sin
    tone = ((1 - i / count) ** 2 * (sine(turn * i) + 0.4 * sine(2 * turn * i)) for i in range(count))
    return array("h", (int(_LOUDNESS * value) for value in tone))


def _encode(samples: bytes) -> bytes:
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(BIT_RATE_KBPS)
    encoder.set_in_sample_rate(SAMPLE_RATE)
    encoder.set_channels(1)
    encoder.set_quality(7)
    encoder.silence()
    return bytes(encoder.encode(samples)) + bytes(encoder.flush())


def _wav(samples: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE)
        writer.writeframes(samples)
    return file.getvalue()


def _sample(name: str, seed: str) -> bytes:
    note = seed.encode()
    return _read(name) + struct.pack(">I4s", 8 + len(note), b"free") + note


@cache
def _read(name: str) -> bytes:
    return (_SAMPLES / name).read_bytes()


@lru_cache(maxsize=128)
def cover(seed: str, side: int = 64) -> bytes:
    """A PNG picture: one colour, fading downwards."""
    colour = Random(seed).randbytes(3)
    rows = b"".join(b"\0" + bytes(channel * (side - y) // side for channel in colour) * side for y in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
