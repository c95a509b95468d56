"""Whether a FLAC file is complete (RFC 9639). It declares its number of samples, but no size in bytes.

Each frame contains its position and ends with a checksum. The file is complete if its last frame is intact and contains the
last sample. A streaming encoder may leave the number of samples unknown; such a file declares no duration either.
"""

from __future__ import annotations

from suno_jobs.media import silence
from suno_jobs.media.content import Sound, Source, raise_truncated, read_duration

_TAIL = 128 * 1024
_CANDIDATES = 16
_STREAMINFO = 8
_STREAMINFO_BYTES = 34
_HEADER_BYTES = 16


def _crc16_of(byte: int) -> int:
    crc = byte << 8
    for _ in range(8):
        crc = (crc << 1 ^ 0x8005 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


_CRC16 = tuple(_crc16_of(byte) for byte in range(256))


def check_flac(source: Source) -> Sound:
    info = source.at(_STREAMINFO, _STREAMINFO_BYTES).ljust(_STREAMINFO_BYTES, b"\0")
    last = _last_frame(source.at(max(0, source.size - _TAIL), _TAIL))
    samples = int.from_bytes(info[13:18]) & 0xFFFFFFFFF
    if last is None or _end_of(last, int.from_bytes(info[2:4])) < samples:
        raise_truncated("the file ends before its last frame")
    return Sound(read_duration(source), silence.tiny_frames(info))


def _last_frame(tail: bytes) -> bytes | None:
    """The sync code may occur within a frame by chance, but then the checksum over the rest of the file does not match."""
    at = len(tail)
    for _ in range(_CANDIDATES):
        at = max(tail.rfind(sync, 0, at) for sync in (b"\xff\xf8", b"\xff\xf9"))
        if at < 0:
            break
        crc = 0
        for byte in memoryview(tail)[at:]:
            crc = (crc << 8 & 0xFF00) ^ _CRC16[crc >> 8 ^ byte]
        if crc == 0:
            return tail[at:]
    return None


def _end_of(frame: bytes, block_size: int) -> int:
    """The number of the first sample after the frame, whose position is given in samples or in blocks of ``block_size``."""
    frame = frame.ljust(_HEADER_BYTES, b"\0")
    counts_samples, code = frame[1] & 1, frame[2] >> 4
    length = max(1, 8 - (~frame[4] & 0xFF).bit_length())  # of the position, coded as in UTF-8 but with up to 7 bytes
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
    return number * (1 if counts_samples else block_size) + size
