"""Whether a FLAC file is complete and intact (RFC 9639). It declares its number of samples, but no size in bytes.

Each frame contains its position, and checksums of its header and of the whole frame. The file is complete if its frames follow
each other without a gap, and the last one is intact and contains the last sample. An encoder that writes to a pipe leaves the
number of samples unknown; in such a file the frames are counted, and a cut between two frames cannot be noticed.

After the first 128 MB, only the headers and positions of frames and the content of the last one are checked: there, damage
shows only if it covers the start of a frame.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Self

from suno_jobs.media import silence
from suno_jobs.media.checksums import FrameSum, crc8
from suno_jobs.media.content import BLOCK_BYTES, TAG_MARKS, Sound, Source, raise_damaged, raise_truncated

STREAMINFO_BYTES = 34
_HEADER_BYTES = 16
# 65,535 samples of 8 channels with 32 bits take 2 MB.
_MAX_FRAME = 4 * 1024 * 1024
# The sync code, and no reserved block size, sample rate or channel assignment. This also occurs within a frame by chance.
_HEADER = re.compile(rb"\xff[\xf8\xf9][^\x00-\x0f\x1f\x2f\x3f\x4f\x5f\x6f\x7f\x8f\x9f\xaf\xbf\xcf\xdf\xef\xff][\x00-\xaf]")
_TRAILER = re.compile(b"|".join(TAG_MARKS))
_BITS = {1: 8, 2: 12, 4: 16, 5: 20, 6: 24, 7: 32}
_SAME_BITS = 0
# The sum takes 1.1 s per GB, twice as long as the search for frames. These are 20 minutes of stereo with 16 bits.
_SUMMED_BYTES = 128 * 1024 * 1024
# Where the last frame may end, if anything follows it.
_CANDIDATES = 16


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """``samples`` is 0 if the number is unknown."""

    block_size: int
    rate: int
    bits: int
    samples: int
    silent: bool

    @classmethod
    def parse(cls, info: bytes) -> Self:
        """Raises AssetNotReady for values that no encoder writes and no decoder accepts."""
        block_size, rate = int.from_bytes(info[2:4]), int.from_bytes(info[10:13]) >> 4
        bits = (int.from_bytes(info[12:14]) >> 4 & 0x1F) + 1
        if len(info) < STREAMINFO_BYTES or block_size < 16 or rate == 0 or bits < 4:
            raise_damaged("its stream info is invalid")
        return cls(block_size, rate, bits, int.from_bytes(info[13:18]) & 0xFFFFFFFFF, silence.tiny_frames(info))


def check_flac(source: Source, start: int) -> Sound:
    """Reads the whole file once, with constant memory."""
    info, position = _metadata(source, start + 4)
    frames = _Frames(source, info)
    for block in source.blocks(position, source.size - position, BLOCK_BYTES):
        frames.add(block)
    return Sound(frames.finish() / info.rate, info.silent)


def _metadata(source: Source, position: int) -> tuple[StreamInfo, int]:
    """The stream info, and where the first frame begins."""
    head = source.at(position, 4 + STREAMINFO_BYTES)
    if len(head) < 4 + STREAMINFO_BYTES:
        raise_truncated("the file ends within its header")
    if int.from_bytes(head[:4]) & 0x7FFFFFFF != STREAMINFO_BYTES:
        raise_damaged("it does not start with its stream info")
    info = StreamInfo.parse(head[4:])
    is_last = False
    while not is_last:
        head = source.at(position, 4)
        is_last, kind = head[:1] >= b"\x80", int.from_bytes(head[:1]) & 0x7F
        if kind == 0x7F:
            raise_damaged("a metadata block has no valid type")
        position += 4 + int.from_bytes(head[1:])
        if len(head) < 4 or position >= source.size:
            raise_truncated("the file ends before its first frame")
    return info, position


@dataclass(slots=True)
class _Frames:
    """The frames found so far. ``data`` begins with the last of them, and ``scanned`` bytes of it were searched for headers.

    A header is that of a frame if its checksum is right and its position is the one that follows. A header at any other
    position occurs by chance, or after a gap: then the next header follows it.
    """

    source: Source
    info: StreamInfo
    data: bytes = b""
    scanned: int = 0
    first: int | None = None
    end: int = 0
    gaps: set[int] = field(default_factory=set)
    summed: int = 0
    intact: FrameSum = field(default_factory=FrameSum)

    def add(self, block: bytes) -> None:
        self.data += block
        self._scan(len(self.data) - _HEADER_BYTES)
        if len(self.data) > _MAX_FRAME:
            raise_damaged("its frames do not follow each other")

    def finish(self) -> int:
        """The number of samples. Raises AssetNotReady for a file that is cut or damaged."""
        self._scan(len(self.data))
        samples = self.end - (self.first or 0)
        if not self.intact.intact:
            raise_damaged("the checksum of a frame is wrong")
        if not self._ends_with_frame() or samples < self.info.samples:
            raise_truncated("the file ends before its last frame")
        return samples

    def _scan(self, limit: int) -> None:
        begin = 0
        for found in _HEADER.finditer(self.data, self.scanned):
            at = found.start()
            if at >= limit:
                break
            self.source.spend(_HEADER_BYTES)
            samples = _parse(self.data[at : at + _HEADER_BYTES], self.info)
            if samples is not None and self._follows(samples, at):
                begin = at
        if self.summed < _SUMMED_BYTES:
            self.intact.add(memoryview(self.data)[:begin])
            self.summed += begin
        self.data = self.data[begin:]
        self.scanned = max(0, limit - begin)
        if self.first is None and limit > 0:
            if len(self.data) < _HEADER_BYTES:
                raise_truncated("the file ends before its first frame")
            raise_damaged("no frame follows its metadata")

    def _follows(self, samples: range, at: int) -> bool:
        if self.first is None and at == 0:
            self.first = samples.start
        elif samples.start != self.end:
            if samples.start in self.gaps:
                raise_damaged("a frame is missing or damaged")
            self.gaps.add(samples.stop)
            return False
        self.end = samples.stop
        return True

    def _ends_with_frame(self) -> bool:
        """Whether an intact frame is all that is left, but for tags or zero bytes behind it."""
        unpadded = len(self.data.rstrip(b"\0"))
        ends = {len(self.data), unpadded, unpadded + 1, unpadded + 2} | {tag.start() for tag in _TRAILER.finditer(self.data)}
        for end in sorted(ends, reverse=True)[:_CANDIDATES]:
            last = FrameSum()
            last.add(memoryview(self.data)[:end])
            if last.intact:
                return True
        return False


def _parse(header: bytes, info: StreamInfo) -> range | None:
    """The samples of the frame with this header; None if it is none, or not of this file."""
    header = header.ljust(_HEADER_BYTES, b"\0")
    length = 4 + _number_length(header) + {6: 1, 7: 2}.get(header[2] >> 4, 0) + {12: 1, 13: 2, 14: 2}.get(header[2] & 15, 0)
    bits = _BITS.get(header[3] >> 1 & 7, info.bits if header[3] >> 1 & 7 == _SAME_BITS else 0)
    if bits != info.bits or header[3] & 1 or length >= _HEADER_BYTES or crc8(header[: length + 1]):
        return None
    samples = _samples(header, info.block_size)
    return samples if len(samples) <= info.block_size else None


def _number_length(header: bytes) -> int:
    """The length of the position, coded as in UTF-8 but with up to 7 bytes."""
    return max(1, 8 - (~header[4] & 0xFF).bit_length())


def _samples(frame: bytes, block_size: int) -> range:
    """The samples of a frame, whose position is given in samples or in blocks of ``block_size``."""
    frame = frame.ljust(_HEADER_BYTES, b"\0")
    counts_samples, code = frame[1] & 1, frame[2] >> 4
    length = _number_length(frame)
    number = frame[4] & (0x7F if length == 1 else 0xFF >> length + 1)
    for byte in frame[5 : 4 + length]:
        number = number << 6 | byte & 0x3F
    rest = frame[4 + length : 6 + length]
    match code:
        case 1:
            size = 192
        case 2 | 3 | 4 | 5:
            size = 576 << code - 2
        case 6:
            size = rest[0] + 1
        case 7:
            size = int.from_bytes(rest) + 1
        case _:
            size = 1 << code  # 256 for 8, 512 for 9 and so on; 0 is reserved
    start = number * (1 if counts_samples else block_size)
    return range(start, start + size)
