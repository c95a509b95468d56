"""The gate for audio: what a file is by its content, whether all of it is there, how long it plays, and whether it sounds.

A refusal is final only for a sound file of another kind. A page of HTML, an encrypted fragment or a cut file may be what a CDN
shows before the real file is there, so these raise AssetNotReady and are tried again while there is time.

Silence is found without decoding (``silence``); it is told, not refused: a stem may well be silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from struct import Struct, unpack_from
from typing import BinaryIO

from suno_jobs import silence
from suno_jobs.boxes import sample_sizes, track_handlers
from suno_jobs.contents import (
    STRUCTURE_BYTES,
    Content,
    Sound,
    Source,
    another_kind,
    kind_of,
    playing_time,
    truncated,
    wrong_type,
)
from suno_jobs.flac import check_flac

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
    silent: bool = False

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self.container]

    @property
    def extension(self) -> str:
        return self.container.value


def inspect(file: BinaryIO) -> AudioFile:
    """Judges a whole file, and leaves it at its start. Memory is constant.

    Reads at most ``STRUCTURE_BYTES``, whatever the file claims; the samples of a WAV beside that, as far as they are silent.

    Raises AssetRefused for a file of another kind, AssetNotReady for everything that may get better: with ``asset_truncated``
    when there is less than the file itself announces, ``asset_encrypted``, or ``asset_wrong_type``.
    """
    source = Source(file, STRUCTURE_BYTES)
    try:
        container = _container(source)
        sound = _CHECKS[container](source)
    finally:
        file.seek(0)
    if sound.seconds <= 0:
        truncated("the file plays for no time at all")
    return AudioFile(container, sound.seconds, sound.silent)


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
    side: silence.SideInfo

    @classmethod
    @lru_cache(maxsize=64)
    def read(cls, header: bytes) -> _Frame | None:
        """None for all that is not such a header; free-format streams are not supported.

        Cached, since the millions of frames of a long file have a handful of headers.
        """
        if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
            return None
        version, bits, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
        if version not in _RATES or bits in (0, 15) or rate == 3:
            return None
        hertz = _RATES[version][rate]
        kbps, samples = (_KBPS_1[bits], 1152) if version == 3 else (_KBPS_2[bits], 576)
        side = silence.SideInfo(first_version=version == 3, mono=header[3] >> 6 == 3, checksum=not header[1] & 1)
        return cls(samples // 8 * kbps * 1000 // hertz + (header[2] >> 1 & 1), samples, hertz, side)


def check_mp3(source: Source) -> Sound:
    """Walks every frame: only so is a file without a length of its own known to be whole, and its time exact."""
    position = _skip_id3(source)
    first = _Frame.read(source.at(position, 4))
    if first is None:
        wrong_type("the file is no audio that we know")
    announced = _announced_frames(source.at(position, min(first.length, 256)))
    frames, silent = 0, True
    while True:
        # What tells silence is read only until something sounds.
        header = source.at(position, silence.SIDE_BYTES if silent else 4)
        frame = _Frame.read(header[:4])
        if frame is None or frame.rate != first.rate or position + frame.length > source.size:
            break
        silent = silent and frame.side.is_silent(header)
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
    return Sound(frames * first.samples / first.rate, silent)


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


def _check_wav(source: Source) -> Sound:
    position = 12
    chunks: dict[bytes, tuple[int, int]] = {}
    while position < source.size and b"data" not in chunks:
        head = source.at(position, 8)
        if len(head) < 8:
            truncated("the file ends within a chunk")
        size = int.from_bytes(head[4:], "little")
        chunks[head[:4]] = (position + 8, size)
        position += 8 + size
        if position > source.size:
            truncated("the file is shorter than it announces")
        position += size % 2
    if b"data" not in chunks or b"fmt " not in chunks:
        truncated("the file holds no samples")
    seconds = playing_time(source)
    align = int.from_bytes(source.at(chunks[b"fmt "][0] + 12, 2), "little")
    return Sound(seconds, silence.same_samples(source, *chunks[b"data"], align))


# --- M4A ---------------------------------------------------------------------------------------------------------------------


def _check_m4a(source: Source) -> Sound:
    handlers = track_handlers(source)
    if b"vide" in handlers:
        another_kind("an MP4 film", "audio")
    if b"soun" not in handlers:
        wrong_type("the file has no sound track")
    return Sound(playing_time(source), silence.tiny_packets(sample_sizes(source)))


# --- OGG ---------------------------------------------------------------------------------------------------------------------

_PAGE = Struct("<4sBBqIIIB")
_LAST_PAGE = 0x04
# FLAC within OGG is left out: encoders that stream leave its length unsaid.
_OGG_CODECS = (b"\x01vorbis", b"OpusHead")


def _check_ogg(source: Source) -> Sound:
    position, flags, silent = 0, 0, True
    while position < source.size:
        head = source.at(position, _PAGE.size)
        if len(head) < _PAGE.size:
            truncated("the file ends within a page")
        capture, _version, flags, granule, *_numbers, segments = _PAGE.unpack(head)
        if capture != b"OggS":
            wrong_type("the file is damaged")
        table = source.at(position + _PAGE.size, segments)
        content = position + _PAGE.size + segments
        if position == 0 and not source.at(content, 8).startswith(_OGG_CODECS):
            wrong_type("the file holds no audio that we know")
        # Pages of headers come before any time has passed.
        silent = silent and (granule == 0 or silence.tiny_packets(table))
        position = content + sum(table)
    if position > source.size or not flags & _LAST_PAGE:
        truncated("the file ends before its last page")
    return Sound(playing_time(source, tags=True), silent)


_CHECKS = {
    Container.MP3: check_mp3,
    Container.WAV: _check_wav,
    Container.M4A: _check_m4a,
    Container.FLAC: check_flac,
    Container.OGG: _check_ogg,
}
