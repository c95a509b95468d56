"""Whether an image is complete and has a size. No pixel is decoded."""

from __future__ import annotations

from zlib import crc32

from suno_jobs.media.content import Source, raise_truncated, raise_wrong_type


def _check_size(width: int, height: int) -> None:
    if width == 0 or height == 0:
        raise_wrong_type("the image has no width or no height")


# --- PNG ---------------------------------------------------------------------------------------------------------------------


def check_png(source: Source) -> None:
    """Follows the chunks to the last one (ISO 15948). Bytes after it are ignored, as viewers ignore them."""
    position = 8
    names: set[bytes] = set()
    while b"IEND" not in names:
        head = source.at(position, 8)
        size, name = int.from_bytes(head[:4]), head[4:]
        if len(head) < 8 or position + 12 + size > source.size:
            raise_truncated("the file ends before its last chunk")
        if not names:
            _check_png_header(source.at(position, 25))
        names.add(name)
        position += 12 + size
    if b"IDAT" not in names:
        raise_wrong_type("the file contains no image data")


def _check_png_header(header: bytes) -> None:
    if header[:8] != b"\0\0\0\x0dIHDR" or crc32(header[4:21]) != int.from_bytes(header[21:]):
        raise_wrong_type("the file is damaged")
    _check_size(int.from_bytes(header[8:12]), int.from_bytes(header[12:16]))


# --- JPEG --------------------------------------------------------------------------------------------------------------------

_START_OF_SCAN = 0xDA
# C4, C8 and CC are tables and a reserved marker (ISO 10918-1, table B.1).
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TAIL = 64 * 1024


def check_jpeg(source: Source) -> None:
    """Follows the segments to the first scan, then looks for the end marker, which cannot occur within a scan.

    Up to 64 KB may follow the end marker, because some programs append data.
    """
    position, marker = 2, 0
    has_size = False
    while marker != _START_OF_SCAN:
        head = source.at(position, 9)
        if len(head) < 9:
            raise_truncated("the file ends before its image data")
        marker, length = head[1], int.from_bytes(head[2:4])
        if head[:2] == b"\xff\xff":  # any number of fill bytes may precede a marker
            position += 1
            continue
        if head[0] != 0xFF or marker < 0xC0 or 0xD0 <= marker <= 0xD9 or length < 2:
            raise_wrong_type("the file is damaged")
        if marker in _START_OF_FRAME:
            _check_size(int.from_bytes(head[7:9]), int.from_bytes(head[5:7]))
            has_size = True
        position += 2 + length
    if not has_size:
        raise_wrong_type("the file does not declare the size of its image")
    if b"\xff\xd9" not in source.at(max(position, source.size - _TAIL), _TAIL):
        raise_truncated("the file has no end marker")


# --- WebP --------------------------------------------------------------------------------------------------------------------


def check_webp(source: Source) -> None:
    """Follows the chunks (RFC 9649). The first one declares the size of the image; any may contain its data."""
    declared = 8 + int.from_bytes(source.at(4, 4), "little")
    if declared > source.size:
        raise_truncated("the file is shorter than it declares")
    names: list[bytes] = []
    position = 12
    while position < declared:
        head = source.at(position, 18)
        size = int.from_bytes(head[4:8], "little")
        if not names:
            _check_size(*_webp_size(head))
        names.append(head[:4])
        position += 8 + size + size % 2
    if position != declared or declared != source.size:
        raise_wrong_type("the chunks do not fill the file exactly")
    if not {b"VP8 ", b"VP8L", b"ANMF"} & set(names):
        raise_wrong_type("the file contains no image data")


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
    return raise_wrong_type("the file is damaged")
