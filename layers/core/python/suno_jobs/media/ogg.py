"""Whether an Ogg file is complete and intact (RFC 3533). Its pages are numbered, have checksums, and the last one is marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct, unpack_from
from typing import Self

from suno_jobs.media import silence
from suno_jobs.media.checksums import MIRROR, is_intact
from suno_jobs.media.content import (
    BLOCK_BYTES,
    Sound,
    Source,
    is_trailer,
    raise_damaged,
    raise_truncated,
    raise_unknown,
)
from suno_jobs.media.flac import STREAMINFO_BYTES, StreamInfo

_CAPTURE = b"OggS"
_PAGE = Struct("<4sBBqIIIB")
_FIRST_PAGE, _LAST_PAGE = 0x02, 0x04
_NO_PACKET_ENDS = -1
_OPUS_RATE = 48000
_VORBIS, _OPUS, _SPEEX, _FLAC = b"\x01vorbis", b"OpusHead", b"Speex   ", b"\x7fFLAC"
_FLAC_STREAMINFO = 17  # behind the mark, version, number of headers, "fLaC" and the header of the block


@dataclass(frozen=True, slots=True)
class _Page:
    """``end`` is its place in a block, ``sizes`` those of its segments. ``content`` is that of first pages only."""

    end: int
    flags: int
    granule: int
    serial: int
    number: int
    sizes: bytes
    content: bytes


@dataclass(slots=True)
class _Stream:
    """``number`` is that of its next page, ``granule`` its end in samples, of which the first ``skipped`` are not played."""

    number: int
    rate: int
    skipped: int = 0
    flac: StreamInfo | None = None
    granule: int = 0
    complete: bool = False
    silent: bool = True

    @classmethod
    def parse(cls, packet: bytes, number: int) -> Self:
        """From the first packet of a stream, which identifies the codec, and the number of its page."""
        packet = packet.ljust(_FLAC_STREAMINFO + STREAMINFO_BYTES, b"\0")
        if packet.startswith(_VORBIS):
            return cls(number, unpack_from("<I", packet, 12)[0])
        if packet.startswith(_OPUS):
            return cls(number, _OPUS_RATE, unpack_from("<H", packet, 10)[0])
        if packet.startswith(_SPEEX):
            return cls(number, unpack_from("<I", packet, 36)[0])
        if packet.startswith(_FLAC):
            info = StreamInfo.parse(packet[_FLAC_STREAMINFO:][:STREAMINFO_BYTES])
            return cls(number, info.rate, flac=info, silent=info.silent)
        return raise_unknown("the file has no supported audio codec")

    def add(self, page: _Page) -> None:
        if page.number != self.number:
            raise_damaged("a page is missing")
        self.number = page.number + 1 & 0xFFFFFFFF
        # Header pages have granule position 0.
        if self.flac is None:
            self.silent = self.silent and (page.granule == 0 or silence.tiny_packets(page.sizes))
        if page.granule != _NO_PACKET_ENDS:
            self.granule = page.granule
        self.complete = bool(page.flags & _LAST_PAGE)

    @property
    def seconds(self) -> float:
        return max(0, self.granule - self.skipped) / self.rate if self.rate else 0.0


def check_ogg(source: Source, start: int) -> Sound:
    """Reads the whole file once, with constant memory. Streams may follow each other, as in a recording of a broadcast."""
    streams: list[_Stream] = []
    by_serial: dict[int, _Stream] = {}
    for page in _pages(source, start):
        if page.flags & _FIRST_PAGE:
            by_serial[page.serial] = _Stream.parse(page.content, page.number)
            streams.append(by_serial[page.serial])
        if page.serial not in by_serial:
            raise_damaged("a page belongs to no stream")
        by_serial[page.serial].add(page)
    if not all(each.complete for each in streams):
        raise_truncated("the file ends before its last page")
    if any(each.flac is not None and each.granule < each.flac.samples for each in streams):
        raise_damaged("samples are missing")
    return Sound(sum(each.seconds for each in streams), all(each.silent for each in streams))


def _pages(source: Source, position: int) -> Iterator[_Page]:
    """Raises AssetNotReady at a page that is cut or damaged."""
    flags = 0
    while position < source.size:
        block = source.block(position, BLOCK_BYTES)
        mirrored = memoryview(block.translate(MIRROR))
        begin = 0
        while (page := _page(block, begin)) is not None:
            source.spend(_PAGE.size + len(page.sizes))
            if not is_intact(mirrored[begin : page.end]):
                raise_damaged("the checksum of a page is wrong")
            yield page
            begin, flags = page.end, page.flags
        if begin == 0:
            _check_end(source, position, block, flags)
            return
        position += begin


def _page(block: bytes, start: int) -> _Page | None:
    """None if the block contains no whole page there."""
    if not block.startswith(_CAPTURE, start) or len(block) < start + _PAGE.size:
        return None
    _capture, version, flags, granule, serial, number, _crc, segments = _PAGE.unpack_from(block, start)
    if version != 0:
        raise_damaged("the version of a page is unknown")
    begin = start + _PAGE.size + segments
    sizes = block[start + _PAGE.size : begin]
    end = begin + sum(sizes)
    if len(sizes) < segments or end > len(block):
        return None
    content = block[begin:end] if flags & _FIRST_PAGE else b""
    return _Page(end, flags, granule, serial, number, sizes, content)


def _check_end(source: Source, position: int, rest: bytes, flags: int) -> None:
    """``rest`` begins with no whole page."""
    if _CAPTURE.startswith(rest[: len(_CAPTURE)]):
        raise_truncated("the file ends within a page")
    if not (flags & _LAST_PAGE and is_trailer(source, position)):
        raise_damaged("a page does not start where the one before ends")
