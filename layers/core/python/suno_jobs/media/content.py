"""Shared by the checks for audio, images and videos: bounded reading, detecting the format, and the errors to raise."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, NoReturn, cast

from tinytag import TinyTag, TinyTagException

from suno_jobs.errors import AssetNotReady, AssetRefused, ErrorCode, Fault

# The structure of an eight-minute song takes 80 KB, that of hours of audio 2 MB. A file that needs more was made to waste time.
STRUCTURE_BYTES = 8 * 1024 * 1024


class FileFormat(StrEnum):
    """The format that the first bytes of a file prove, as it is named in messages."""

    FLAC = "FLAC audio"
    OGG = "Ogg audio"
    WAV = "WAV audio"
    MP4 = "a file of the MP4 family"
    PNG = "a PNG image"
    JPEG = "a JPEG image"
    GIF = "a GIF image"
    WEBP = "a WebP image"
    PDF = "a PDF document"
    ZIP = "a ZIP archive"
    GZIP = "a gzip archive"
    MATROSKA = "a Matroska or WebM video"
    AVI = "an AVI video"


_SIGNATURES = (
    (0, b"fLaC", FileFormat.FLAC),
    (0, b"OggS", FileFormat.OGG),
    (8, b"WAVE", FileFormat.WAV),
    (4, b"ftyp", FileFormat.MP4),
    (0, b"\x89PNG\r\n\x1a\n", FileFormat.PNG),
    (0, b"\xff\xd8\xff", FileFormat.JPEG),
    (0, b"GIF8", FileFormat.GIF),
    (8, b"WEBP", FileFormat.WEBP),
    (0, b"%PDF-", FileFormat.PDF),
    (0, b"PK\x03\x04", FileFormat.ZIP),
    (0, b"\x1f\x8b", FileFormat.GZIP),
    (0, b"\x1aE\xdf\xa3", FileFormat.MATROSKA),
    (8, b"AVI ", FileFormat.AVI),
)


@dataclass(frozen=True, slots=True)
class Sound:
    """What the checks found in a complete audio file; ``seconds`` is 0 if it declares no duration."""

    seconds: float
    silent: bool


def raise_truncated(reason: str) -> NoReturn:
    raise AssetNotReady(Fault(ErrorCode.ASSET_TRUNCATED, reason))


def raise_wrong_type(reason: str) -> NoReturn:
    raise AssetNotReady(Fault(ErrorCode.ASSET_WRONG_TYPE, reason))


def raise_encrypted() -> NoReturn:
    raise AssetNotReady(Fault(ErrorCode.ASSET_ENCRYPTED, "the file is encrypted"))


def refuse_format(found: str, wanted: str) -> NoReturn:
    raise AssetRefused(Fault(ErrorCode.ASSET_WRONG_TYPE, f"the file is {found}, not {wanted}"))


class Source:
    """A file of which at most ``bound`` bytes may be read. tinytag needs ``seek`` and ``tell``."""

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
            raise_wrong_type("the structure of the file is implausibly large")
        return data

    def at(self, position: int, length: int) -> bytes:
        """Up to ``length`` bytes; fewer, or none, where the file ends."""
        if position >= self.size:
            return b""
        self._file.seek(position)
        return self.read(length)

    def blocks(self, start: int, size: int, length: int) -> Iterator[bytes]:
        """``size`` bytes from ``start``, ``length`` at a time. Not limited by the bound, since the caller may stop early."""
        end = min(start + size, self.size)
        for position in range(start, end, length):
            self._file.seek(position)
            yield self._file.read(min(length, end - position))


def detect_format(source: Source, *, at_least: int) -> FileFormat | None:
    """None if the first bytes do not identify the format, as with MP3. Raises AssetNotReady for text and zero bytes.

    It also raises AssetNotReady for a file of unknown format with fewer than ``at_least`` bytes.
    """
    head = source.at(0, 512)
    for offset, signature, found in _SIGNATURES:
        if head.startswith(signature, offset):
            return found
    if not head.strip(b"\0"):
        raise_truncated("the file is empty" if source.size == 0 else "the file starts with nothing but zero bytes")
    _check_not_text(head)
    if source.size < at_least:
        raise_truncated(f"the file has only {source.size} bytes")
    return None


def _check_not_text(head: bytes) -> None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if any(byte < 0x20 and byte not in b"\t\n\r\f\x1b" for byte in text):
        return
    if text.startswith(b"<"):
        raise_wrong_type("the file is an HTML or XML page")
    if text.startswith((b"{", b"[")):
        raise_wrong_type("the file is JSON")
    if text.isascii():
        raise_wrong_type("the file is plain text")


def read_duration(source: Source, *, tags: bool = False) -> float:
    """Seconds, as declared by the file itself; 0 if it declares none."""
    source.seek(0)
    try:
        tag = TinyTag.get(file_obj=cast("BinaryIO", source), tags=tags)
    except TinyTagException:
        raise_wrong_type("the file is damaged")
    return tag.duration or 0.0
