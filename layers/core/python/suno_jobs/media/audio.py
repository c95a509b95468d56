"""The checks for audio: format by content, completeness, duration, and whether the audio is digital silence.

Only a file that certainly has another format is refused for good. A CDN may serve an HTML page, an encrypted fragment or a
truncated file before the real file is available, so these raise AssetNotReady and are retried while there is time.

Silence is detected without decoding (see ``silence``). It is reported and not refused, because a stem may be silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from struct import Struct, unpack_from
from typing import BinaryIO

from suno_jobs.media import silence
from suno_jobs.media.content import (
    STRUCTURE_BYTES,
    FileFormat,
    Sound,
    Source,
    detect_format,
    raise_truncated,
    raise_wrong_type,
    read_duration,
    refuse_format,
)
from suno_jobs.media.flac import check_flac
from suno_jobs.media.mp4 import sample_sizes, track_handlers

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
    FileFormat.WAV: Container.WAV,
    FileFormat.MP4: Container.M4A,
    FileFormat.FLAC: Container.FLAC,
    FileFormat.OGG: Container.OGG,
}


@dataclass(frozen=True, slots=True)
class AudioFile:
    """What a file that passed the checks is, judged by its content alone."""

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
    """Checks a downloaded file and rewinds it. Memory is constant.

    Reads at most ``STRUCTURE_BYTES``, whatever sizes the file declares, and the samples of a WAV as long as they are silent.

    Raises AssetRefused for a file of another format. Raises AssetNotReady for every file that may pass later: with
    ``asset_truncated`` if it is shorter than it declares, ``asset_encrypted``, or ``asset_wrong_type``.
    """
    source = Source(file, STRUCTURE_BYTES)
    try:
        container = _container(source)
        sound = _CHECKS[container](source)
    finally:
        file.seek(0)
    if sound.seconds <= 0:
        raise_truncated("the duration of the file is zero")
    return AudioFile(container, sound.seconds, sound.silent)


def _container(source: Source) -> Container:
    found = detect_format(source, at_least=MIN_BYTES)
    if found is None:
        return Container.MP3
    if found not in _CONTAINERS:
        refuse_format(found, "audio")
    return _CONTAINERS[found]


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
    def parse(cls, header: bytes) -> _Frame | None:
        """None if the bytes are not such a header; free-format streams are not supported.

        Cached, since the millions of frames of a long file have only a few different headers.
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
    """Reads every frame header: in a file that declares no length, only this shows completeness and the exact duration."""
    position = _skip_id3(source)
    first = _Frame.parse(source.at(position, 4))
    if first is None:
        raise_wrong_type("the file has no supported audio format")
    declared = _declared_frames(source.at(position, min(first.length, 256)))
    frames, silent = 0, True
    while True:
        # The side information is read only while all frames so far are silent.
        header = source.at(position, silence.SIDE_BYTES if silent else 4)
        frame = _Frame.parse(header[:4])
        if frame is None or frame.rate != first.rate or position + frame.length > source.size:
            break
        silent = silent and frame.side.is_silent(header)
        frames += 1
        position += frame.length
    incomplete = (frame is not None and frame.rate == first.rate) or 0 < len(header) < 4
    if declared is not None:
        frames -= 1  # the frame with the declaration contains no audio
        incomplete = frames < declared - 2
    if incomplete:
        raise_truncated("the file ends before its last frame")
    if frames < _MIN_FRAMES or source.size - position > _MAX_TRAILER:
        raise_wrong_type("the file is not one continuous MP3 stream")
    return Sound(frames * first.samples / first.rate, silent)


def _skip_id3(source: Source) -> int:
    position = 0
    while (head := source.at(position, 10))[:3] == b"ID3" and len(head) == 10:
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        position += 10 + size + (10 if head[5] & 0x10 else 0)
    if position >= source.size:
        raise_truncated("the file ends within its tags")
    padding = source.at(position, _MAX_PADDING)
    return position + len(padding) - len(padding.lstrip(b"\0"))


def _declared_frames(frame: bytes) -> int | None:
    """The number of frames that an encoder's Xing, Info or VBRI header declares."""
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
            raise_truncated("the file ends within a chunk")
        size = int.from_bytes(head[4:], "little")
        chunks[head[:4]] = (position + 8, size)
        position += 8 + size
        if position > source.size:
            raise_truncated("the file is shorter than it declares")
        position += size % 2
    if b"data" not in chunks or b"fmt " not in chunks:
        raise_truncated("the file contains no samples")
    seconds = read_duration(source)
    align = int.from_bytes(source.at(chunks[b"fmt "][0] + 12, 2), "little")
    return Sound(seconds, silence.same_samples(source, *chunks[b"data"], align))


# --- M4A ---------------------------------------------------------------------------------------------------------------------


def _check_m4a(source: Source) -> Sound:
    handlers = track_handlers(source)
    if b"vide" in handlers:
        refuse_format("an MP4 video", "audio")
    if b"soun" not in handlers:
        raise_wrong_type("the file has no audio track")
    return Sound(read_duration(source), silence.tiny_packets(sample_sizes(source)))


# --- OGG ---------------------------------------------------------------------------------------------------------------------

_PAGE = Struct("<4sBBqIIIB")
_LAST_PAGE = 0x04
# FLAC in Ogg is not supported: streaming encoders do not declare its length.
_OGG_CODECS = (b"\x01vorbis", b"OpusHead")


def _check_ogg(source: Source) -> Sound:
    position, flags, silent = 0, 0, True
    while position < source.size:
        head = source.at(position, _PAGE.size)
        if len(head) < _PAGE.size:
            raise_truncated("the file ends within a page")
        capture, _version, flags, granule, *_numbers, segments = _PAGE.unpack(head)
        if capture != b"OggS":
            raise_wrong_type("the file is damaged")
        table = source.at(position + _PAGE.size, segments)
        content = position + _PAGE.size + segments
        if position == 0 and not source.at(content, 8).startswith(_OGG_CODECS):
            raise_wrong_type("the file has no supported audio codec")
        # Header pages have granule position 0.
        silent = silent and (granule == 0 or silence.tiny_packets(table))
        position = content + sum(table)
    if position > source.size or not flags & _LAST_PAGE:
        raise_truncated("the file ends before its last page")
    return Sound(read_duration(source, tags=True), silent)


_CHECKS = {
    Container.MP3: check_mp3,
    Container.WAV: _check_wav,
    Container.M4A: _check_m4a,
    Container.FLAC: check_flac,
    Container.OGG: _check_ogg,
}
