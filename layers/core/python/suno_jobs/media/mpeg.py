"""MPEG audio without a container: MP3 (ISO 11172-3, 13818-3) and AAC in ADTS frames (ISO 13818-7).

Every frame header is read: in a file that declares no length, only this shows completeness and the exact duration.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from struct import unpack_from

from suno_jobs.media import silence
from suno_jobs.media.content import (
    Sound,
    Source,
    is_trailer,
    raise_damaged,
    raise_truncated,
    raise_unknown,
    raise_wrong_type,
    skip_padding,
)

_MIN_FRAMES = 4

# --- MP3 ---------------------------------------------------------------------------------------------------------------------

_KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by version bits: MPEG 1, 2, 2.5


@dataclass(frozen=True, slots=True)
class _Frame:
    """The header of an MPEG audio frame of layer III."""

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


def check_mp3(source: Source, start: int) -> Sound:
    """Raises AssetUnknownFormat if the first bytes are no MP3 frame: such a file may have any format."""
    position = skip_padding(source, start)
    first = _Frame.parse(source.at(position, 4))
    if first is None:
        raise_unknown("the file has no supported audio format")
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
    # Only tags may follow the last frame. A header that was overwritten ends the frames too.
    if frames < _MIN_FRAMES or not is_trailer(source, position, zeros=False):
        raise_wrong_type("the file is not one continuous MP3 stream")
    return Sound(frames * first.samples / first.rate, silent)


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


# --- ADTS --------------------------------------------------------------------------------------------------------------------

_ADTS_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_ADTS_BYTES = 7
_ADTS_BLOCK = 1024  # samples


@dataclass(frozen=True, slots=True)
class _AdtsFrame:
    """``rate`` is that of the coded samples; an extension may play them at twice the rate, which takes the same time."""

    length: int
    samples: int
    rate: int

    @classmethod
    def parse(cls, header: bytes) -> _AdtsFrame | None:
        """None if the bytes are not such a header."""
        if len(header) < _ADTS_BYTES or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
            return None
        rate, length = header[2] >> 2 & 15, int.from_bytes(header[3:6]) >> 5 & 0x1FFF
        if rate >= len(_ADTS_RATES) or length <= _ADTS_BYTES:
            return None
        return cls(length, _ADTS_BLOCK * ((header[6] & 3) + 1), _ADTS_RATES[rate])


def is_adts(source: Source, start: int) -> bool:
    return _AdtsFrame.parse(source.at(skip_padding(source, start), _ADTS_BYTES)) is not None


def check_adts(source: Source, start: int) -> Sound:
    position = skip_padding(source, start)
    frames = samples = rate = 0
    silent = True
    while frame := _AdtsFrame.parse(source.at(position, _ADTS_BYTES)):
        if position + frame.length > source.size:
            raise_truncated("the file ends within a frame")
        if frame.rate != (rate or frame.rate):
            raise_damaged("its sample rate changes")
        silent = silent and frame.length <= _ADTS_BYTES + silence.TINY_PACKET
        frames, samples, rate = frames + 1, samples + frame.samples, frame.rate
        position += frame.length
    if source.at(position, 2)[:1] == b"\xff" and source.size - position < _ADTS_BYTES:
        raise_truncated("the file ends within a frame")
    if frames < _MIN_FRAMES or not is_trailer(source, position):
        raise_wrong_type("the file is not one continuous AAC stream")
    return Sound(samples / rate, silent)
