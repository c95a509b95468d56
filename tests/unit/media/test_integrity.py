"""Checksums and gaps in Ogg and FLAC: the forms of damage, and the rare forms of good files, that no sample contains."""

from __future__ import annotations

import io
import random
import struct
from functools import cache

import pytest

from suno_jobs.errors import AssetUnknownFormat
from suno_jobs.media import audio, checksums, content
from suno_jobs.media import flac as flac_module
from tests.unit.media.judging import CountedFile, changed, damage, is_truncated, passes, refusal, sample, seconds

# --- Checksums ---------------------------------------------------------------------------------------------------------------


@cache
def remainders(polynomial: int, bits: int) -> list[int]:
    """That of each byte, bit by bit from the highest, as the standards define it."""
    registers = []
    for byte in range(256):
        register = byte << bits - 8
        for _ in range(8):
            register = (register << 1 ^ (polynomial if register >> bits - 1 else 0)) & (1 << bits) - 1
        registers.append(register)
    return registers


def crc(data: bytes, polynomial: int, bits: int) -> int:
    """With no initial value and no final inversion."""
    table, register = remainders(polynomial, bits), 0
    for byte in data:
        register = (register << 8 & (1 << bits) - 1) ^ table[register >> bits - 8 ^ byte]
    return register


def test_crc8_is_that_of_the_standard() -> None:
    assert checksums.crc8(b"123456789") == crc(b"123456789", 0x07, 8) == 0xF4


@pytest.mark.parametrize("sizes", [[1], [100, 5000], [32765], [32766, 3], [40_000, 70_000, 2]])
def test_the_sum_of_frames_shows_a_change_in_any_of_them(sizes: list[int]) -> None:
    dice = random.Random(1)  # noqa: S311
    frames = []
    for size in sizes:
        body = dice.randbytes(size)
        frames.append(body + crc(body, 0x8005, 16).to_bytes(2))
    whole = b"".join(frames)
    pieces = [whole, whole[: len(frames[0])], whole[len(frames[0]) :]]
    total = checksums.FrameSum()
    for piece in pieces:
        total.add(memoryview(piece))
    assert total.intact
    for at in (0, len(whole) // 2, len(whole) - 1):
        total = checksums.FrameSum()
        total.add(memoryview(changed(whole, at, bytes([whole[at] ^ 0x40]))))
        assert not total.intact


@pytest.mark.parametrize("factor", [0x8003, 0b11])
def test_both_factors_of_the_polynomial_count(factor: int) -> None:
    """A change that is a multiple of one of them only."""
    body = bytes(range(200))
    frame = body + crc(body, 0x8005, 16).to_bytes(2)
    total = checksums.FrameSum()
    total.add(memoryview((int.from_bytes(frame) ^ factor << 99).to_bytes(len(frame))))
    assert not total.intact


def page(number: int, body: bytes, *, flags: int = 0, granule: int = 0, serial: int = 7, version: int = 0) -> bytes:
    """An Ogg page whose packets do not end, with its checksum calculated without zlib."""
    sizes = b"\xff" * (len(body) // 255) + bytes([len(body) % 255])
    head = struct.pack("<4sBBqIIIB", b"OggS", version, flags, granule, serial, number & 0xFFFFFFFF, 0, len(sizes)) + sizes
    return head[:22] + crc(head + body, 0x04C11DB7, 32).to_bytes(4, "little") + head[26:] + body


FIRST, LAST = 2, 4
OPUS = b"OpusHead\x01\x02\x38\x01" + bytes(7)
VORBIS = b"\x01vorbis" + struct.pack("<IBI", 0, 2, 44100) + bytes(14)
SPEEX = b"Speex   ".ljust(36, b"\0") + struct.pack("<I", 16000) + bytes(40)


def stream(head: bytes = OPUS, *, serial: int = 7, granule: int = 96312, start: int = 0) -> list[bytes]:
    return [
        page(start, head, flags=FIRST, serial=serial),
        page(start + 1, b"tags" * 300, serial=serial),
        page(start + 2, b"\x17" * 700, granule=-1, serial=serial),
        page(start + 3, b"\x2a" * 800, flags=LAST, granule=granule, serial=serial),
    ]


# --- Ogg ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        (stream(), 2.0),
        (stream(VORBIS, granule=88200), 2.0),
        (stream(SPEEX, granule=32000), 2.0),
        (stream(start=5), 2.0),
        (stream(start=2**32 - 2), 2.0),
        (stream() + stream(VORBIS, granule=44100, serial=8), 3.0),
        (stream() + stream(), 4.0),
        ([*stream(), bytes(1000)], 2.0),
        ([*stream(), b"TAG" + bytes(125)], 2.0),
        ([b"ID3\x04\0\0\0\0\0\x04tag ", *stream()], 2.0),
    ],
    ids=[
        "opus",
        "vorbis",
        "speex",
        "later numbers",
        "numbers wrap",
        "two streams",
        "twice",
        "zeros",
        "tag behind",
        "tag before",
    ],
)
def test_an_ogg_is_timed_by_its_pages(pages: list[bytes], expected: float) -> None:
    assert seconds(b"".join(pages)) == expected


def test_every_bit_of_an_ogg_counts() -> None:
    pages = stream()
    whole = b"".join(pages)
    dice = random.Random(2)  # noqa: S311
    for at in [*range(len(pages[0]), len(whole), 97), *(dice.randrange(len(whole)) for _ in range(50))]:
        assert not passes(changed(whole, at, bytes([whole[at] ^ 1 << dice.randrange(8)])))


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        ([stream()[0], *stream()[2:]], "a page is missing"),
        (stream()[1:], "a page belongs to no stream"),
        ([page(0, OPUS, flags=FIRST, version=1)], "the version of a page is unknown"),
        ([stream()[0], b"junk" * 300, *stream()[1:]], "a page does not start where the one before ends"),
        ([*stream(), b"junk" * 10], "a page does not start where the one before ends"),
    ],
)
def test_a_damaged_ogg_is_not_complete(pages: list[bytes], reason: str) -> None:
    assert damage(b"".join(pages)) == f"the file is damaged: {reason}"


def test_an_ogg_with_an_open_stream_is_truncated() -> None:
    assert is_truncated(b"".join(stream()[:3]))
    assert is_truncated(b"".join(stream(serial=8)[:3] + stream()))


def test_an_ogg_without_a_sample_rate_plays_for_no_time() -> None:
    assert refusal(b"".join(stream(VORBIS[:12] + bytes(18)))).fault.message == "the duration of the file is zero"


def test_an_ogg_with_another_codec_is_unknown() -> None:
    assert isinstance(refusal(b"".join(stream(b"\x80theora" + bytes(40)))), AssetUnknownFormat)


def streaminfo(samples: int = 0, *, largest: int = 0, block: int = 4096, rate: int = 48000, bits: int = 16) -> bytes:
    numbers = rate << 44 | 1 << 41 | bits - 1 << 36 | samples
    return struct.pack(">HH", block, block) + bytes(3) + largest.to_bytes(3) + numbers.to_bytes(8) + bytes(16)


def ogg_flac(info: bytes) -> bytes:
    return b"".join(stream(b"\x7fFLAC\1\0\0\1fLaC\0\0\0\x22" + info, granule=96000))


def test_flac_in_ogg_has_as_many_samples_as_it_declares() -> None:
    assert seconds(sample("flac-in-ogg.ogg")) == 2.0
    assert seconds(ogg_flac(streaminfo())) == seconds(ogg_flac(streaminfo(96000))) == 2.0
    assert damage(ogg_flac(streaminfo(96001))) == "the file is damaged: samples are missing"


def test_silent_flac_in_ogg_is_known() -> None:
    assert not audio.inspect(io.BytesIO(ogg_flac(streaminfo(largest=29)))).silent
    assert audio.inspect(io.BytesIO(ogg_flac(streaminfo(largest=28)))).silent


def test_a_large_ogg_or_flac_is_read_once_in_constant_memory() -> None:
    body = bytes(range(256)) * 240
    pages = [stream()[0], *(page(number, body) for number in range(1, 20))]
    large = b"".join([*pages, page(20, b"", flags=LAST, granule=96312)])
    for data in (large, sample("field/id3_before.flac")):
        file = CountedFile(data)
        audio.inspect(file)
        assert file.bytes_read < 2 * len(data) + 100_000
        assert file.largest_read <= content.BLOCK_BYTES


# --- FLAC --------------------------------------------------------------------------------------------------------------------


def flac_frame(number: int, *, block: int = 4096, bits: int = 4, body: bytes = b"", variable: bool = False) -> bytes:
    """A frame of one block size. Its content is not audio: only checksums and positions count."""
    assert block in (4096, 256)
    coded = chr(number).encode() if number < 0xD800 else None
    assert coded is not None
    head = (
        b"\xff"
        + (b"\xf9" if variable else b"\xf8")
        + bytes([(0xC if block == 4096 else 8) << 4 | 10, 1 << 4 | bits << 1])
        + coded
    )
    head += crc(head, 0x07, 8).to_bytes()
    frame = head + (body or random.Random(number).randbytes(300).replace(b"\xff", b"\xfe"))  # noqa: S311
    return frame + crc(frame, 0x8005, 16).to_bytes(2)


def flac(frames: list[bytes], samples: int = 0, **info: int) -> bytes:
    return b"fLaC\0\0\0\x22" + streaminfo(samples, **info) + b"\x84\0\0\x04text" + b"".join(frames)


FRAMES = [flac_frame(number) for number in range(8)]
PLAYED = 8 * 4096 / 48000


@pytest.mark.parametrize("samples", [0, 8 * 4096, 7 * 4096 + 1, 255])
def test_a_flac_is_timed_by_its_frames(samples: int) -> None:
    """Also where the encoder did not know the number of samples, or declared fewer."""
    assert seconds(flac(FRAMES, samples)) == pytest.approx(PLAYED)


def test_the_frames_of_a_flac_may_count_samples_and_have_several_sizes() -> None:
    frames = [flac_frame(0, variable=True), flac_frame(4096, block=256, variable=True), flac_frame(4352, variable=True)]
    assert seconds(flac([*frames, flac_frame(8448, block=256, variable=True)], 8704)) == pytest.approx(8704 / 48000)


def test_a_recording_may_start_with_any_frame() -> None:
    assert seconds(flac(FRAMES[3:])) == pytest.approx(5 * 4096 / 48000)
    assert is_truncated(flac(FRAMES[3:], 8 * 4096))


@pytest.mark.parametrize("behind", [b"TAG" + bytes(125), b"APETAGEX" + bytes(24), bytes(3000), b"LYRICSBEGINxTAG" + bytes(125)])
def test_a_tag_behind_a_flac_does_no_harm(behind: bytes) -> None:
    assert seconds(flac(FRAMES, 8 * 4096) + behind) == pytest.approx(PLAYED)
    assert is_truncated(flac(FRAMES[:-1], 8 * 4096) + behind)


def test_a_flac_with_other_bytes_behind_it_counts_as_cut() -> None:
    assert is_truncated(flac(FRAMES, 8 * 4096) + b"\x11" * 300)


def test_a_frame_may_end_with_zero_bytes() -> None:
    """Then they cannot be told from padding."""
    frames = (flac_frame(0, body=number.to_bytes(2) + bytes(1200)) for number in range(2000))
    frame = next(each for each in frames if each[-1] == 0)
    assert seconds(flac([frame]) + bytes(50)) == pytest.approx(4096 / 48000)


@pytest.mark.parametrize("missing", range(1, 7))
def test_a_missing_frame_is_noticed(missing: int) -> None:
    frames = FRAMES[:missing] + FRAMES[missing + 1 :]
    for samples in (0, 8 * 4096):
        if missing < 6 or samples:
            assert not passes(flac(frames, samples))
    if missing < 6:
        assert damage(flac(frames)) == "the file is damaged: a frame is missing or damaged"


def test_every_byte_of_a_frame_counts() -> None:
    whole = flac(FRAMES, 8 * 4096)
    for at in range(50, len(whole), 31):
        assert not passes(changed(whole, at, bytes([whole[at] ^ 0x10])))


def test_a_changed_sample_shows_in_the_checksum() -> None:
    frames = [*FRAMES[:3], changed(FRAMES[3], 100, b"\x01\x02"), *FRAMES[4:]]
    assert damage(flac(frames)) == "the file is damaged: the checksum of a frame is wrong"


def test_after_a_limit_only_the_start_of_a_frame_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit keeps the time for a file of the largest size short."""
    monkeypatch.setattr(flac_module, "_SUMMED_BYTES", 1)
    monkeypatch.setattr(flac_module, "BLOCK_BYTES", 1000)
    late = [*FRAMES[:6], changed(FRAMES[6], 100, b"\x01\x02"), FRAMES[7]]
    early = [changed(FRAMES[0], 100, b"\x01\x02"), *FRAMES[1:]]
    assert passes(flac(late, 8 * 4096))
    assert not passes(flac(early, 8 * 4096))
    assert not passes(flac([*FRAMES[:5], changed(FRAMES[5], 2, b"\x01\x02"), *FRAMES[6:]], 8 * 4096))
    assert not passes(flac([*FRAMES[:7], changed(FRAMES[7], 100, b"\x01\x02")], 8 * 4096))


def test_headers_that_occur_by_chance_are_no_frames() -> None:
    header = flac_frame(99)[:6]
    for inner in (header, b"\xff\xf8\xc9\x18\x01\x77", flac_frame(1, bits=6)[:6], flac_frame(77, variable=True)[:7]):
        frames = [flac_frame(0, body=bytes(600) + inner + bytes(600)), *FRAMES[1:]]
        assert seconds(flac(frames, 8 * 4096)) == pytest.approx(PLAYED)
        assert seconds(flac(frames[:2], 2 * 4096)) == pytest.approx(PLAYED / 4)


@pytest.mark.parametrize(
    "info", [streaminfo(block=15), streaminfo(block=0), streaminfo(rate=0), streaminfo(bits=3), bytes(34)], ids=str
)
def test_an_invalid_stream_info_is_damage(info: bytes) -> None:
    assert damage(b"fLaC\x80\0\0\x22" + info + b"".join(FRAMES)) == "the file is damaged: its stream info is invalid"


@pytest.mark.parametrize(
    ("whole", "reason"),
    [
        (b"fLaC\x84\0\0\x22" + streaminfo() + b"".join(FRAMES), "it does not start with its stream info"),
        (b"fLaC\0\0\0\x22" + streaminfo() + b"\xff\0\0\0" + b"".join(FRAMES), "a metadata block has no valid type"),
        (flac([b"\x11" * 40, *FRAMES]), "no frame follows its metadata"),
        (flac([flac_frame(0, block=4096), *FRAMES[1:]], block=256), "no frame follows its metadata"),
        (flac(FRAMES[:1]) + bytes(5_000_000) + b"\1", "its frames do not follow each other"),
    ],
)
def test_a_damaged_flac_is_not_complete(whole: bytes, reason: str) -> None:
    assert damage(whole) == f"the file is damaged: {reason}"


def test_a_flac_cut_in_its_header_is_truncated() -> None:
    whole = flac(FRAMES)
    for size in (20, 42, 45, 48, 50, 53):
        assert is_truncated(whole[:size]), size


def test_a_file_of_nothing_but_structure_is_left_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "STRUCTURE_BYTES", 20_000)
    pages = stream()[0] + b"".join(page(number, b"") for number in range(1, 3000))
    headers = flac(FRAMES[:1]) + b"\xff\xf8\xc9\x18" * 9000
    for data in (pages, headers):
        assert refusal(data).fault.message == "the structure of the file is implausibly large"
