"""The gate for audio: what a file is by its content, whether all of it is there, and how long it plays.

A refusal is final only for a sound file of another kind. A page of HTML, an encrypted fragment or a cut file may be what a CDN
shows before the real file is there, so these raise AssetNotReady and are tried again while there is time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from struct import Struct, unpack_from
from typing import BinaryIO

from suno_jobs.boxes import track_handlers
from suno_jobs.contents import STRUCTURE_BYTES, Content, Source, another_kind, kind_of, playing_time, truncated, wrong_type

MIN_BYTES = 1024


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
_CONTAINERS = {
    Content.WAV: Container.WAV,
    Content.MP4: Container.M4A,
    Content.FLAC: Container.FLAC,
    Content.OGG: Container.OGG,
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
    source = Source(file, STRUCTURE_BYTES)
    try:
        container = _container(source)
        seconds = _CHECKS[container](source)
    finally:
        file.seek(0)
    if seconds <= 0:
        truncated("the file plays for no time at all")
    return AudioFile(container, seconds)


def _container(source: Source) -> Container:
    kind = kind_of(source, at_least=MIN_BYTES)
    if kind is None:
        return Container.MP3
    if kind not in _CONTAINERS:
        another_kind(kind, "audio")
    return _CONTAINERS[kind]


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


def check_mp3(source: Source) -> float:
    """Walks every frame: only so is a file without a length of its own known to be whole, and its time exact."""
    position = _skip_id3(source)
    first = _Frame.read(source.at(position, 4))
    if first is None:
        wrong_type("the file is no audio that we know")
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
        truncated("the file ends before its last frame")
    if frames < _MIN_FRAMES or source.size - position > _MAX_TRAILER:
        wrong_type("the file is no unbroken MP3")
    return frames * first.samples / first.rate


def _skip_id3(source: Source) -> int:
    position = 0
    while (head := source.at(position, 10))[:3] == b"ID3" and len(head) == 10:
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        position += 10 + size + (10 if head[5] & 0x10 else 0)
    if position >= source.size:
        truncated("the file ends within its tags")
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


def _check_wav(source: Source) -> float:
    position = 12
    chunks: dict[bytes, int] = {}
    while position < source.size and b"data" not in chunks:
        head = source.at(position, 8)
        if len(head) < 8:
            truncated("the file ends within a chunk")
        size = int.from_bytes(head[4:], "little")
        chunks[head[:4]] = size
        position += 8 + size
        if position > source.size:
            truncated("the file is shorter than it announces")
        position += size % 2
    if b"data" not in chunks or b"fmt " not in chunks:
        truncated("the file holds no samples")
    return playing_time(source)


# --- M4A ---------------------------------------------------------------------------------------------------------------------


def _check_m4a(source: Source) -> float:
    handlers = track_handlers(source)
    if b"vide" in handlers:
        another_kind("an MP4 film", "audio")
    if b"soun" not in handlers:
        wrong_type("the file has no sound track")
    return playing_time(source)


# --- FLAC --------------------------------------------------------------------------------------------------------------------

_TAIL = 128 * 1024
_CANDIDATES = 16


def _crc16_of(byte: int) -> int:
    crc = byte << 8
    for _ in range(8):
        crc = (crc << 1 ^ 0x8005 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


_CRC16 = tuple(_crc16_of(byte) for byte in range(256))


def _check_flac(source: Source) -> float:
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
            return playing_time(source)
    return truncated("the file ends before its last frame")


# --- OGG ---------------------------------------------------------------------------------------------------------------------

_PAGE = Struct("<4sBBqIIIB")
_LAST_PAGE = 0x04
# FLAC within OGG is left out: encoders that stream leave its length unsaid.
_OGG_CODECS = (b"\x01vorbis", b"OpusHead")


def _check_ogg(source: Source) -> float:
    position, flags = 0, 0
    while position < source.size:
        head = source.at(position, _PAGE.size)
        if len(head) < _PAGE.size:
            truncated("the file ends within a page")
        capture, _version, flags, *_numbers, segments = _PAGE.unpack(head)
        if capture != b"OggS":
            wrong_type("the file is damaged")
        table = source.at(position + _PAGE.size, segments)
        content = position + _PAGE.size + segments
        if position == 0 and not source.at(content, 8).startswith(_OGG_CODECS):
            wrong_type("the file holds no audio that we know")
        position = content + sum(table)
    if position > source.size or not flags & _LAST_PAGE:
        truncated("the file ends before its last page")
    return playing_time(source, tags=True)


_CHECKS = {
    Container.MP3: check_mp3,
    Container.WAV: _check_wav,
    Container.M4A: _check_m4a,
    Container.FLAC: _check_flac,
    Container.OGG: _check_ogg,
}
