"""Damage inside AAC and ALAC samples that shows without decoding. Neither codec has checksums.

Each sample starts with the same element (``id_syn_ele`` and its instance, ISO 14496-3, 4.4.2.1) and ends with an end mark, so
its bytes are not all zero. Damage shows if it covers the start of a sample; within one sample, only a decoder notices it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from suno_jobs.media.content import BLOCK_BYTES, Source, raise_damaged, raise_truncated
from suno_jobs.media.mp4 import Box, boxes, inside, sample_chunks

# A sample of 8 channels takes at most 6 KB in AAC and 200 KB in ALAC.
_MAX_SAMPLE = 1024 * 1024
# Before the first channel element may be a fill element, the first data element, or at the start a program configuration.
_FILL, _DATA, _CONFIGURATION = 6, 4 << 4, 5
# Main, LC, SSR, LTP, SBR and PS. The later object types have samples without elements.
_AAC_OBJECT_TYPES = frozenset({1, 2, 3, 4, 5, 29})
_AAC_INDICATIONS = frozenset({0x40, 0x66, 0x67, 0x68})
_SAMPLE_ENTRY_BYTES = 28
_STSD = (b"mdia", b"minf", b"stbl", b"stsd")


@dataclass(slots=True)
class Elements:
    """The samples of one track so far. Each byte is read once: samples may not overlap."""

    source: Source
    first: int | None = None
    total: int = 0

    def add(self, position: int, sizes: Sequence[int]) -> None:
        """Consecutive samples that start at ``position``. Raises AssetNotReady if one is missing or damaged."""
        size = sum(sizes)
        self.total += size
        if position + size > self.source.size:
            raise_truncated("the file lacks some of its samples")
        if self.total > self.source.size or max(sizes, default=0) > _MAX_SAMPLE:
            raise_damaged("its samples are larger than the file")
        for group in _groups(sizes):
            data = self.source.block(position, sum(group))
            self._check(data, group)
            position += len(data)

    def _check(self, data: bytes, sizes: Iterable[int]) -> None:
        at = 0
        for size in sizes:
            element = data[at] >> 1 if size else _DATA
            if element >> 4 != _FILL and element != _DATA:
                if self.first is None and element >> 4 != _CONFIGURATION:
                    self.first = element
                if self.first not in (None, element) or not data[at : at + size].strip(b"\0"):
                    raise_damaged("a sample does not start like the others")
            at += size


def _groups(sizes: Sequence[int]) -> Iterator[list[int]]:
    group: list[int] = []
    total = 0
    for size in sizes:
        if total + size > BLOCK_BYTES and group:
            yield group
            group, total = [], 0
        group.append(size)
        total += size
    yield group


def check_elements(source: Source, trak: Box) -> Elements | None:
    """Checks the samples in the index of a track; fragments may add more. None if nothing is known about its codec."""
    if not _has_elements(source, trak):
        return None
    elements = Elements(source)
    for position, sizes in sample_chunks(source, trak):
        elements.add(position, sizes)
    return elements


def _has_elements(source: Source, trak: Box) -> bool:
    """Whether the samples of a track are AAC or ALAC."""
    for table in inside(source, trak, *_STSD):
        for entry in boxes(source, table.start + 8, table.end):
            if entry.name == b"alac":
                return True
            content = source.at(entry.start, min(256, entry.end - entry.start))
            return entry.name == b"mp4a" and _is_aac(content[_SAMPLE_ENTRY_BYTES:])
    return False


def _is_aac(content: bytes) -> bool:
    """From the ``esds`` box after the fields of the sample entry: its descriptors 3, 4 and 5 (ISO 14496-1, 7.2.6)."""
    if content[4:8] != b"esds":
        return False
    stream = _descriptor(content[12:], 3)
    decoder = _descriptor(stream[3:], 4)
    config = _descriptor(decoder[13:], 5)
    return decoder[:1] != b"" and decoder[0] in _AAC_INDICATIONS and config[:1] != b"" and config[0] >> 3 in _AAC_OBJECT_TYPES


def _descriptor(data: bytes, tag: int) -> bytes:
    """What follows the tag and the length of a descriptor; nothing if the data starts with another one."""
    if data[:1] != bytes([tag]):
        return b""
    at = 1
    while data[at : at + 1] >= b"\x80":
        at += 1
    return data[at + 1 :]
