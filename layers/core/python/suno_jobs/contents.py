"""What the gates for audio, images and films share: reading with a bound, knowing a kind by its first bytes, and saying no."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, NoReturn, cast

from tinytag import TinyTag, TinyTagException

from suno_jobs.errors import AssetNotReady, AssetRefused, ErrorCode, Fault

# Reading the structure of an eight-minute song takes 80 KB, hours of audio take 2 MB: more is a file made to keep us busy.
STRUCTURE_BYTES = 8 * 1024 * 1024


class Content(StrEnum):
    """What the first bytes of a file say for certain, in words for a message."""

    FLAC = "a FLAC song"
    OGG = "an OGG song"
    WAV = "a WAV song"
    MP4 = "a file of the MP4 family"
    PNG = "a PNG image"
    JPEG = "a JPEG image"
    GIF = "a GIF image"
    WEBP = "a WebP image"
    PDF = "a PDF document"
    ZIP = "a ZIP archive"
    GZIP = "a gzip archive"
    MATROSKA = "a Matroska or WebM film"
    AVI = "an AVI film"


_SIGNATURES = (
    (0, b"fLaC", Content.FLAC),
    (0, b"OggS", Content.OGG),
    (8, b"WAVE", Content.WAV),
    (4, b"ftyp", Content.MP4),
    (0, b"\x89PNG\r\n\x1a\n", Content.PNG),
    (0, b"\xff\xd8\xff", Content.JPEG),
    (0, b"GIF8", Content.GIF),
    (8, b"WEBP", Content.WEBP),
    (0, b"%PDF-", Content.PDF),
    (0, b"PK\x03\x04", Content.ZIP),
    (0, b"\x1f\x8b", Content.GZIP),
    (0, b"\x1aE\xdf\xa3", Content.MATROSKA),
    (8, b"AVI ", Content.AVI),
)


@dataclass(frozen=True, slots=True)
class Sound:
    """What a whole sound file turned out to be; 0 seconds when it does not say."""

    seconds: float
    silent: bool


def truncated(reason: str) -> NoReturn:
    raise AssetNotReady(Fault(ErrorCode.ASSET_TRUNCATED, reason))


def wrong_type(reason: str) -> NoReturn:
    raise AssetNotReady(Fault(ErrorCode.ASSET_WRONG_TYPE, reason))


def encrypted() -> NoReturn:
    raise AssetNotReady(Fault(ErrorCode.ASSET_ENCRYPTED, "the file is encrypted"))


def another_kind(kind: str, wanted: str) -> NoReturn:
    raise AssetRefused(Fault(ErrorCode.ASSET_WRONG_TYPE, f"the file is {kind}, not {wanted}"))


class Source:
    """A file with a bound on how much of it may be read. ``seek`` and ``tell`` are there for tinytag."""

    def __init__(self, file: BinaryIO, bound: int) -> None:
        self._file = file
        self._left = bound
        self.size = file.seek(0, io.SEEK_END)
        self.seek = file.seek
        self.tell = file.tell

    def read(self, length: int) -> bytes:
        data = self._file.read(max(0, min(length, self._left)))
        self._left -= len(data)
        if self._left == 0:
            wrong_type("the structure of the file is too large to be true")
        return data

    def at(self, position: int, length: int) -> bytes:
        """Up to ``length`` bytes; fewer, or none, where the file ends."""
        if position >= self.size:
            return b""
        self._file.seek(position)
        return self.read(length)

    def blocks(self, start: int, size: int, length: int) -> Iterator[bytes]:
        """``size`` bytes from ``start``, ``length`` at a time. They do not count: whoever asks stops where he may."""
        end = min(start + size, self.size)
        for position in range(start, end, length):
            self._file.seek(position)
            yield self._file.read(min(length, end - position))


def kind_of(source: Source, *, at_least: int) -> Content | None:
    """None when the first bytes do not tell, as with MP3. Raises AssetNotReady for text, zero bytes and next to nothing.

    ``at_least`` is how many bytes a file of an unknown kind must have to be worth a closer look.
    """
    head = source.at(0, 512)
    for offset, mark, kind in _SIGNATURES:
        if head.startswith(mark, offset):
            return kind
    if not head.strip(b"\0"):
        truncated("the file is empty" if source.size == 0 else "the file starts with nothing but zero bytes")
    _refuse_text(head)
    if source.size < at_least:
        truncated(f"the file has {source.size} bytes only")
    return None


def _refuse_text(head: bytes) -> None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if any(byte < 0x20 and byte not in b"\t\n\r\f\x1b" for byte in text):
        return
    if text.startswith(b"<"):
        wrong_type("the file is an HTML or XML page")
    if text.startswith((b"{", b"[")):
        wrong_type("the file is JSON")
    if text.isascii():
        wrong_type("the file is plain text")


def playing_time(source: Source, *, tags: bool = False) -> float:
    """Seconds, as the file itself says; 0 when it does not."""
    source.seek(0)
    try:
        tag = TinyTag.get(file_obj=cast("BinaryIO", source), tags=tags)
    except TinyTagException:
        wrong_type("the file is damaged")
    return tag.duration or 0.0
