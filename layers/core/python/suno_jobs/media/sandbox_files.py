"""The files of the sandbox: short real sounds, pictures and videos, made here and never fetched.

The same URL always has the same bytes, and another URL has others. The host of a URL is one that no name server may ever know
(RFC 6761), so that a link of the sandbox leads nowhere else.
"""

from __future__ import annotations

import base64
import io
import math
import struct
import wave
import zlib
from array import array
from functools import cache
from random import Random
from urllib.parse import urlsplit

HOST = "sandbox.invalid"
SOUND_SECONDS = 4.0

_RATE = 16_000
_NOTE_SECONDS = 0.25
_LOUDNESS = 12_000
_SCALE = (0, 2, 4, 7, 9, 12)
_PIXELS = 64
# One second of one colour, 16 by 16 pixels in MPEG-4: the sample of the local simulator, compressed.
_VIDEO = (
    "eNp9UrFKA0EQnbsYTWGRYASLFBEsUpioQUULQRtJIViIimDhmd0jh7deuF0PtIpooYW/YS2KqS2s/AS/wH8QE2f2Im5Ok+Hm3szs7Jud2QWAgqvOm54M"
    "BIANhKhV0VxcAICMG3KOuCqYowCsJ8iOIbRzl5vpr7bdsTvk7bzcEey2NOzH3gF5qUURBBES+CJqMOiT1IdWC+j7Fas/K+mvw1Cx8btSoXOC9qE60TVT"
    "f9mo9vA6/9bN9hRghjMlEQvcl+p3R49X77U+BfMcNIqCJXsvad191U65wfzwZyXyGDcz99APas4p8znlWPfCO3XRyEdCk5rHnGHxWoGF3DXaGD8L/WJs"
    "W65Uxz7a71JJZuS84Y1HA0ZBTWehhlgbmJGUqW4X/0dcMqkH3mq1tnHbCOJGMReT3NA/jZE5dB7odM+3EzG5VYTXuxsow7Wdr6P7uOVE9eVqpbpSWZiv"
    "juIey6YpHKuwN/6YjSpLpa/m55xpfMZk57FjM05awFg9EUv3sIRrF0ZHFJ9EHUso8tYDg2MWde2MKbr6JcE1kkyb14xPI3SaTd8cWcbDt/QNGxN1aw=="
)


def file_url(file_id: str, ending: str, *, damaged: bool = False) -> str:
    """``file_id`` is new for each file. ``damaged``: its second half is missing."""
    return f"https://{HOST}/{file_id}.{ending}{'?damaged' if damaged else ''}"


def make_file(url: str) -> tuple[bytes, str]:
    """The bytes behind a URL of ``file_url``, and their type. A sound takes some milliseconds."""
    parts = urlsplit(url)
    file_id, _, ending = parts.path.rpartition(".")
    content, content_type = _make(Random(file_id), ending)  # noqa: S311 - a melody is no secret
    return (content[: len(content) // 2] if parts.query else content), content_type


def _make(chance: Random, ending: str) -> tuple[bytes, str]:
    if ending == "png":
        return _picture(chance), "image/png"
    if ending == "mp4":
        return zlib.decompress(base64.b64decode(_VIDEO)), "video/mp4"
    return _sound(chance), "audio/wav"


def _sound(chance: Random) -> bytes:
    root = chance.choice((196.0, 220.0, 246.9, 261.6, 293.7))
    tune = array("h")
    for _ in range(round(SOUND_SECONDS / _NOTE_SECONDS)):
        tune.extend(_note(root * 2 ** (chance.choice(_SCALE) / 12)))
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(_RATE)
        sound.writeframes(tune.tobytes())
    return file.getvalue()


@cache
def _note(frequency: float) -> array[int]:
    """A tone that fades out, so that notes join without a click. There are thirty of them."""
    count, step = round(_RATE * _NOTE_SECONDS), math.tau * frequency / _RATE
    return array("h", (round(_LOUDNESS * (1 - at / count) * math.sin(step * at)) for at in range(count)))


def _picture(chance: Random) -> bytes:
    """One row of a gradient, repeated."""
    begin, end = chance.randbytes(3), chance.randbytes(3)
    pixels = (round(low + (high - low) * at / _PIXELS) for at in range(_PIXELS) for low, high in zip(begin, end, strict=True))
    rows = (b"\0" + bytes(pixels)) * _PIXELS
    head = struct.pack(">IIBBBBB", _PIXELS, _PIXELS, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
