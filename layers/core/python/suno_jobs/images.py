"""Whether an image is whole and has a size. No pixel is decoded."""

from __future__ import annotations

from zlib import crc32

from suno_jobs.contents import Source, truncated, wrong_type


def _check_size(width: int, height: int) -> None:
    if width == 0 or height == 0:
        wrong_type("the image has no width or no height")


# --- PNG ---------------------------------------------------------------------------------------------------------------------


def check_png(source: Source) -> None:
    """Follows the chunks to the last one (ISO 15948). Bytes behind it are not looked at, as viewers do."""
    position = 8
    names: set[bytes] = set()
    while b"IEND" not in names:
        head = source.at(position, 8)
        size, name = int.from_bytes(head[:4]), head[4:]
        if len(head) < 8 or position + 12 + size > source.size:
            truncated("the file ends before its last chunk")
        if not names:
            _check_png_header(source.at(position, 25))
        names.add(name)
        position += 12 + size
    if b"IDAT" not in names:
        wrong_type("the file holds no picture")


def _check_png_header(header: bytes) -> None:
    if header[:8] != b"\0\0\0\x0dIHDR" or crc32(header[4:21]) != int.from_bytes(header[21:]):
        wrong_type("the file is damaged")
    _check_size(int.from_bytes(header[8:12]), int.from_bytes(header[12:16]))


# --- JPEG --------------------------------------------------------------------------------------------------------------------

_START_OF_SCAN = 0xDA
# C4, C8 and CC are tables and a reserved word (ISO 10918-1, table B.1).
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TAIL = 64 * 1024


def check_jpeg(source: Source) -> None:
    """Follows the segments to the first scan and looks for the end mark after it: a scan itself cannot hold one.

    The end mark may be followed by what some programs append, up to 64 KB.
    """
    position, marker = 2, 0
    sized = False
    while marker != _START_OF_SCAN:
        head = source.at(position, 9)
        if len(head) < 9:
            truncated("the file ends before its picture")
        marker, length = head[1], int.from_bytes(head[2:4])
        if head[:2] == b"\xff\xff":  # any number of these may stand before a marker
            position += 1
            continue
        if head[0] != 0xFF or marker < 0xC0 or 0xD0 <= marker <= 0xD9 or length < 2:
            wrong_type("the file is damaged")
        if marker in _START_OF_FRAME:
            _check_size(int.from_bytes(head[7:9]), int.from_bytes(head[5:7]))
            sized = True
        position += 2 + length
    if not sized:
        wrong_type("the file does not say how large its picture is")
    if b"\xff\xd9" not in source.at(max(position, source.size - _TAIL), _TAIL):
        truncated("the file ends before its end mark")


# --- WebP --------------------------------------------------------------------------------------------------------------------


def check_webp(source: Source) -> None:
    """Follows the chunks (RFC 9649); the first says how large the picture is, any may hold it."""
    announced = 8 + int.from_bytes(source.at(4, 4), "little")
    if announced > source.size:
        truncated("the file is shorter than it announces")
    names: list[bytes] = []
    position = 12
    while position < announced:
        head = source.at(position, 18)
        size = int.from_bytes(head[4:8], "little")
        if not names:
            _check_size(*_webp_size(head))
        names.append(head[:4])
        position += 8 + size + size % 2
    if position != announced or announced != source.size:
        wrong_type("the chunks of the file do not fill it")
    if not {b"VP8 ", b"VP8L", b"ANMF"} & set(names):
        wrong_type("the file holds no picture")


def _webp_size(chunk: bytes) -> tuple[int, int]:
    """Width and height from the first 18 bytes of the first chunk."""
    name, content = chunk[:4], chunk[8:]
    if name == b"VP8X" and len(content) == 10:
        return int.from_bytes(content[4:7], "little") + 1, int.from_bytes(content[7:10], "little") + 1
    if name == b"VP8L" and len(content) == 10 and content[0] == 0x2F:
        bits = int.from_bytes(content[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if name == b"VP8 " and len(content) == 10 and content[3:6] == b"\x9d\x01\x2a":
        return int.from_bytes(content[6:8], "little") & 0x3FFF, int.from_bytes(content[8:10], "little") & 0x3FFF
    return wrong_type("the file is damaged")
