"""The boxes of ISO 14496-12, of which MP4 and M4A files consist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

from suno_jobs.media.content import Source, raise_encrypted, raise_truncated, raise_wrong_type

_SIZES_AT_ONCE = 64
_ENCRYPTED = frozenset({b"enca", b"encv", b"drms"})


@dataclass(frozen=True, slots=True)
class _Box:
    """``start`` is where its content begins."""

    name: bytes
    start: int
    end: int


def _boxes(source: Source, start: int, end: int) -> Iterator[_Box]:
    """Rejects a last box of size 0, which extends to the end of the file, because its truncation could not be detected."""
    while start < end:
        head = source.at(start, 16)
        size, skip = int.from_bytes(head[:4]), 8
        if size == 1:
            size, skip = int.from_bytes(head[8:16]), 16
        if len(head) < skip or size < skip or start + size > end:
            raise_truncated("the file is shorter than it declares")
        yield _Box(head[4:8], start + skip, start + size)
        start += size


def _inside(source: Source, box: _Box, *path: bytes) -> Iterator[_Box]:
    for child in _boxes(source, box.start, box.end):
        if child.name == path[0]:
            yield from _inside(source, child, *path[1:]) if path[1:] else (child,)


def track_handlers(source: Source) -> set[bytes]:
    """The handler types of the tracks, such as ``soun`` and ``vide``, of a complete file that can be played on its own.

    Raises AssetNotReady for a truncated file, a fragment of a stream and an encrypted file.
    """
    top = {box.name: box for box in _boxes(source, 0, source.size)}
    handlers = _handlers(source, top[b"moov"]) if b"moov" in top else set()
    if b"moof" in top:
        raise_wrong_type("the file is a fragment of a stream")
    if b"moov" not in top or b"mdat" not in top:
        raise_truncated("the file lacks its index (moov) or its media data (mdat)")
    return handlers


def _handlers(source: Source, moov: _Box) -> set[bytes]:
    if any(_inside(source, moov, b"pssh")):
        raise_encrypted()
    handlers = set()
    for media in _inside(source, moov, b"trak", b"mdia"):
        handlers |= {source.at(box.start + 8, 4) for box in _inside(source, media, b"hdlr")}
        for table in _inside(source, media, b"minf", b"stbl", b"stsd"):
            _check_sample_entries(source, table)
    return handlers


def sample_sizes(source: Source) -> Iterator[int]:
    """The size in bytes of each audio sample except the first, which may contain the encoder's name."""
    file = _Box(b"", 0, source.size)
    for table in _inside(source, file, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz"):
        head = source.at(table.start, 12)
        fixed_size, count = int.from_bytes(head[4:8]), int.from_bytes(head[8:12])
        if fixed_size:
            yield fixed_size
            continue
        for at in range(table.start + 16, min(table.end, table.start + 12 + 4 * count), _SIZES_AT_ONCE * 4):
            sizes = source.at(at, min(_SIZES_AT_ONCE * 4, table.end - at))
            yield from (size for (size,) in Struct(">I").iter_unpack(sizes[: len(sizes) // 4 * 4]))


def _check_sample_entries(source: Source, table: _Box) -> None:
    for entry in _boxes(source, table.start + 8, table.end):
        if entry.name in _ENCRYPTED or b"sinf" in source.at(entry.start, entry.end - entry.start):
            raise_encrypted()
