"""Shared by the checks for audio, images and videos: bounded reading, detecting the format, and the errors to raise."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, NoReturn, cast

from tinytag import TinyTag, TinyTagException

from suno_jobs.errors import AssetNotReady, AssetUnknownFormat, ErrorCode, Fault

# The structure of an eight-minute song takes 80 KB, that of hours of audio 2 MB. A file that needs more was made to waste time.
STRUCTURE_BYTES = 8 * 1024 * 1024

BLOCK_BYTES = 128 * 1024
"""How much content is held in memory at once. The largest page of an Ogg file takes 64 KB."""

TAG_MARKS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI")
_MAX_PADDING = 64 * 1024
_MAX_TRAILER = 256 * 1024


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


def raise_damaged(reason: str) -> NoReturn:
    raise_wrong_type(f"the file is damaged: {reason}")


def raise_unknown(reason: str) -> NoReturn:
    """The signal that the bytes may still be the song, in a format that these checks do not know."""
    raise AssetUnknownFormat(Fault(ErrorCode.ASSET_WRONG_TYPE, reason))


def raise_encrypted() -> NoReturn:
    raise AssetNotReady(Fault(ErrorCode.ASSET_ENCRYPTED, "the file is encrypted"))


def raise_other_format(found: str, wanted: str) -> NoReturn:
    """A picture at the link of a song is an answer of its server like any other: the song may be there later."""
    raise_wrong_type(f"the file is {found}, not {wanted}")


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
        self.spend(len(data))
        return data

    def spend(self, length: int) -> None:
        """Counts bytes of structure that were found in a block of ``blocks`` or ``block``."""
        self._left -= length
        if self._left <= 0:
            raise_wrong_type("the structure of the file is implausibly large")

    def at(self, position: int, length: int) -> bytes:
        """Up to ``length`` bytes; fewer, or none, where the file ends."""
        if position >= self.size:
            return b""
        self._file.seek(position)
        return self.read(length)

    def blocks(self, start: int, size: int, length: int) -> Iterator[bytes]:
        """``size`` bytes from ``start``, ``length`` at a time. Not limited by the bound: no byte is read twice."""
        end = min(start + size, self.size)
        for position in range(start, end, length):
            yield self.block(position, min(length, end - position))

    def block(self, position: int, length: int) -> bytes:
        """Up to ``length`` bytes of content. Not limited by the bound; the caller passes the structure in it to ``spend``."""
        self._file.seek(position)
        return self._file.read(length)


def skip_id3(source: Source) -> int:
    """Where the content begins behind ID3v2 tags and the padding after them; 0 without such a tag."""
    position = 0
    while (head := source.at(position, 10))[:3] == b"ID3" and len(head) == 10:
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        position += 10 + size + (10 if head[5] & 0x10 else 0)
    if position >= source.size > 0:
        raise_truncated("the file ends within its tags")
    if source.at(position + 4, 4) == b"ftyp":  # a box starts with its size, whose first bytes are zero
        return position
    return skip_padding(source, position) if position else 0


def skip_padding(source: Source, position: int) -> int:
    padding = source.at(position, _MAX_PADDING)
    return position + len(padding) - len(padding.lstrip(b"\0"))


def is_trailer(source: Source, position: int, *, zeros: bool = True) -> bool:
    """Whether nothing but a tag follows, or, with ``zeros``, zero bytes. Tags are ID3v1, APE, Lyrics3 and appended ID3v2."""
    if position >= source.size:
        return True
    if source.size - position > _MAX_TRAILER:
        return False
    head = source.at(position, 11)
    if head.startswith(TAG_MARKS):
        return True
    return (
        zeros
        and not head.strip(b"\0")
        and not any(block.strip(b"\0") for block in source.blocks(position, _MAX_TRAILER, _MAX_TRAILER))
    )


def detect_format(source: Source, *, at_least: int, start: int = 0) -> FileFormat | None:
    """None if the bytes at ``start`` do not identify the format, as with MP3. Raises AssetNotReady for text and zero bytes.

    It also raises AssetNotReady for a file of unknown format with fewer than ``at_least`` bytes.
    """
    head = source.at(start, 512)
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


def read_duration(source: Source) -> float:
    """Seconds, as declared by an MP4 file itself; 0 if it declares none."""
    source.seek(0)
    try:
        tag = TinyTag.get(file_obj=cast("BinaryIO", source), tags=False)
    except TinyTagException:
        raise_wrong_type("the file is damaged")
    return tag.duration or 0.0
