"""The boxes of ISO 14496-12, of which MP4 and M4A files consist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from struct import Struct

from suno_jobs.media.content import Source, is_trailer, raise_encrypted, raise_truncated, raise_wrong_type

_SIZES_AT_ONCE = 64
_COMPLETE = frozenset({b"moov", b"mdat"})
_ENCRYPTED = frozenset({b"enca", b"encv", b"drms"})


@dataclass(frozen=True, slots=True)
class Box:
    """``start`` is where its content begins."""

    name: bytes
    start: int
    end: int


def boxes(source: Source, start: int, end: int) -> Iterator[Box]:
    """Rejects a last box of size 0, which extends to the end of the file, because its truncation could not be detected."""
    while start < end:
        head = source.at(start, 16)
        size, skip = int.from_bytes(head[:4]), 8
        if size == 1:
            size, skip = int.from_bytes(head[8:16]), 16
        if len(head) < skip or size < skip or start + size > end:
            raise_truncated("the file is shorter than it declares")
        yield Box(head[4:8], start + skip, start + size)
        start += size


def inside(source: Source, box: Box, *path: bytes) -> Iterator[Box]:
    for child in boxes(source, box.start, box.end):
        if child.name == path[0]:
            yield from inside(source, child, *path[1:]) if path[1:] else (child,)


def top_boxes(source: Source, start: int = 0) -> Iterator[Box]:
    """The boxes of the file itself, without a tag or zero bytes behind the last one. Raises AssetNotReady for a cut file."""
    names = set()
    for box in boxes(source, start, source.size):
        yield box
        names.add(box.name)
        if names >= _COMPLETE and is_trailer(source, box.end):
            return


def track_handlers(source: Source, start: int = 0, *, fragments: bool = False) -> set[bytes]:
    """The handler types of the tracks, such as ``soun`` and ``vide``, of a complete file that can be played on its own.

    Raises AssetNotReady for a truncated file and an encrypted file, for fragments without the index that they belong to, and,
    unless ``fragments``, for every fragmented file.
    """
    top = {box.name: box for box in top_boxes(source, start)}
    handlers = _handlers(source, top[b"moov"]) if b"moov" in top else set()
    if b"moof" in top and not (fragments and handlers):
        raise_wrong_type("the file is a fragment of a stream")
    if b"moov" not in top or b"mdat" not in top:
        raise_truncated("the file lacks its index (moov) or its media data (mdat)")
    return handlers


def _handlers(source: Source, moov: Box) -> set[bytes]:
    if any(inside(source, moov, b"pssh")):
        raise_encrypted()
    handlers = set()
    for media in inside(source, moov, b"trak", b"mdia"):
        handlers |= {source.at(box.start + 8, 4) for box in inside(source, media, b"hdlr")}
        for table in inside(source, media, b"minf", b"stbl", b"stsd"):
            _check_sample_entries(source, table)
    return handlers


def sample_chunks(source: Source, trak: Box) -> Iterator[tuple[int, list[int]]]:
    """Where each chunk of a track starts, and the sizes of its samples; nothing if all samples have one size."""
    for table in inside(source, trak, b"mdia", b"minf", b"stbl"):
        tables = {box.name: box for box in boxes(source, table.start, table.end)}
        if not {b"stsz", b"stsc"} <= tables.keys() or source.at(tables[b"stsz"].start + 4, 4).strip(b"\0"):
            return
        sizes = (size for (size,) in _rows(source, tables[b"stsz"], 12, Struct(">I")))
        runs = list(_rows(source, tables[b"stsc"], 8, Struct(">III")))
        wide = b"co64" in tables
        offsets = tables.get(b"co64" if wide else b"stco", Box(b"", 0, 0))
        run = -1
        for number, (offset,) in enumerate(_rows(source, offsets, 8, Struct(">Q" if wide else ">I")), start=1):
            while run + 1 < len(runs) and runs[run + 1][0] <= number:
                run += 1
            yield offset, list(islice(sizes, runs[run][1] if run >= 0 else 0))


def _rows(source: Source, table: Box, skip: int, row: Struct) -> Iterator[tuple[int, ...]]:
    """The rows of a table, whose number is in the last 4 of the ``skip`` bytes before them."""
    count = int.from_bytes(source.at(table.start + skip - 4, 4)) if table.end else 0
    step = row.size * _SIZES_AT_ONCE
    end = min(table.end, table.start + skip + count * row.size)
    for at in range(table.start + skip, end, step):
        data = source.at(at, min(step, end - at))
        yield from row.iter_unpack(data[: len(data) // row.size * row.size])


def sample_sizes(source: Source) -> Iterator[int]:
    """The size in bytes of each audio sample except the first, which may contain the encoder's name."""
    file = Box(b"", 0, source.size)
    for table in inside(source, file, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz"):
        head = source.at(table.start, 8)
        fixed_size = int.from_bytes(head[4:8])
        if fixed_size:
            yield fixed_size
            continue
        yield from islice((size for (size,) in _rows(source, table, 12, Struct(">I"))), 1, None)


def _check_sample_entries(source: Source, table: Box) -> None:
    for entry in boxes(source, table.start + 8, table.end):
        if entry.name in _ENCRYPTED or b"sinf" in source.at(entry.start, entry.end - entry.start):
            raise_encrypted()
