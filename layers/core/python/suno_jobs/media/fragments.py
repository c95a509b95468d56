"""Whether fragmented MP4 audio is complete (ISO 14496-12, 8.8): each fragment has its samples, and none is missing at the end.

A file may declare its end in advance: by the duration of all fragments (``mehd``), or by their sizes (``sidx``). Without that,
a cut between two fragments cannot be noticed, as with MP3. The index at the end (``mfra``) is optional.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct, unpack_from

from suno_jobs.media.content import Sound, Source, raise_damaged, raise_truncated
from suno_jobs.media.elements import Elements, check_elements
from suno_jobs.media.mp4 import Box, inside
from suno_jobs.media.silence import TINY_PACKET

_MEHD_TOLERANCE_SECONDS = 0.1
_SAMPLES_AT_ONCE = 1024

# Flags of tfhd.
_BASE, _DESCRIPTION, _DURATION, _SIZE = 0x1, 0x2, 0x8, 0x10
# Flags of trun: of the run, then of each of its samples.
_DATA_OFFSET, _FIRST_FLAGS = 0x1, 0x4
_SAMPLE_DURATION, _SAMPLE_SIZE, _SAMPLE_FLAGS, _SAMPLE_TIME = 0x100, 0x200, 0x400, 0x800
_SAMPLE_FIELDS = (_SAMPLE_DURATION, _SAMPLE_SIZE, _SAMPLE_FLAGS, _SAMPLE_TIME)


@dataclass(frozen=True, slots=True)
class _Track:
    """The audio track of ``moov``. ``duration`` and ``size`` are those of a sample where its fragment declares none."""

    track_id: int
    timescale: int
    movie_timescale: int
    declared_duration: int
    own_duration: int
    duration: int
    size: int


@dataclass(slots=True)
class _Samples:
    """The samples of all fragments so far. The first one may contain the encoder's name and does not count for silence."""

    count: int = 0
    duration: int = 0
    silent: bool = True

    def add(self, duration: int, size: int) -> None:
        self.silent = self.silent and (self.count == 0 or size <= TINY_PACKET)
        self.count += 1
        self.duration += duration


def check_fragments(source: Source, top: list[Box], start: int) -> Sound:
    """``top`` are the boxes of the file from ``start``. Raises AssetNotReady if samples or the end of the file are missing."""
    track, elements = _track(source, next(box for box in top if box.name == b"moov"))
    media = [box for box in top if box.name == b"mdat"]
    samples = _Samples()
    begin = start
    for box in top:
        if box.name == b"moof":
            for position, sizes in _runs(source, box, begin, track, samples):
                _check_media(media, position, position + sum(sizes))
                if elements is not None:
                    elements.add(position, sizes)
        begin = box.end
    seconds = (track.own_duration + samples.duration) / track.timescale
    _check_end(source, top, track, seconds)
    return Sound(seconds, samples.silent)


def _runs(source: Source, moof: Box, position: int, track: _Track, samples: _Samples) -> Iterator[tuple[int, list[int]]]:
    """Where each run of samples of the track begins in the file, and their sizes. ``position`` is that of the ``moof`` box."""
    for traf in inside(source, moof, b"traf"):
        head = b"".join(source.at(box.start, 40) for box in inside(source, traf, b"tfhd")).ljust(40, b"\0")
        flags, track_id = unpack_from(">II", head)
        if track_id != track.track_id:
            continue
        base, duration, size = _fragment_defaults(flags & 0xFFFFFF, head, position, track)
        at = base
        for run in inside(source, traf, b"trun"):
            flags, count, offset = unpack_from(">IIi", source.at(run.start, 12).ljust(12, b"\0"))
            at = base + offset if flags & _DATA_OFFSET else at
            sizes = []
            for each_duration, each_size in _samples(source, run, flags, count, (duration, size)):
                samples.add(each_duration, each_size)
                sizes.append(each_size)
            yield at, sizes
            at += sum(sizes)


def _fragment_defaults(flags: int, head: bytes, position: int, track: _Track) -> tuple[int, int, int]:
    """From ``tfhd``: where offsets count from, and the duration and size of a sample."""
    at = 8
    base, duration, size = position, track.duration, track.size
    if flags & _BASE:
        base = int.from_bytes(head[at : at + 8])
        at += 8
    if flags & _DESCRIPTION:
        at += 4
    if flags & _DURATION:
        duration = int.from_bytes(head[at : at + 4])
        at += 4
    if flags & _SIZE:
        size = int.from_bytes(head[at : at + 4])
    return base, duration, size


def _samples(source: Source, run: Box, flags: int, count: int, defaults: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Duration and size of each sample of a ``trun``."""
    duration, size = defaults
    fields = [each for each in _SAMPLE_FIELDS if flags & each]
    at = run.start + 8 + (4 if flags & _DATA_OFFSET else 0) + (4 if flags & _FIRST_FLAGS else 0)
    if at + 4 * len(fields) * count > run.end:
        raise_damaged("a run of samples is longer than its box")
    if not fields:
        source.spend(count)  # no byte of the file limits it
    step = 4 * len(fields) * _SAMPLES_AT_ONCE
    entry = Struct(f">{len(fields)}I")
    for index in range(0, count, _SAMPLES_AT_ONCE):
        rows = source.at(at + index * entry.size, min(step, (count - index) * entry.size))
        for row in entry.iter_unpack(rows) if fields else [()] * min(count - index, _SAMPLES_AT_ONCE):
            values = dict(zip(fields, row, strict=True))
            yield values.get(_SAMPLE_DURATION, duration), values.get(_SAMPLE_SIZE, size)


def _check_media(media: list[Box], start: int, end: int) -> None:
    at = bisect_right(media, start, key=lambda box: box.start) - 1
    if at < 0 or end > media[at].end:
        raise_truncated("the file lacks the media data of a fragment")


def _check_end(source: Source, top: list[Box], track: _Track, seconds: float) -> None:
    declared = track.declared_duration / track.movie_timescale if track.movie_timescale else 0
    indexed = max((_indexed_end(source, box) for box in top if box.name == b"sidx"), default=0)
    if seconds < declared - _MEHD_TOLERANCE_SECONDS or indexed > source.size:
        raise_truncated("the file is shorter than it declares")


def _indexed_end(source: Source, sidx: Box) -> int:
    """Where the last reference of a ``sidx`` ends."""
    wide = source.at(sidx.start, 1) == b"\1"
    head = source.at(sidx.start, 32 if wide else 24).ljust(32, b"\0")
    first_offset, references = unpack_from(">QHH", head, 20)[::2] if wide else unpack_from(">IHH", head, 16)[::2]
    sizes = source.at(sidx.start + (32 if wide else 24), 12 * references)
    return int(sidx.end + first_offset + sum(size & 0x7FFFFFFF for size, _, _ in _whole(Struct(">III"), sizes)))


def _whole(struct: Struct, data: bytes) -> Iterator[tuple[int, ...]]:
    return struct.iter_unpack(data[: len(data) // struct.size * struct.size])


# --- moov --------------------------------------------------------------------------------------------------------------------


def _track(source: Source, moov: Box) -> tuple[_Track, Elements | None]:
    """The audio track, and the check of its samples if their codec allows one."""
    tracks = inside(source, moov, b"trak")
    trak = next(each for each in tracks if b"soun" in _handlers(source, each))
    track_id, _ = _header(source, trak, b"tkhd")
    timescale, duration = _header(source, trak, b"mdia", b"mdhd")
    movie_timescale, _ = _header(source, moov, b"mvhd")
    if timescale == 0:
        raise_damaged("its audio track has no time scale")
    own = duration if _has_samples(source, trak) else 0
    track = _Track(track_id, timescale, movie_timescale, _declared(source, moov), own, *_defaults(source, moov, track_id))
    return track, check_elements(source, trak)


def _handlers(source: Source, trak: Box) -> set[bytes]:
    return {source.at(box.start + 8, 4) for box in inside(source, trak, b"mdia", b"hdlr")}


def _header(source: Source, parent: Box, *path: bytes) -> tuple[int, int]:
    """The first two numbers after the times of a header box: time scale and duration, or the number of the track."""
    for box in inside(source, parent, *path):
        content = source.at(box.start, 32).ljust(32, b"\0")
        return unpack_from(">IQ" if content[0] == 1 else ">II", content, 20 if content[0] == 1 else 12)
    return 0, 0


def _has_samples(source: Source, trak: Box) -> bool:
    return any(source.at(box.start + 8, 4).strip(b"\0") for box in inside(source, trak, b"mdia", b"minf", b"stbl", b"stsz"))


def _declared(source: Source, moov: Box) -> int:
    """The duration of ``mehd``; 0 if there is none."""
    for box in inside(source, moov, b"mvex", b"mehd"):
        content = source.at(box.start, 12)
        return int.from_bytes(content[4:12] if content[:1] == b"\1" else content[4:8])
    return 0


def _defaults(source: Source, moov: Box, track_id: int) -> tuple[int, int]:
    """Duration and size of a sample, from the ``trex`` of the track."""
    for box in inside(source, moov, b"mvex", b"trex"):
        found, _, duration, size = unpack_from(">IIII", source.at(box.start, 20).ljust(20, b"\0"), 4)
        if found == track_id:
            return duration, size
    return 0, 0
