"""WAV: RIFF with 32-bit sizes, and RF64 or BW64 with 64-bit sizes in a ``ds64`` chunk (EBU Tech 3306, ITU-R BS.2088).

A program that writes to a pipe cannot declare how long the file becomes. It leaves 0 or the largest possible size in the
header. The samples of such a file end where the file ends, and only a cut within a sample can be noticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import unpack_from

from suno_jobs.media import silence
from suno_jobs.media.content import Sound, Source, raise_truncated

_WIDE = (b"RF64", b"BW64")
# PCM, floating point, A-law and µ-law: one block is one sample of each channel.
_UNCOMPRESSED = frozenset({1, 3, 6, 7})
_EXTENSIBLE = 0xFFFE
# What encoders declare for a pipe: 0xFFFFFFFF, 0x7FFFFFFF, SoX 0x7FFFF000, some less the size of the header.
_LARGEST_SIZES = (range(0x7FFFF000, 0x80000000), range(0xFFFFFF00, 0x100000000))


@dataclass(frozen=True, slots=True)
class _Format:
    code: int
    rate: int
    bytes_per_second: int
    block: int

    def seconds(self, size: int, declared_samples: int) -> float:
        """``declared_samples``, from the ``fact`` chunk, counts for compressed samples only."""
        if self.code in _UNCOMPRESSED:
            return size // self.block / self.rate if self.block and self.rate else 0.0
        if declared_samples and self.rate:
            return declared_samples / self.rate
        return size / self.bytes_per_second if self.bytes_per_second else 0.0


def check_wav(source: Source, start: int) -> Sound:
    chunks = _chunks(source, start)
    if b"data" not in chunks or b"fmt " not in chunks:
        raise_truncated("the file contains no samples")
    position, size = chunks[b"data"]
    found = _format(source.at(chunks[b"fmt "][0], 40))
    if found.code in _UNCOMPRESSED and found.block and size % found.block:
        raise_truncated("the file ends within a sample")
    samples = source.at(chunks[b"fact"][0], 4) if b"fact" in chunks else b""
    seconds = found.seconds(size, int.from_bytes(samples, "little"))
    return Sound(seconds, silence.same_samples(source, position, size, found.block))


def _chunks(source: Source, start: int) -> dict[bytes, tuple[int, int]]:
    """Start and size of each chunk up to the samples. Raises AssetNotReady if the file is shorter than they declare."""
    position = start + 12
    chunks: dict[bytes, tuple[int, int]] = {}
    while position < source.size and b"data" not in chunks:
        head = source.at(position, 8)
        if len(head) < 8:
            raise_truncated("the file ends within a chunk")
        name, size = head[:4], int.from_bytes(head[4:], "little")
        position += 8
        if name == b"data":
            size = _size_of_samples(source, start, position, size, chunks)
        if position + size > source.size:
            raise_truncated("the file is shorter than it declares")
        chunks[name] = (position, size)
        position += size + size % 2
    return chunks


def _size_of_samples(source: Source, start: int, position: int, size: int, chunks: dict[bytes, tuple[int, int]]) -> int:
    riff, riff_size = source.at(start, 4), int.from_bytes(source.at(start + 4, 4), "little")
    if riff in _WIDE and size == 0xFFFFFFFF and b"ds64" in chunks:
        riff_size, size = unpack_from("<QQ", source.at(chunks[b"ds64"][0], 16).ljust(16, b"\0"))
    # A header that was never completed declares nothing after itself.
    unwritten = size == 0 and start + 8 + riff_size <= position
    if unwritten or any(size in sizes for sizes in _LARGEST_SIZES) or size == 2**64 - 1:
        return source.size - position
    return size


def _format(chunk: bytes) -> _Format:
    code, _channels, rate, bytes_per_second, block = unpack_from("<HHIIH", chunk.ljust(40, b"\0"))
    if code == _EXTENSIBLE:
        code = unpack_from("<H", chunk.ljust(40, b"\0"), 24)[0]
    return _Format(code, rate, bytes_per_second, block)
