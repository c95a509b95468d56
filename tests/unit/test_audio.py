"""The gate for audio, on files that real encoders made and on their broken forms."""

from __future__ import annotations

import gzip
import io
import math
import random
import re
import struct
import wave
from array import array
from contextlib import suppress
from functools import cache
from pathlib import Path

import lameenc
import miniaudio
import pytest

from suno_jobs import audio, flac
from suno_jobs.errors import AssetError, AssetNotReady, AssetRefused, ErrorCode

SAMPLES = Path(__file__).parents[1] / "samples"
SECONDS = 2
RATE = 48000
SONGS = [
    "mp3",
    "mp3 without a Xing header",
    "mp3 without tags",
    "mp3 bare",
    "mp3 with tags at both ends",
    "wav",
    "flac",
    "ogg",
    "ogg vorbis",
    "m4a",
    "m4a, index first",
]
# Nothing that the tests may use decodes these: the length is what the decoder said that tests/samples/README.md names.
DECODED_SECONDS = {"ogg": 2.0, "m4a": 2.048, "m4a, index first": 2.048}
TYPES = {
    "mp3": (audio.Container.MP3, "audio/mpeg"),
    "wav": (audio.Container.WAV, "audio/wav"),
    "fla": (audio.Container.FLAC, "audio/flac"),
    "ogg": (audio.Container.OGG, "audio/ogg"),
    "m4a": (audio.Container.M4A, "audio/mp4"),
}


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311


@cache
def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def chord(rate: int) -> bytes:
    """Two seconds of a chord with a little noise, so that no codec can shrink it to nothing."""
    noise, low, high = dice(1), 2881 / rate, 4369 / rate
    return array(
        "h",
        (
            int(9000 * math.sin(low * at) + 6000 * math.sin(high * at) + noise.randint(-500, 500))
            for at in range(SECONDS * rate)
        ),
    ).tobytes()


@cache
def bare_mp3(rate: int = RATE) -> bytes:
    """Frames of 64 kbit/s and nothing else: LAME puts neither tags nor a Xing header into what it gives piece by piece."""
    encoder = lameenc.Encoder()
    encoder.set_in_sample_rate(rate)
    encoder.set_out_sample_rate(rate)
    encoder.set_channels(1)
    encoder.set_bit_rate(64)
    encoder.silence()
    return bytes(encoder.encode(chord(rate))) + bytes(encoder.flush())


def wav(samples: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setparams((1, 2, RATE, 0, "NONE", ""))
        output.writeframes(samples)
    return file.getvalue()


@pytest.fixture(scope="module")
def songs() -> dict[str, bytes]:
    tagged = sample("tagged.mp3")
    first_frame, last_tag = tagged.index(b"\xff\xf3"), len(tagged) - 128
    return {
        "mp3": tagged[:last_tag],
        "mp3 without a Xing header": tagged[:first_frame] + bare_mp3(),
        "mp3 without tags": tagged[first_frame:last_tag],
        "mp3 bare": bare_mp3(),
        "mp3 with tags at both ends": tagged,
        "wav": wav(chord(RATE)),
        "flac": sample("song.flac"),
        "ogg": sample("opus.ogg"),
        "ogg vorbis": sample("vorbis.ogg"),
        "m4a": sample("song.m4a"),
        "m4a, index first": sample("index-first.m4a"),
    }


def refusal(data: bytes) -> AssetError:
    with pytest.raises(AssetError) as caught:
        audio.inspect(io.BytesIO(data))
    return caught.value


@pytest.mark.parametrize("name", SONGS)
def test_a_real_file_is_known_by_its_content_and_timed(songs: dict[str, bytes], name: str) -> None:
    file = io.BytesIO(songs[name])
    found = audio.inspect(file)
    container, content_type = TYPES[name[:3]]
    assert (found.container, found.content_type, found.extension) == (container, content_type, container.value)
    assert found.duration_seconds == pytest.approx(SECONDS, abs=0.1)
    assert file.tell() == 0


@pytest.mark.parametrize("rate", [48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000])
def test_mp3_of_every_version_is_timed(rate: int) -> None:
    data = bare_mp3(rate)
    found = audio.inspect(io.BytesIO(data))
    assert found.duration_seconds == pytest.approx(SECONDS, abs=0.25)
    assert found.duration_seconds == pytest.approx(decoded_seconds(data), abs=0.001)


def decoded_seconds(data: bytes) -> float:
    sound = miniaudio.decode(data)
    return float(sound.num_frames / sound.sample_rate)


def judged(data: bytes) -> float | None:
    """The seconds of a file that passes, and None for one that may get better."""
    try:
        return audio.inspect(io.BytesIO(data)).duration_seconds
    except AssetNotReady:
        return None


@pytest.mark.parametrize("name", SONGS)
def test_a_cut_file_never_passes_as_whole(songs: dict[str, bytes], name: str) -> None:
    """An MP3 without a Xing header announces no length: cut just between two frames it is a whole, shorter song.

    One with such a header may have miscounted its last frames, so a loss of up to two is no proof of a cut.
    """
    whole = songs[name]
    places = dice(2)
    last = len(whole) - {"mp3": 3 * 108, "mp3 without tags": 3 * 108, "mp3 with tags at both ends": 3 * 108 + 128}.get(name, 0)
    for size in [*range(1, 120), 1000, *(places.randrange(1100, last) for _ in range(25)), last - 9, last - 1]:
        seconds = judged(whole[:size])
        if name in ("mp3 without a Xing header", "mp3 bare"):
            assert seconds in (None, pytest.approx(SECONDS * size / len(whole), abs=0.1))
        else:
            assert seconds is None, f"cut to {size} of {len(whole)} bytes"


@pytest.mark.parametrize("name", SONGS)
def test_a_cut_file_of_a_known_kind_is_called_truncated(songs: dict[str, bytes], name: str) -> None:
    whole = songs[name]
    assert refusal(whole[: len(whole) // 2 + 7]).fault.code is ErrorCode.ASSET_TRUNCATED


@pytest.mark.parametrize("name", SONGS)
def test_damage_raises_nothing_but_our_own_errors(songs: dict[str, bytes], name: str) -> None:
    places = dice(3)
    for _ in range(150):
        damaged = bytearray(songs[name])
        for _ in range(places.choice([1, 4, 40])):
            damaged[int(len(damaged) * places.random() ** 4)] = places.randrange(256)
        with suppress(AssetError):
            assert audio.inspect(io.BytesIO(bytes(damaged))).duration_seconds > 0


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", ErrorCode.ASSET_TRUNCATED),
        (bytes(5_000_000), ErrorCode.ASSET_TRUNCATED),
        (b"<!DOCTYPE html><html><body>Just a moment</body></html>" * 50, ErrorCode.ASSET_WRONG_TYPE),
        (b"\xef\xbb\xbf\n <?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", ErrorCode.ASSET_WRONG_TYPE),
        (b'{"detail": "Missing Key-Pair-Id"}', ErrorCode.ASSET_WRONG_TYPE),
        (b"[]" + b" " * 4000, ErrorCode.ASSET_WRONG_TYPE),
        (b"Forbidden", ErrorCode.ASSET_WRONG_TYPE),
        ("Zugriff verweigert: \u00fcberlastet ".encode() * 100, ErrorCode.ASSET_WRONG_TYPE),
        (b"\xff" * 9000, ErrorCode.ASSET_WRONG_TYPE),
        (b"\xff\xfb\x90\x00" + dice(4).randbytes(60_000), ErrorCode.ASSET_WRONG_TYPE),
        (dice(5).randbytes(60_000), ErrorCode.ASSET_WRONG_TYPE),
        (b"ID3\x04\0\0\0\0\x10\0" + dice(6).randbytes(60_000), ErrorCode.ASSET_WRONG_TYPE),
        (b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + dice(7).randbytes(60_000), ErrorCode.ASSET_TRUNCATED),
        (b"\xff\xeb\x90\x00" + bytes(2000), ErrorCode.ASSET_WRONG_TYPE),
        (b"\xff\xfb\x00\x00" + bytes(2000), ErrorCode.ASSET_WRONG_TYPE),
        (b"\xff\xfb\x9c\x00" + bytes(2000), ErrorCode.ASSET_WRONG_TYPE),
        (b"RIFF\0\0\0\0WAVE", ErrorCode.ASSET_TRUNCATED),
        (wav(b""), ErrorCode.ASSET_TRUNCATED),
        (b"OggS" + dice(8).randbytes(60_000), ErrorCode.ASSET_WRONG_TYPE),
        (b"fLaC" + dice(9).randbytes(60_000), ErrorCode.ASSET_TRUNCATED),
        (b"fLaC" + b"\xff\xf8" * 1000, ErrorCode.ASSET_TRUNCATED),
        (b"\0\0\0\x14ftypM4A \0\0\0\0M4A " + dice(10).randbytes(60_000), ErrorCode.ASSET_TRUNCATED),
    ],
    ids=str,
)
def test_what_a_cdn_may_show_in_place_of_a_song_is_tried_again(data: bytes, code: ErrorCode) -> None:
    error = refusal(data)
    assert isinstance(error, AssetNotReady)
    assert error.fault.code is code


@pytest.mark.parametrize(
    "data",
    [
        *(sample(name) for name in ["picture.png", "picture.jpg", "picture.gif", "picture.webp"]),
        *(sample(name) for name in ["film.mp4", "film.mkv", "film.avi"]),
        b"%PDF-1.7 \0" + bytes(2000),
        b"PK\x03\x04" + bytes(2000),
        gzip.compress(bytes(2000)),
    ],
    ids=["png", "jpeg", "gif", "webp", "mp4", "mkv", "avi", "pdf", "zip", "gzip"],
)
def test_a_sound_file_of_another_kind_is_refused_for_good(data: bytes) -> None:
    error = refusal(data)
    assert isinstance(error, AssetRefused)
    assert error.fault.code is ErrorCode.ASSET_WRONG_TYPE


def with_pssh(whole: bytes) -> bytes:
    """``moov`` is the last box, so that nothing moves but its own end."""
    moov = whole.index(b"moov") - 4
    size = int.from_bytes(whole[moov : moov + 4]) + 32
    return whole[:moov] + size.to_bytes(4) + whole[moov + 4 :] + b"\0\0\0\x20pssh" + bytes(24)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (sample("fragmented.m4a"), ErrorCode.ASSET_WRONG_TYPE),
        (sample("encrypted.m4a"), ErrorCode.ASSET_ENCRYPTED),
        (sample("encrypted-fragment.m4a"), ErrorCode.ASSET_ENCRYPTED),
        (sample("encrypted.m4a").replace(b"enca", b"drms").replace(b"sinf", b"free"), ErrorCode.ASSET_ENCRYPTED),
        (with_pssh(sample("song.m4a")), ErrorCode.ASSET_ENCRYPTED),
    ],
    ids=["fragmented", "encrypted", "encrypted fragment", "encrypted by a shop", "pssh"],
)
def test_an_m4a_that_does_not_play_by_itself_is_tried_again(data: bytes, code: ErrorCode) -> None:
    error = refusal(data)
    assert isinstance(error, AssetNotReady)
    assert error.fault.code is code
    assert (
        error.fault.message
        == {
            ErrorCode.ASSET_WRONG_TYPE: "the file is a fragment of a stream",
            ErrorCode.ASSET_ENCRYPTED: "the file is encrypted",
        }[code]
    )


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"moov", b"free", ErrorCode.ASSET_TRUNCATED),
        (b"mdat", b"free", ErrorCode.ASSET_TRUNCATED),
        (b"soun", b"text", ErrorCode.ASSET_WRONG_TYPE),
    ],
    ids=["no index", "no sound", "no sound track"],
)
def test_an_m4a_that_lacks_a_part_is_tried_again(old: bytes, new: bytes, code: ErrorCode) -> None:
    error = refusal(sample("song.m4a").replace(old, new, 1))
    assert isinstance(error, AssetNotReady)
    assert error.fault.code is code


def test_an_m4a_may_give_a_size_in_64_bits() -> None:
    """The empty box before ``mdat`` is there to make room for this."""
    whole = sample("song.m4a")
    mdat = whole.index(b"mdat") - 4
    assert whole[mdat - 8 : mdat] == b"\0\0\0\x08free"
    size = int.from_bytes(whole[mdat : mdat + 4]) + 8
    large = whole[: mdat - 8] + b"\0\0\0\x01mdat" + size.to_bytes(8) + whole[mdat + 8 :]
    assert judged(large) == judged(whole) == SECONDS
    assert judged(large[:-1]) is None


def test_an_m4a_that_does_not_say_where_its_sound_ends_is_never_whole() -> None:
    whole = sample("index-first.m4a")
    mdat = whole.index(b"mdat") - 4
    assert refusal(whole[:mdat] + bytes(4) + whole[mdat + 4 :]).fault.code is ErrorCode.ASSET_TRUNCATED


FRAME = 192  # 64 kbit/s at 48 kHz


def test_an_mp3_cut_within_the_header_of_a_frame_is_cut() -> None:
    for rest in (1, 2, 3):
        assert refusal(bare_mp3()[: 20 * FRAME + rest]).fault.code is ErrorCode.ASSET_TRUNCATED


def test_a_few_frames_are_no_song() -> None:
    assert refusal(bare_mp3()[: 5 * FRAME]).fault.code is ErrorCode.ASSET_TRUNCATED
    assert refusal(b"ID3\x04\0\0\0\0\x10\0" + bytes(2048) + bare_mp3()[: 3 * FRAME]).fault.code is ErrorCode.ASSET_WRONG_TYPE


def test_what_surrounds_the_frames_of_an_mp3_is_passed_over() -> None:
    whole = bare_mp3()
    seconds = judged(whole)
    assert seconds is not None
    assert judged(b"ID3\x04\0\x10\0\0\0\x04tag " + b"3DI\x04\0\x10\0\0\0\x04" + whole) == seconds
    assert judged(b"ID3\x04\0\0\0\0\0\x04tag " + bytes(500) + whole) == seconds
    assert judged(whole + b"APETAGEX" + bytes(1000)) == seconds


def test_an_mp3_with_more_than_tags_behind_its_frames_is_no_unbroken_one() -> None:
    assert refusal(bare_mp3() + bytes(300_000)).fault.code is ErrorCode.ASSET_WRONG_TYPE
    assert refusal(bare_mp3() + bare_mp3(44100) * 30).fault.code is ErrorCode.ASSET_WRONG_TYPE


def test_a_xing_header_need_not_say_how_many_frames_there_are(songs: dict[str, bytes]) -> None:
    """Then the frame that holds it cannot be told from sound."""
    whole = songs["mp3 without tags"]
    flags = whole.index(b"Info") + 4
    for unsaid in (struct.pack(">II", 0, 2**32 - 1), struct.pack(">II", 1, 0)):
        assert judged(whole[:flags] + unsaid + whole[flags + 8 :]) == pytest.approx((judged(whole) or 0) + 576 / 16000)


def test_an_mp3_that_announces_more_frames_than_any_file_holds_is_cut(songs: dict[str, bytes]) -> None:
    whole = songs["mp3 without tags"]
    flags = whole.index(b"Info") + 4
    announcing = whole[:flags] + struct.pack(">II", 1, 2**32 - 1) + whole[flags + 8 :]
    assert refusal(announcing).fault.code is ErrorCode.ASSET_TRUNCATED


def test_a_wav_may_hold_chunks_of_any_length() -> None:
    """A chunk of odd length is followed by a byte of padding."""
    whole = wav(chord(RATE))
    assert judged(whole[:36] + b"LIST\x05\0\0\0INFOx\0" + whole[36:]) == SECONDS


def test_an_mp3_may_announce_its_frames_in_a_vbri_header() -> None:
    """The header of the Fraunhofer encoder: in the place of the first frame, 32 bytes after the four that start every frame."""
    frames = bare_mp3()
    vbri = struct.pack(">4sHHHII", b"VBRI", 1, 0, 75, len(frames), len(frames) // FRAME)
    whole = (frames[:4] + bytes(32) + vbri).ljust(FRAME, b"\0") + frames
    assert judged(whole) == judged(frames)
    assert refusal(whole[: -3 * FRAME]).fault.code is ErrorCode.ASSET_TRUNCATED


@pytest.mark.parametrize("name", ["opus.ogg", "vorbis.ogg"])
def test_an_ogg_cut_between_two_pages_is_cut(name: str) -> None:
    whole = sample(name)
    pages = [page.start() for page in re.finditer(b"OggS", whole)]
    assert len(pages) >= 3
    for page in pages[1:]:
        assert refusal(whole[:page]).fault.code is ErrorCode.ASSET_TRUNCATED


def test_an_ogg_with_a_broken_page_is_damaged() -> None:
    whole = sample("vorbis.ogg")
    assert refusal(whole[:-1].replace(b"OggS", b"OggX").replace(b"OggX", b"OggS", 1)).fault.code is ErrorCode.ASSET_WRONG_TYPE


def test_flac_within_ogg_is_not_among_what_we_know() -> None:
    error = refusal(sample("flac-in-ogg.ogg"))
    assert isinstance(error, AssetNotReady)
    assert error.fault.code is ErrorCode.ASSET_WRONG_TYPE


def opus_page(segments: int) -> bytes:
    """The first page of a stream, so often as you like, and full of packets that do not end."""
    return b"OggS\0\x02" + bytes(20) + bytes([segments]) + b"\xff" * segments + b"OpusHead".ljust(255 * segments, b"\0")


class CountedFile(io.BytesIO):
    bytes_read = 0
    largest_read = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.bytes_read += len(data)
        self.largest_read = max(self.largest_read, len(data))
        return data


BOUND = 2**18
BUSY = {
    "tiny frames": b"\xff\xf3\x14\xc4".ljust(24, b"\0") * (BOUND // 4),
    "tiny boxes": b"\0\0\0\x14ftypM4A \0\0\0\0M4A " + b"\0\0\0\x08free" * (BOUND // 8),
    "tiny pages": opus_page(1) + opus_page(0)[:27] * (BOUND // 27),
    "a huge format": b"RIFF\xff\xff\xff\x7fWAVEfmt " + struct.pack("<I", BOUND) + bytes(BOUND) + b"data\0\0\0\0",
}


@pytest.mark.parametrize("data", BUSY.values(), ids=BUSY)
def test_a_file_made_to_keep_us_busy_is_left_early(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "STRUCTURE_BYTES", BOUND)
    file = CountedFile(data)
    with pytest.raises(AssetNotReady):
        audio.inspect(file)
    assert BOUND * 0.9 < file.bytes_read <= BOUND < len(data)


def test_an_ogg_whose_pages_never_end_is_cut() -> None:
    assert refusal(opus_page(255) * 100).fault.code is ErrorCode.ASSET_TRUNCATED


@pytest.mark.parametrize("name", SONGS)
def test_a_real_decoder_agrees_on_the_length(songs: dict[str, bytes], name: str) -> None:
    seconds = DECODED_SECONDS[name] if name in DECODED_SECONDS else decoded_seconds(songs[name])
    assert audio.inspect(io.BytesIO(songs[name])).duration_seconds == pytest.approx(seconds, abs=0.1)


# --- silence -----------------------------------------------------------------------------------------------------------------


def mp3(samples: bytes, rate: int, channels: int, kbps: int) -> bytes:
    encoder = lameenc.Encoder()
    encoder.set_in_sample_rate(rate)
    encoder.set_out_sample_rate(rate)
    encoder.set_channels(channels)
    encoder.set_bit_rate(kbps)
    encoder.silence()
    return bytes(encoder.encode(samples)) + bytes(encoder.flush())


def is_silent(data: bytes) -> bool:
    return audio.inspect(io.BytesIO(data)).silent


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("rate", "kbps"), [(48000, 64), (44100, 320), (32000, 128), (22050, 64), (16000, 32), (8000, 16)])
def test_a_silent_mp3_is_known_without_decoding(rate: int, kbps: int, channels: int) -> None:
    nothing = bytes(2 * rate * channels * 2)
    assert is_silent(mp3(nothing, rate, channels, kbps))
    one_click = bytearray(nothing)
    one_click[rate * 2 : rate * 2 + 400] = b"\x7f\x10" * 200
    assert not is_silent(mp3(bytes(one_click), rate, channels, kbps))


def test_a_silent_mp3_with_checksums_is_known_too() -> None:
    """LAME writes none, so every frame gets its two bytes here, and loses as many of its padding."""
    frames = mp3(bytes(4 * RATE), RATE, 1, 64)
    loud = mp3(chord(RATE), RATE, 1, 64)
    for data, expected in ((frames, True), (loud, False)):
        parts = (data[at : at + FRAME] for at in range(0, len(data), FRAME))
        checked = b"".join(part[:1] + bytes([part[1] & 0xFE]) + part[2:4] + b"\0\0" + part[4:-2] for part in parts)
        assert is_silent(checked) is expected


@pytest.mark.parametrize("name", ["silent.m4a", "silent.flac", "silent-vorbis.ogg", "silent-opus.ogg"])
def test_a_silent_file_is_known_without_decoding(name: str) -> None:
    assert is_silent(sample(name))


@pytest.mark.parametrize("name", SONGS)
def test_a_song_is_not_silent(songs: dict[str, bytes], name: str) -> None:
    assert not is_silent(songs[name])


@pytest.mark.parametrize("level", [b"\0\0", b"\x80\x80", b"\x01\0"])
def test_a_wav_is_silent_when_all_its_samples_are_the_same(level: bytes) -> None:
    whole = wav(level * 1_300_000)
    assert is_silent(whole)
    for at in (44, 44 + 1024 * 1024, len(whole) - 1):
        changed = bytearray(whole)
        changed[at] ^= 0x10
        assert not is_silent(bytes(changed))


def test_a_wav_whose_channels_differ_is_silent_all_the_same() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setparams((2, 2, RATE, 0, "NONE", ""))
        output.writeframes(b"\x01\0\x02\0" * RATE)
    assert is_silent(file.getvalue())


def test_a_wav_that_does_not_say_how_its_samples_lie_plays_for_no_time() -> None:
    whole = bytearray(wav(bytes(4 * RATE)))
    whole[32:34] = bytes(2)
    assert refusal(bytes(whole)).fault.message == "the file plays for no time at all"


def test_a_flac_that_does_not_say_how_large_its_frames_are_is_not_called_silent() -> None:
    whole = bytearray(sample("silent.flac"))
    whole[15:18] = bytes(3)
    assert not is_silent(bytes(whole))


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_a_flac_is_silent_while_each_channel_of_a_frame_takes_one_sample_only(channels: int) -> None:
    """A frame takes 18 bytes around its channels at most, and a channel of one and the same sample 5."""
    whole = bytearray(sample("silent.flac"))
    whole[20] = whole[20] & 0xF1 | (channels - 1) << 1
    for largest, expected in ((18 + 5 * channels, True), (19 + 5 * channels, False)):
        whole[15:18] = largest.to_bytes(3)
        assert is_silent(bytes(whole)) is expected


def test_an_m4a_may_say_the_size_of_all_its_samples_at_once() -> None:
    whole = sample("song.m4a")
    at = whole.index(b"stsz") + 8
    assert is_silent(whole[:at] + b"\0\0\0\x06" + whole[at + 4 :])
    assert not is_silent(whole[:at] + b"\0\0\0\x09" + whole[at + 4 :])


def test_silence_is_told_in_constant_memory_and_few_bytes_are_read_of_music(songs: dict[str, bytes]) -> None:
    loud, quiet = wav(chord(RATE) * 100), wav(bytes(len(chord(RATE)) * 100))
    for data, most in ((loud, 2 * 2**20), (quiet, len(quiet) + 2**20)):
        file = CountedFile(data)
        audio.inspect(file)
        assert file.bytes_read <= most
        assert file.largest_read <= 2**20


@pytest.mark.parametrize("name", ["silent.m4a", "silent.flac", "silent-vorbis.ogg", "silent-opus.ogg"])
def test_a_cut_silence_is_cut_all_the_same(name: str) -> None:
    whole = sample(name)
    for size in range(40, len(whole)):
        assert judged(whole[:size]) is None


def test_damage_to_silence_raises_nothing_but_our_own_errors() -> None:
    places = dice(11)
    for name in ("silent.m4a", "silent.flac", "silent-vorbis.ogg", "silent-opus.ogg"):
        for _ in range(150):
            damaged = bytearray(sample(name))
            for _ in range(places.choice([1, 4, 40])):
                damaged[places.randrange(len(damaged))] = places.randrange(256)
            with suppress(AssetError):
                audio.inspect(io.BytesIO(bytes(damaged)))


# --- FLAC --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["song.flac", "silent.flac"])
def test_a_flac_cut_between_two_frames_is_cut(name: str) -> None:
    """Each frame is whole by its own checksum, and says that others should follow."""
    whole = sample(name)
    frames = [found.start() for found in re.finditer(rb"\xff\xf8", whole)]
    assert len(frames) >= 4
    for frame in frames[1:]:
        assert refusal(whole[:frame]).fault.code is ErrorCode.ASSET_TRUNCATED


def test_a_flac_that_does_not_say_how_long_it_is_plays_for_no_time() -> None:
    whole = bytearray(sample("song.flac"))
    whole[21:26] = (whole[21] & 0xF0).to_bytes() + bytes(4)
    assert refusal(bytes(whole)).fault.message == "the file plays for no time at all"


@pytest.mark.parametrize(
    ("header", "end"),
    [
        (b"\xff\xf8\x10\x00\x00", 192),
        (b"\xff\xf8\x20\x00\x01", 4096 + 576),
        (b"\xff\xf8\x50\x00\x7f", 127 * 4096 + 4608),
        (b"\xff\xf8\x80\x00\xc2\x80", 128 * 4096 + 256),
        (b"\xff\xf8\xf0\x00\xe0\xa0\x80", 2048 * 4096 + 32768),
        (b"\xff\xf8\x60\x00\x02\x09", 2 * 4096 + 10),
        (b"\xff\xf8\x70\x00\xc2\x81\x01\x00", 129 * 4096 + 257),
        (b"\xff\xf9\xc0\x00\xf0\x90\x80\x80", 65536 + 4096),
        (b"\xff\xf9\xc0\x00\xfe\xbf\xbf\xbf\xbf\xbf\xbf", 2**36 - 1 + 4096),
        (b"\xff\xf8\x00\x00\xff", 1),
        (b"\xff\xf8", 1),
    ],
)
def test_a_flac_frame_says_where_it_ends(header: bytes, end: int) -> None:
    assert flac._end_of(header, 4096) == end
