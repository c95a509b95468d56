"""MP4 audio that is built box by box: the forms of indexes and fragments that no sample contains."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import pytest

from suno_jobs.errors import AssetNotReady, ErrorCode
from suno_jobs.media import audio, content
from suno_jobs.media.fragments import _SAMPLES_AT_ONCE

SCALE = 1000
SAMPLE = b"\x21" + b"\x5a" * 99
COUNT = 40


def box(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + name + body


def table(name: bytes, rows: Sequence[int], *, skip: bytes = b"", form: str = "I", columns: int = 1) -> bytes:
    return box(name, bytes(4), skip, struct.pack(f">I{len(rows)}{form}", len(rows) // columns, *rows))


FTYP = box(b"ftyp", b"M4A \0\0\2\0isom")


def esds(indication: int = 0x40, object_type: int = 2) -> bytes:
    config = b"\x05\x80\x80\x02" + bytes([object_type << 3, 0x10])
    decoder = b"\x04\x80\x80\x13" + bytes([indication]) + bytes(12) + config
    return box(b"esds", bytes(4), b"\x03\x80\x80\x19\0\1\0", decoder)


AAC = box(b"mp4a", bytes(28), esds())
OPUS = box(b"Opus", bytes(28))


def trak(
    entry: bytes, *tables: bytes, track_id: int = 1, handler: bytes = b"soun", length: int = 0, wide: bool = False
) -> bytes:
    times = bytes([wide, 0, 0, 0]) + bytes(16 if wide else 8)
    mdhd = box(b"mdhd", times, struct.pack(">IQ" if wide else ">II", SCALE, length), bytes(4))
    stbl = box(b"stbl", box(b"stsd", bytes(4), b"\0\0\0\1", entry), *tables)
    media = box(b"mdia", mdhd, box(b"hdlr", bytes(8), handler, bytes(12)), box(b"minf", stbl))
    return box(b"trak", box(b"tkhd", times, struct.pack(">I", track_id), bytes(60)), media)


def movie(*content: bytes, length: int = 4000) -> bytes:
    return box(b"moov", box(b"mvhd", bytes(12), struct.pack(">II", SCALE, length), bytes(80)), *content)


def seconds(data: bytes) -> float:
    return audio.inspect(io.BytesIO(data)).duration_seconds


def refusal(data: bytes) -> tuple[ErrorCode, str]:
    with pytest.raises(AssetNotReady) as caught:
        audio.inspect(io.BytesIO(data))
    return caught.value.fault.code, caught.value.fault.message


# --- One index ---------------------------------------------------------------------------------------------------------------


def indexed(
    samples: Sequence[bytes],
    *,
    entry: bytes = AAC,
    per_chunk: int = 10,
    form: str = "I",
    omit: bytes = b"",
    moved: int = 0,
    overlap: bool = False,
) -> bytes:
    """The samples in chunks, the last of which may be shorter."""
    start = len(FTYP) + 8
    chunks = [b"".join(samples[at : at + per_chunk]) for at in range(0, len(samples), per_chunk)]
    offsets = [start + moved + (0 if overlap else sum(len(each) for each in chunks[:number])) for number in range(len(chunks))]
    rows = [1, per_chunk, 1, len(chunks), len(samples) - per_chunk * (len(chunks) - 1), 1]
    tables = {
        b"stsz": table(b"stsz", [len(each) for each in samples], skip=bytes(4)),
        b"stsc": table(b"stsc", rows, columns=3),
        b"stco": table(b"stco" if form == "I" else b"co64", offsets, form=form),
    }
    kept = [each for name, each in tables.items() if name != omit]
    return FTYP + box(b"mdat", *samples) + movie(trak(entry, *kept))


def damaged_at(number: int, start: bytes = b"\xe0") -> list[bytes]:
    samples = [SAMPLE] * COUNT
    samples[number] = start.ljust(100, b"\x5a")
    return samples


SAME = (ErrorCode.ASSET_WRONG_TYPE, "the file is damaged: a sample does not start like the others")
LARGER = (ErrorCode.ASSET_WRONG_TYPE, "the file is damaged: its samples are larger than the file")
LACKS = (ErrorCode.ASSET_TRUNCATED, "the file lacks some of its samples")


@pytest.mark.parametrize("number", [1, 9, 10, 35, 39])
@pytest.mark.parametrize("form", ["I", "Q"])
@pytest.mark.parametrize("entry", [AAC, box(b"alac", bytes(28 + 36)), box(b"mp4a", bytes(28), esds(0x67, 5))])
def test_every_sample_of_aac_and_alac_starts_alike(entry: bytes, form: str, number: int) -> None:
    assert seconds(indexed([SAMPLE] * COUNT, entry=entry, form=form, per_chunk=11)) == 4.0
    assert refusal(indexed(damaged_at(number), entry=entry, form=form, per_chunk=11)) == SAME


@pytest.mark.parametrize("start", [b"\xc1", b"\xdf", b"\x80", b"\x81"])
def test_data_and_fill_elements_may_precede_the_channels(start: bytes) -> None:
    assert seconds(indexed(damaged_at(5, start))) == 4.0


def test_the_configuration_may_precede_the_channels_at_the_start_only() -> None:
    assert seconds(indexed(damaged_at(0, b"\xa0"))) == 4.0
    assert refusal(indexed(damaged_at(5, b"\xa0"))) == SAME


def test_a_sample_of_nothing_but_zeros_is_damage() -> None:
    quiet = [b"\x00\x5a"] * 1000
    assert seconds(indexed(quiet)) == 4.0
    assert refusal(indexed([*quiet[:-1], b"\0\0"])) == SAME
    assert seconds(indexed([*quiet, b""])) == 4.0


@pytest.mark.parametrize(
    "entry",
    [
        OPUS,
        box(b"mp4a", bytes(28), box(b"wave", bytes(40))),
        box(b"mp4a", bytes(28), esds(indication=0x6B)),
        box(b"mp4a", bytes(28), esds(object_type=31)),
        box(b"mp4a", bytes(28), box(b"esds", bytes(40))),
        b"",
    ],
)
def test_samples_of_other_codecs_are_not_judged(entry: bytes) -> None:
    assert seconds(indexed(damaged_at(5), entry=entry)) == 4.0


@pytest.mark.parametrize("omit", [b"stsz", b"stsc", b"stco"])
def test_samples_that_cannot_be_found_are_not_judged(omit: bytes) -> None:
    assert seconds(indexed(damaged_at(5), omit=omit)) == 4.0


def test_the_samples_are_within_the_file() -> None:
    assert refusal(indexed([SAMPLE] * COUNT, moved=10_000)) == LACKS


def test_samples_may_not_overlap_or_be_larger_than_any_sample() -> None:
    chunk = b"".join([SAMPLE] * COUNT)
    again = indexed([SAMPLE] * (COUNT * 3), per_chunk=COUNT, overlap=True).replace(chunk * 3, chunk)
    assert refusal(again[: len(FTYP)] + box(b"mdat", chunk) + again[again.index(b"moov") - 4 :]) == LARGER
    assert refusal(indexed([b"\x21" * (1024 * 1024 + 1)], per_chunk=1)) == LARGER


class CountedFile(io.BytesIO):
    largest_read = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.largest_read = max(self.largest_read, len(data))
        return data


def test_a_large_chunk_is_read_in_parts() -> None:
    samples = [b"\x21" * 60_000] * 9
    file = CountedFile(indexed(samples, per_chunk=9))
    assert audio.inspect(file).duration_seconds == 4.0
    assert file.largest_read <= content.BLOCK_BYTES
    assert refusal(indexed([*samples[:-1], b"\x7f" * 60_000], per_chunk=9)) == SAME


def test_a_first_chunk_of_the_table_may_be_missing() -> None:
    whole = indexed(damaged_at(2), per_chunk=COUNT)
    rows = struct.pack(">II", 2, 1)
    at = whole.index(b"stsc") + 8
    assert whole[at : at + 8] == struct.pack(">II", 2, 1) == rows
    assert seconds(whole[:at] + struct.pack(">IIII", 1, 2, COUNT, 1) + whole[at + 16 :]) == 4.0


def test_an_index_that_cannot_be_read_is_damage() -> None:
    """``mvhd`` is too short for a time scale."""
    whole = indexed([SAMPLE] * COUNT, entry=OPUS)
    at = whole.index(b"mvhd") - 4
    short = box(b"mvhd", bytes(4)) + struct.pack(">I4s", 108 - 12, b"free")
    assert refusal(whole[:at] + short + whole[at + len(short) :]) == (ErrorCode.ASSET_WRONG_TYPE, "the file is damaged")


# --- Fragments ---------------------------------------------------------------------------------------------------------------

BASE, DESCRIPTION, DURATION, SIZE, BASE_IS_MOOF = 0x1, 0x2, 0x8, 0x10, 0x20000
OFFSET, FIRST_FLAGS, EACH_DURATION, EACH_SIZE, EACH_FLAGS = 0x1, 0x4, 0x100, 0x200, 0x400


def trun(count: int, flags: int = 0, *fields: int) -> bytes:
    return box(b"trun", struct.pack(f">II{len(fields)}I", flags, count, *fields))


def traf(*runs: bytes, flags: int = BASE_IS_MOOF, fields: bytes = b"", track_id: int = 1) -> bytes:
    return box(b"traf", box(b"tfhd", struct.pack(">II", flags, track_id), fields), *runs)


def fragmented(moof: bytes, *, entry: bytes = OPUS, trex: bytes = b"", data: bytes = SAMPLE * COUNT, length: int = 0) -> bytes:
    moov = movie(trak(entry, length=length), box(b"mvex", trex))
    return FTYP + moov + moof + box(b"mdat", data) + box(b"mfra")


TREX = box(b"trex", bytes(4), struct.pack(">IIIII", 9, 1, 1, 1, 0)) + box(
    b"trex", bytes(4), struct.pack(">IIIII", 1, 1, 100, 100, 0)
)


def moof_of(*trafs: bytes) -> bytes:
    return box(b"moof", box(b"mfhd", bytes(8)), *trafs)


def with_offset(count: int, flags: int = OFFSET) -> bytes:
    """A fragment whose only run starts with the media data."""
    size = len(moof_of(traf(trun(count, flags, 0))))
    return moof_of(traf(trun(count, flags, size + 8)))


def test_a_run_takes_what_it_does_not_list_from_its_track() -> None:
    assert seconds(fragmented(with_offset(COUNT), trex=TREX)) == 4.0
    assert refusal(fragmented(with_offset(COUNT + 1), trex=TREX))[0] is ErrorCode.ASSET_TRUNCATED
    assert refusal(fragmented(with_offset(COUNT))) == (ErrorCode.ASSET_TRUNCATED, "the duration of the file is zero")


def test_a_long_run_without_a_list_is_counted() -> None:
    count = _SAMPLES_AT_ONCE * 2 + 5
    assert seconds(fragmented(with_offset(count), trex=TREX, data=SAMPLE * count)) == count / 10
    listed = trun(count, OFFSET | EACH_SIZE, 0, *[100] * count)
    size = len(moof_of(traf(listed)))
    listed = trun(count, OFFSET | EACH_SIZE, size + 8, *[100] * count)
    assert seconds(fragmented(moof_of(traf(listed)), trex=TREX, data=SAMPLE * count)) == count / 10


def test_a_run_of_more_samples_than_any_file_has_is_left_early() -> None:
    whole = fragmented(with_offset(2**32 - 1), trex=TREX)
    assert refusal(whole) == (ErrorCode.ASSET_WRONG_TYPE, "the structure of the file is implausibly large")


def test_a_fragment_declares_values_for_its_runs() -> None:
    flags = BASE | DESCRIPTION | DURATION | SIZE
    runs = (trun(10, OFFSET | FIRST_FLAGS, 0, 0), trun(20), trun(10))

    def moof(base: int) -> bytes:
        return moof_of(traf(*runs, flags=flags, fields=struct.pack(">QIII", base, 1, 200, 100)))

    start = len(fragmented(b"")) - 8 - len(SAMPLE * COUNT) + len(moof(0))
    assert seconds(fragmented(moof(start))) == 8.0
    assert refusal(fragmented(moof(start + 1))) == (ErrorCode.ASSET_TRUNCATED, "the file lacks the media data of a fragment")
    assert refusal(fragmented(moof(start - 9)))[0] is ErrorCode.ASSET_TRUNCATED


def test_a_run_lists_several_values_of_each_sample() -> None:
    flags = OFFSET | EACH_DURATION | EACH_SIZE | EACH_FLAGS
    rows = [value for size in (50, 150, 3800) for value in (size, size, 7)]
    size = len(moof_of(traf(trun(3, flags, 0, *rows))))
    assert seconds(fragmented(moof_of(traf(trun(3, flags, size + 8, *rows))))) == 4.0


def test_the_fragments_of_another_track_do_not_count() -> None:
    other = traf(trun(1000, OFFSET, 0), track_id=2)
    size = len(moof_of(traf(trun(COUNT, OFFSET, 0)), other))
    assert seconds(fragmented(moof_of(traf(trun(COUNT, OFFSET, size + 8)), other), trex=TREX)) == 4.0


def test_the_samples_of_the_index_count_too() -> None:
    """Some writers put the first fragment into the index. An index without samples may declare the duration of all."""
    whole = fragmented(with_offset(COUNT), trex=TREX, length=1500)
    assert seconds(whole) == 4.0
    samples = movie(trak(OPUS, table(b"stsz", [100] * 15, skip=bytes(4)), length=1500, wide=True), box(b"mvex", TREX))
    assert seconds(FTYP + samples + with_offset(COUNT) + box(b"mdat", SAMPLE * COUNT) + box(b"mfra")) == 5.5


def test_the_samples_of_fragments_are_judged_like_those_of_an_index() -> None:
    good = fragmented(with_offset(COUNT), entry=AAC, trex=TREX)
    assert seconds(good) == 4.0
    assert refusal(fragmented(with_offset(COUNT), entry=AAC, trex=TREX, data=b"".join(damaged_at(17)))) == SAME


def test_silent_fragments_are_known() -> None:
    """The first sample may contain the encoder's name."""
    trex = box(b"trex", bytes(4), struct.pack(">IIIII", 1, 1, 100, 8, 0))
    assert audio.inspect(io.BytesIO(fragmented(with_offset(200), trex=trex))).silent
    assert not audio.inspect(io.BytesIO(fragmented(with_offset(COUNT), trex=TREX))).silent


def test_a_track_without_a_header_has_no_fragments() -> None:
    whole = fragmented(with_offset(COUNT), trex=TREX)
    assert refusal(whole.replace(b"tkhd", b"free")) == (ErrorCode.ASSET_TRUNCATED, "the duration of the file is zero")
