"""WAV, ADTS, MP3 and MP4: the rare forms of good files that no sample contains, and those that are damaged."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

import pytest

from suno_jobs.catalog.results import Media
from suno_jobs.errors import AssetError, AssetUnknownFormat, ErrorCode
from suno_jobs.media import audio, inspection
from tests.unit.media.judging import CountedFile, changed, damage, is_truncated, refusal, sample, seconds

# --- WAV ---------------------------------------------------------------------------------------------------------------------

SOUND = bytes(range(200)) * 40
DS64 = struct.Struct("<4sIQQQI")


def wav(
    data: bytes = SOUND,
    *,
    size: int | None = None,
    riff: bytes = b"RIFF",
    riff_size: int = 0xFFFFFFFF,
    code: int = 1,
    extra: bytes = b"",
    first: bytes = b"",
    block: int = 4,
) -> bytes:
    head = struct.pack("<HHIIHH", code, 2, 2000, 8000, block, 16) + extra
    chunks = first + b"fmt " + struct.pack("<I", len(head)) + head
    return (
        riff
        + struct.pack("<I", riff_size)
        + b"WAVE"
        + chunks
        + b"data"
        + struct.pack("<I", len(data) if size is None else size)
        + data
    )


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0xFFFFFFFF - 36])
def test_a_wav_of_unknown_length_ends_with_the_file(size: int) -> None:
    assert seconds(wav(size=size)) == 1.0
    assert is_truncated(wav(size=size)[:-1])


def test_a_wav_whose_header_was_never_completed_ends_with_the_file() -> None:
    for riff_size in (0, 36):
        assert seconds(wav(size=0, riff_size=riff_size)) == 1.0
    assert is_truncated(wav(size=0, riff_size=0)[: -len(SOUND)])
    assert refusal(wav(size=0, riff_size=36 + len(SOUND))).fault.message == "the duration of the file is zero"


@pytest.mark.parametrize("riff", [b"RF64", b"BW64"])
def test_a_wide_wav_declares_its_length_in_another_chunk(riff: bytes) -> None:
    first = DS64.pack(b"ds64", 28, 72 + len(SOUND), len(SOUND), 2000, 0)
    whole = wav(size=0xFFFFFFFF, riff=riff, first=first)
    assert seconds(whole) == 1.0
    assert is_truncated(whole[:-4])
    assert seconds(whole.replace(riff, b"RIFF")[:-4]) < 1.0
    to_pipe = wav(size=0xFFFFFFFF, riff=riff, first=DS64.pack(b"ds64", 28, 0, 0, 0, 0))
    assert seconds(to_pipe) == seconds(wav(size=0xFFFFFFFF, riff=riff)) == 1.0
    endless = DS64.pack(b"ds64", 28, 2**64 - 1, 2**64 - 1, 0, 0)
    assert seconds(wav(size=0xFFFFFFFF, riff=riff, first=endless)) == 1.0


def test_a_wav_may_be_compressed() -> None:
    fact = b"fact\x04\0\0\0" + (3000).to_bytes(4, "little")
    assert seconds(wav(code=2, block=1024)) == 1.0
    assert seconds(wav(code=2, block=1024, first=fact)) == 1.5
    assert seconds(wav(first=fact)) == 1.0
    assert seconds(wav(code=0xFFFE, extra=bytes(8) + b"\x03\0" + bytes(14))) == 1.0


@pytest.mark.parametrize("code", [1, 2])
def test_a_wav_without_a_rate_plays_for_no_time(code: int) -> None:
    whole = wav(code=code).replace(struct.pack("<II", 2000, 8000), bytes(8))
    assert refusal(whole).fault.message == "the duration of the file is zero"


def test_a_huge_chunk_of_a_wav_is_not_read() -> None:
    file = CountedFile(wav(extra=bytes(300_000)))
    assert audio.inspect(file).duration_seconds == 1.0
    assert file.bytes_read < 100_000


# --- ADTS --------------------------------------------------------------------------------------------------------------------


def adts(length: int = 300, *, rate: int = 4, blocks: int = 1) -> bytes:
    head = b"\xff\xf1" + bytes([1 << 6 | rate << 2]) + (2 << 22 | length << 5 | 0x1F).to_bytes(3) + bytes([0xFC | blocks - 1])
    return head + b"\x21" * (length - len(head))


def test_an_adts_file_is_timed_by_its_frames() -> None:
    assert seconds(adts() * 43) == pytest.approx(43 * 1024 / 44100)
    assert seconds(adts(blocks=2) * 43) == pytest.approx(86 * 1024 / 44100)
    assert seconds(b"ID3\x04\0\0\0\0\0\x04tag " + bytes(20) + adts() * 43 + b"TAG" + bytes(125)) == pytest.approx(1.0, abs=0.01)
    assert audio.inspect(io.BytesIO(adts(15) * 100)).silent
    assert not audio.inspect(io.BytesIO(adts(16) * 100)).silent


def test_a_damaged_adts_file_is_not_complete() -> None:
    assert damage(adts() * 20 + bytes(100) + adts() * 20) == "the file is not one continuous AAC stream"
    assert damage(adts() * 20 + adts(rate=3) * 20) == "the file is damaged: its sample rate changes"
    assert damage(adts(1000) * 3) == "the file is not one continuous AAC stream"
    for cut in (1, 3, 6, 7, 299):
        assert is_truncated(adts() * 20 + adts()[:cut])


@pytest.mark.parametrize("head", [adts(7), adts(rate=13), b"\xff\xf5" + adts()[2:], adts()[:3]])
def test_what_is_no_adts_frame_is_no_aac(head: bytes) -> None:
    assert isinstance(refusal(head + bytes(2000)), AssetUnknownFormat)


# --- MP3 ---------------------------------------------------------------------------------------------------------------------


def test_an_mp3_without_its_number_of_frames_may_not_have_a_hole() -> None:
    frame = b"\xff\xfb\x90\xc4".ljust(417, b"\x11")
    assert seconds(frame * 40 + b"TAG" + bytes(125)) == pytest.approx(40 * 1152 / 44100)
    assert damage(frame * 20 + bytes(1500) + frame * 20) == "the file is not one continuous MP3 stream"
    assert damage(frame * 20 + bytes(1500)) == "the file is not one continuous MP3 stream"


# --- Unknown formats ---------------------------------------------------------------------------------------------------------

MATROSKA = b"\x1aE\xdf\xa3" + bytes(60) + b"\x86\x86%b_TEST" + bytes(2000)


def test_matroska_is_a_video_only_with_a_video_track() -> None:
    assert isinstance(refusal(MATROSKA % b"A"), AssetUnknownFormat)
    with pytest.raises(AssetError, match="a Matroska or WebM video, not audio"):
        audio.inspect(io.BytesIO(MATROSKA % b"V"))


@pytest.mark.parametrize("medium", Media)
def test_an_unknown_format_is_told_from_damage(medium: Media) -> None:
    data = b"FORM\0\0\x10\0AIFF" + bytes(4096)
    with pytest.raises(AssetUnknownFormat) as caught:
        inspection.inspect(io.BytesIO(data), medium)
    assert caught.value.fault.code is ErrorCode.ASSET_WRONG_TYPE


# --- MP4 ---------------------------------------------------------------------------------------------------------------------


def boxes(whole: bytes, name: bytes) -> Iterator[int]:
    """Where each box of this name starts."""
    at = whole.find(name)
    while at >= 0:
        yield at - 4
        at = whole.find(name, at + 1)


FRAGMENTED = sample("field/fragmented.m4a")
FRAGMENTS_END = next(boxes(FRAGMENTED, b"mfra"))
MOOF = next(boxes(FRAGMENTED, b"moof"))


def inserted(box: bytes) -> bytes:
    return FRAGMENTED[:MOOF] + box + FRAGMENTED[MOOF:FRAGMENTS_END]


def sidx(sizes: list[int], *, wide: bool = False, first_offset: int = 0) -> bytes:
    head = bytes([wide]) + bytes(3) + struct.pack(">II", 1, 22050) + struct.pack(">QQ" if wide else ">II", 0, first_offset)
    body = head + struct.pack(">HH", 0, len(sizes)) + b"".join(struct.pack(">III", size, 0, 0) for size in sizes)
    return struct.pack(">I", 8 + len(body)) + b"sidx" + body


def with_mehd(seconds: float, *, wide: bool = False) -> bytes:
    """The time scale of the movie is 1000. ``mehd`` takes the place of the user data, so that no offset changes."""
    value = round(seconds * 1000)
    mehd = struct.pack(">I4sIQ" if wide else ">I4sII", 20 if wide else 16, b"mehd", wide << 24, value)
    mvex, udta = next(boxes(FRAGMENTED, b"mvex")), next(boxes(FRAGMENTED, b"udta"))
    size = struct.pack(">I", udta - mvex + len(mehd))
    rest = MOOF - udta - len(mehd)
    return (
        FRAGMENTED[:mvex] + size + FRAGMENTED[mvex + 4 : udta] + mehd + struct.pack(">I4s", rest, b"free") + bytes(rest - 8)
    ) + FRAGMENTED[MOOF:FRAGMENTS_END]


def test_fragments_end_where_the_file_declares_it() -> None:
    length = FRAGMENTS_END - MOOF
    whole = seconds(FRAGMENTED)
    assert seconds(FRAGMENTED[:FRAGMENTS_END]) == whole
    assert seconds(inserted(b"\0\0\0\x10styp" + bytes(8))) == whole
    for wide in (False, True):
        assert seconds(inserted(sidx([1000, length - 1000], wide=wide))) == whole
        assert seconds(inserted(sidx([1000, length - 1100], wide=wide, first_offset=100))) == whole
        assert is_truncated(inserted(sidx([1000, length - 1000], wide=wide, first_offset=1)))
        assert seconds(inserted(sidx([length], wide=wide))) == whole
        assert is_truncated(inserted(sidx([length + 1], wide=wide)))
        assert seconds(with_mehd(whole, wide=wide)) == whole
        assert is_truncated(with_mehd(whole + 0.5, wide=wide))
    assert seconds(with_mehd(0)) == whole


def test_a_fragmented_file_may_follow_or_precede_a_tag() -> None:
    tag = b"ID3\x04\0\0\0\0\0\x04tag "
    assert seconds(FRAGMENTED + b"TAG" + bytes(125)) == seconds(FRAGMENTED + bytes(500)) == seconds(tag + FRAGMENTED)
    assert damage(tag + sample("song.m4a")) == "the file is damaged: a tag precedes its boxes"
    assert seconds(sample("song.m4a") + b"TAG" + bytes(125)) == 2.0
    assert is_truncated(sample("song.m4a") + bytes(500_000))


def test_a_fragment_lacks_its_samples() -> None:
    """The first run claims to start one byte later, or before all media data."""
    at = next(boxes(FRAGMENTED, b"trun")) + 16
    offset = int.from_bytes(FRAGMENTED[at : at + 4])
    for wrong in (offset + 1, offset + 10_000_000, 0):
        assert is_truncated(changed(FRAGMENTED, at, struct.pack(">I", wrong)))


def test_a_run_may_not_be_longer_than_its_box() -> None:
    at = next(boxes(FRAGMENTED, b"trun")) + 12
    assert (
        damage(changed(FRAGMENTED, at, struct.pack(">I", 10**6)))
        == "the file is damaged: a run of samples is longer than its box"
    )


def test_a_track_needs_a_time_scale() -> None:
    at = next(boxes(FRAGMENTED, b"mdhd")) + 20
    assert damage(changed(FRAGMENTED, at, bytes(4))) == "the file is damaged: its audio track has no time scale"


def test_a_sample_that_starts_unlike_the_others_is_damage() -> None:
    expected = "the file is damaged: a sample does not start like the others"
    fragment = list(boxes(FRAGMENTED, b"mdat"))[1] + 8
    assert damage(changed(FRAGMENTED, fragment, b"\x7f")) == expected
    song = sample("song.m4a")
    middle = next(boxes(song, b"mdat")) + 8 + 2000
    assert damage(changed(song, middle, bytes(600))) == expected
