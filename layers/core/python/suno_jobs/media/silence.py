"""Detection of digital silence from containers and frame headers, without decoding.

Detected: files whose samples are all equal, or in which nothing but silence is coded. Not detected: noise, however quiet;
silence that the encoder padded with meaningless bits; Opus at speech bit rates, which codes silence like a voice; and a FLAC
whose encoder did not declare the size of its largest frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from suno_jobs.media.content import Source

SIDE_BYTES = 4 + 2 + 32
"""The largest total size of the header, checksum and side information of an MP3 frame."""

TINY_PACKET = 8
"""Bytes for 10 to 60 ms of audio. Silence takes 4 or 6 in AAC, 3 in Opus and 1 in Vorbis; music takes fifty or more."""

_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SideInfo:
    """The layout of the side information of an MPEG audio frame of layer III (ISO 11172-3, 13818-3)."""

    first_version: bool
    mono: bool
    checksum: bool

    def is_silent(self, frame: bytes) -> bool:
        """Whether ``part2_3_length`` is zero for every granule and channel: scale factors and samples take no bits."""
        size = (17 if self.mono else 32) if self.first_version else (9 if self.mono else 17)
        start = 6 if self.checksum else 4
        bits = int.from_bytes(frame[start : start + size].ljust(size, b"\0"))
        first, step = (18 if self.mono else 20, 59) if self.first_version else (9 if self.mono else 10, 63)
        parts = (1 if self.mono else 2) * (2 if self.first_version else 1)
        return not any(bits >> (size * 8 - first - step * part - 12) & 0xFFF for part in range(parts))


def same_samples(source: Source, start: int, size: int, align: int) -> bool:
    """Whether all samples of a WAV equal the first one. ``align`` is the size in bytes of one sample of all channels."""
    sample = source.at(start, align)
    if not sample:
        return False
    pattern = sample * (_BLOCK // align)
    return all(block == pattern[: len(block)] for block in source.blocks(start, size, len(pattern)))


def tiny_frames(info: bytes) -> bool:
    """Whether no frame of a FLAC is larger than a frame of constant samples."""
    largest = int.from_bytes(info[7:10])
    channels = (info[12] >> 1 & 7) + 1
    return 0 < largest <= 18 + 5 * channels


def tiny_packets(sizes: Iterable[int]) -> bool:
    return all(size <= TINY_PACKET for size in sizes)
