"""The gate for audio: what a file is by its content, whether all of it is there, and how long it plays.

A refusal is final only for a sound file of another kind. A page of HTML, an encrypted fragment or a cut file may be what a CDN
shows before the real file is there, so these raise AssetNotReady and are tried again while there is time.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from struct import Struct, unpack_from
from typing import BinaryIO, NoReturn, cast

from tinytag import TinyTag, TinyTagException

from suno_jobs.errors import AssetNotReady, AssetRefused, ErrorCode, Fault

MIN_BYTES = 1024
# Reading the structure of an eight-minute song takes 80 KB, hours of audio take 2 MB: more is a file made to keep us busy.
STRUCTURE_BYTES = 8 * 1024 * 1024


class Container(StrEnum):
    MP3 = "mp3"
    WAV = "wav"
    M4A = "m4a"
    FLAC = "flac"
    OGG = "ogg"


_CONTENT_TYPES = {
    Container.MP3: "audio/mpeg",
    Container.WAV: "audio/wav",
    Container.M4A: "audio/mp4",
    Container.FLAC: "audio/flac",
    Container.OGG: "audio/ogg",
}


@dataclass(frozen=True, slots=True)
class AudioFile:
    """What a file that passed the gate is, from its content alone."""

    container: Container
    duration_seconds: float

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self.container]

    @property
    def extension(self) -> str:
        return self.container.value


def inspect(file: BinaryIO) -> AudioFile:
    """Judges a whole file, and leaves it at its start. Reads at most ``STRUCTURE_BYTES``, whatever the file claims.

    Raises AssetRefused for a file of another kind, AssetNotReady for everything that may get better, with ``asset_truncated``
    when there is less than the file itself announces and ``asset_wrong_type`` otherwise.
    """
    source = _Source(file)
    try:
        container = _container(source)
        seconds = _CHECKS[container](source)
    finally:
        file.seek(0)
    if seconds <= 0:
        _truncated("the file plays for no time at all")
    return AudioFile(container, seconds)


def _truncated(reason: str) -> NoReturn:
    raise AssetNotReady(Fault(ErrorCode.ASSET_TRUNCATED, reason))


def _wrong_type(reason: str) -> NoReturn:
    raise AssetNotReady(Fault(ErrorCode.ASSET_WRONG_TYPE, reason))


def _another_kind(kind: str) -> NoReturn:
    raise AssetRefused(Fault(ErrorCode.ASSET_WRONG_TYPE, f"the file is {kind}, not audio"))


class _Source:
    """A file with a bound on how much of it may be read. ``seek`` and ``tell`` are there for tinytag."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = STRUCTURE_BYTES
        self.size = file.seek(0, io.SEEK_END)
        self.seek = file.seek
        self.tell = file.tell
        file.seek(0)

    def read(self, length: int) -> bytes:
        data = self._file.read(max(0, min(length, self._left)))
        self._left -= len(data)
        if self._left == 0:
            _wrong_type("the structure of the file is too large to be audio")
        return data

    def at(self, position: int, length: int) -> bytes:
        """Up to ``length`` bytes; fewer, or none, where the file ends."""
        if position >= self.size:
            return b""
        self._file.seek(position)
        return self.read(length)


# --- what kind of file -------------------------------------------------------------------------------------------------------

_OURS = (
    (0, b"fLaC", Container.FLAC),
    (0, b"OggS", Container.OGG),
    (4, b"ftyp", Container.M4A),
    (8, b"WAVE", Container.WAV),
)
_OTHERS = (
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF8", "a GIF image"),
    (0, b"%PDF-", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"\x1aE\xdf\xa3", "a Matroska or WebM film"),
    (8, b"WEBP", "a WebP image"),
    (8, b"AVI ", "an AVI film"),
)


def _container(source: _Source) -> Container:
    head = source.at(0, 512)
    for offset, mark, container in _OURS:
        if head.startswith(mark, offset):
            return container
    for offset, mark, kind in _OTHERS:
        if head.startswith(mark, offset):
            _another_kind(kind)
    if not head.strip(b"\0"):
        _truncated("the file is empty" if source.size == 0 else "the file starts with nothing but zero bytes")
    _refuse_text(head)
    if source.size < MIN_BYTES:
        _truncated(f"the file has {source.size} bytes only")
    return Container.MP3


def _refuse_text(head: bytes) -> None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if any(byte < 0x20 and byte not in b"\t\n\r\f\x1b" for byte in text):
        return
    if text.startswith(b"<"):
        _wrong_type("the file is an HTML or XML page")
    if text.startswith((b"{", b"[")):
        _wrong_type("the file is JSON")
    if text.isascii():
        _wrong_type("the file is plain text")


def _duration(source: _Source, *, tags: bool = False) -> float:
    source.seek(0)
    try:
        tag = TinyTag.get(file_obj=cast("BinaryIO", source), tags=tags)
    except TinyTagException:
        _wrong_type("the file is damaged")
    return tag.duration or 0.0


# --- MP3 ---------------------------------------------------------------------------------------------------------------------

_KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by version bits: MPEG 1, 2, 2.5
_MIN_FRAMES = 4
_MAX_PADDING = 64 * 1024
# ID3v1, APE and lyrics tags may follow the last frame.
_MAX_TRAILER = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Frame:
    """The header of an MPEG audio frame of layer III (ISO 11172-3, 13818-3)."""

    length: int
    samples: int
    rate: int

    @classmethod
    def read(cls, header: bytes) -> _Frame | None:
        """None for all that is not such a header; free-format streams are not supported."""
        if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
            return None
        version, bits, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
        if version not in _RATES or bits in (0, 15) or rate == 3:
            return None
        hertz = _RATES[version][rate]
        kbps, samples = (_KBPS_1[bits], 1152) if version == 3 else (_KBPS_2[bits], 576)
        return cls(samples // 8 * kbps * 1000 // hertz + (header[2] >> 1 & 1), samples, hertz)


def _check_mp3(source: _Source) -> float:
    """Walks every frame: only so is a file without a length of its own known to be whole, and its time exact."""
    position = _skip_id3(source)
    first = _Frame.read(source.at(position, 4))
    if first is None:
        _wrong_type("the file is no audio that we know")
    announced = _announced_frames(source.at(position, min(first.length, 256)))
    frames = 0
    while True:
        header = source.at(position, 4)
        frame = _Frame.read(header)
        if frame is None or frame.rate != first.rate or position + frame.length > source.size:
            break
        frames += 1
        position += frame.length
    cut = (frame is not None and frame.rate == first.rate) or 0 < len(header) < 4
    if announced is not None:
        frames -= 1  # the one that holds the announcement holds no sound
        cut = frames < announced - 2
    if cut:
        _truncated("the file ends before its last frame")
    if frames < _MIN_FRAMES or source.size - position > _MAX_TRAILER:
        _wrong_type("the file is no unbroken MP3")
    return frames * first.samples / first.rate


def _skip_id3(source: _Source) -> int:
    position = 0
    while (head := source.at(position, 10))[:3] == b"ID3" and len(head) == 10:
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        position += 10 + size + (10 if head[5] & 0x10 else 0)
    if position >= source.size:
        _truncated("the file ends within its tags")
    padding = source.at(position, _MAX_PADDING)
    return position + len(padding) - len(padding.lstrip(b"\0"))


def _announced_frames(frame: bytes) -> int | None:
    """The number of frames that an encoder's Xing, Info or VBRI header promises."""
    for mark in (b"Xing", b"Info"):
        at = frame.find(mark)
        if at >= 0 and len(frame) >= at + 12:
            flags, frames = unpack_from(">II", frame, at + 4)
            return int(frames) if flags & 1 and frames else None
    if frame[36:40] == b"VBRI" and len(frame) >= 54:
        return int.from_bytes(frame[50:54]) or None
    return None


# --- WAV ---------------------------------------------------------------------------------------------------------------------


def _check_wav(source: _Source) -> float:
    position = 12
    chunks: dict[bytes, int] = {}
    while position < source.size and b"data" not in chunks:
        head = source.at(position, 8)
        if len(head) < 8:
            _truncated("the file ends within a chunk")
        size = int.from_bytes(head[4:], "little")
        chunks[head[:4]] = size
        position += 8 + size
        if position > source.size:
            _truncated("the file is shorter than it announces")
        position += size % 2
    if b"data" not in chunks or b"fmt " not in chunks:
        _truncated("the file holds no samples")
    return _duration(source)


# --- M4A ---------------------------------------------------------------------------------------------------------------------

_ENCRYPTED = frozenset({b"enca", b"encv", b"drms"})


@dataclass(frozen=True, slots=True)
class _Box:
    """A box of ISO 14496-12; ``start`` is where its content begins."""

    name: bytes
    start: int
    end: int


def _boxes(source: _Source, start: int, end: int) -> Iterator[_Box]:
    """Refuses a last box of size 0, which reaches to the end of the file: nobody can tell whether that was cut."""
    while start < end:
        head = source.at(start, 16)
        size, skip = int.from_bytes(head[:4]), 8
        if size == 1:
            size, skip = int.from_bytes(head[8:16]), 16
        if len(head) < skip or size < skip or start + size > end:
            _truncated("the file is shorter than it announces")
        yield _Box(head[4:8], start + skip, start + size)
        start += size


def _inside(source: _Source, box: _Box, *path: bytes) -> Iterator[_Box]:
    for child in _boxes(source, box.start, box.end):
        if child.name == path[0]:
            yield from _inside(source, child, *path[1:]) if path[1:] else (child,)


def _check_m4a(source: _Source) -> float:
    top = {box.name: box for box in _boxes(source, 0, source.size)}
    if b"moof" in top:
        _wrong_type("the file is a fragment of a stream")
    if b"moov" not in top or b"mdat" not in top:
        _truncated("the file lacks its index or its sound")
    if any(_inside(source, top[b"moov"], b"pssh")):
        _wrong_type("the file is encrypted")
    handlers = set()
    for media in _inside(source, top[b"moov"], b"trak", b"mdia"):
        handlers |= {source.at(box.start + 8, 4) for box in _inside(source, media, b"hdlr")}
        for table in _inside(source, media, b"minf", b"stbl", b"stsd"):
            _check_sample_entries(source, table)
    if b"vide" in handlers:
        _another_kind("an MP4 film")
    if b"soun" not in handlers:
        _wrong_type("the file has no sound track")
    return _duration(source)


def _check_sample_entries(source: _Source, table: _Box) -> None:
    for entry in _boxes(source, table.start + 8, table.end):
        if entry.name in _ENCRYPTED or b"sinf" in source.at(entry.start, entry.end - entry.start):
            _wrong_type("the file is encrypted")


# --- FLAC --------------------------------------------------------------------------------------------------------------------

_TAIL = 128 * 1024
_CANDIDATES = 16


def _crc16_of(byte: int) -> int:
    crc = byte << 8
    for _ in range(8):
        crc = (crc << 1 ^ 0x8005 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


_CRC16 = tuple(_crc16_of(byte) for byte in range(256))


def _check_flac(source: _Source) -> float:
    """FLAC announces no size in bytes, but each frame ends with a checksum of itself (RFC 9639): the last one must be right."""
    tail = source.at(max(0, source.size - _TAIL), _TAIL)
    at = len(tail)
    for _ in range(_CANDIDATES):
        at = max(tail.rfind(sync, 0, at) for sync in (b"\xff\xf8", b"\xff\xf9"))
        if at < 0:
            break
        crc = 0
        for byte in memoryview(tail)[at:]:
            crc = (crc << 8 & 0xFF00) ^ _CRC16[crc >> 8 ^ byte]
        if crc == 0:
            return _duration(source)
    _truncated("the file ends before its last frame")


# --- OGG ---------------------------------------------------------------------------------------------------------------------

_PAGE = Struct("<4sBBqIIIB")
_LAST_PAGE = 0x04
# FLAC within OGG is left out: encoders that stream leave its length unsaid.
_OGG_CODECS = (b"\x01vorbis", b"OpusHead")


def _check_ogg(source: _Source) -> float:
    position, flags = 0, 0
    while position < source.size:
        head = source.at(position, _PAGE.size)
        if len(head) < _PAGE.size:
            _truncated("the file ends within a page")
        capture, _version, flags, *_numbers, segments = _PAGE.unpack(head)
        if capture != b"OggS":
            _wrong_type("the file is damaged")
        table = source.at(position + _PAGE.size, segments)
        content = position + _PAGE.size + segments
        if position == 0 and not source.at(content, 8).startswith(_OGG_CODECS):
            _wrong_type("the file holds no audio that we know")
        position = content + sum(table)
    if position > source.size or not flags & _LAST_PAGE:
        _truncated("the file ends before its last page")
    return _duration(source, tags=True)


_CHECKS = {
    Container.MP3: _check_mp3,
    Container.WAV: _check_wav,
    Container.M4A: _check_m4a,
    Container.FLAC: _check_flac,
    Container.OGG: _check_ogg,
}
