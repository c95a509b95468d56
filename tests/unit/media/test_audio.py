"""The audio checks, on files made by real encoders and on damaged forms of them."""

from __future__ import annotations

import gzip
import io
import math
import re
import struct
import wave
from array import array
from contextlib import suppress
from functools import cache

import miniaudio
import pytest

from suno_jobs.errors import AssetError, AssetNotReady, ErrorCode
from suno_jobs.media import audio, flac
from tests.builders import mp3, sample, seeded

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
# No decoder available to the tests reads these: the duration is that of the decoder named in tests/samples/README.md.
DECODED_SECONDS = {"ogg": 2.0, "m4a": 2.048, "m4a, index first": 2.048}
TYPES = {
    "mp3": (audio.Container.MP3, "audio/mpeg"),
    "wav": (audio.Container.WAV, "audio/wav"),
    "fla": (audio.Container.FLAC, "audio/flac"),
    "ogg": (audio.Container.OGG, "audio/ogg"),
    "m4a": (audio.Container.M4A, "audio/mp4"),
}


def chord(rate: int) -> bytes:
    """Two seconds of a chord with some noise, so that no codec can compress it to almost nothing."""
    noise, low, high = seeded(1), 2881 / rate, 4369 / rate
    return array(
        "h",
        (
            int(9000 * math.sin(low * at) + 6000 * math.sin(high * at) + noise.randint(-500, 500))
            for at in range(SECONDS * rate)
        ),
    ).tobytes()


@cache
def bare_mp3(rate: int = RATE) -> bytes:
    return mp3(chord(rate), rate)


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
def test_a_real_file_is_recognised_by_its_content_and_its_duration_is_measured(songs: dict[str, bytes], name: str) -> None:
    file = io.BytesIO(songs[name])
    found = audio.inspect(file)
    container, content_type = TYPES[name[:3]]
    assert (found.container, found.content_type, found.extension) == (container, content_type, container.value)
    assert found.duration_seconds == pytest.approx(SECONDS, abs=0.1)
    assert file.tell() == 0


@pytest.mark.parametrize("rate", [48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000])
def test_the_duration_of_every_mp3_version_is_measured(rate: int) -> None:
    data = bare_mp3(rate)
    found = audio.inspect(io.BytesIO(data))
    assert found.duration_seconds == pytest.approx(SECONDS, abs=0.25)
    assert found.duration_seconds == pytest.approx(decoded_seconds(data), abs=0.001)


def decoded_seconds(data: bytes) -> float:
    sound = miniaudio.decode(data)
    return float(sound.num_frames / sound.sample_rate)


def passing_seconds(data: bytes) -> float | None:
    """The duration of a file that passes, or None for one that may pass later."""
    try:
        return audio.inspect(io.BytesIO(data)).duration_seconds
    except AssetNotReady:
        return None


@pytest.mark.parametrize("name", SONGS)
def test_a_truncated_file_never_passes_as_complete(songs: dict[str, bytes], name: str) -> None:
    """An MP3 without a Xing header announces no duration: cut exactly between two frames, it is a complete shorter song.

    A Xing header may count its last frames wrong, so the loss of up to two frames is no proof of a truncation.
    """
    intact = songs[name]
    positions = seeded(2)
    last = len(intact) - {"mp3": 3 * 108, "mp3 without tags": 3 * 108, "mp3 with tags at both ends": 3 * 108 + 128}.get(name, 0)
    for size in [*range(1, 120), 1000, *(positions.randrange(1100, last) for _ in range(25)), last - 9, last - 1]:
        seconds = passing_seconds(intact[:size])
        if name in ("mp3 without a Xing header", "mp3 bare"):
            assert seconds in (None, pytest.approx(SECONDS * size / len(intact), abs=0.1))
        else:
            assert seconds is None, f"cut to {size} of {len(intact)} bytes"


@pytest.mark.parametrize("name", SONGS)
def test_a_truncated_file_of_a_known_type_is_reported_as_truncated(songs: dict[str, bytes], name: str) -> None:
    intact = songs[name]
    assert refusal(intact[: len(intact) // 2 + 7]).fault.code is ErrorCode.ASSET_TRUNCATED


@pytest.mark.parametrize("name", SONGS)
def test_damage_raises_only_our_own_errors(songs: dict[str, bytes], name: str) -> None:
    positions = seeded(3)
    for _ in range(150):
        damaged = bytearray(songs[name])
        for _ in range(positions.choice([1, 4, 40])):
            damaged[int(len(damaged) * positions.random() ** 4)] = positions.randrange(256)
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
        (b"\xff\xfb\x90\x00" + seeded(4).randbytes(60_000), ErrorCode.ASSET_WRONG_TYPE),
        (seeded(5).randbytes(60_000), ErrorCode.ASSET_WRONG_TYPE),
        (b"ID3\x04\0\0\0\0\x10\0" + seeded(6).randbytes(60_000), ErrorCode.ASSET_WRONG_TYPE),
        (b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + seeded(7).randbytes(60_000), ErrorCode.ASSET_TRUNCATED),
        (b"\xff\xeb\x90\x00" + bytes(2000), ErrorCode.ASSET_WRONG_TYPE),
        (b"\xff\xfb\x00\x00" + bytes(2000), ErrorCode.ASSET_WRONG_TYPE),
        (b"\xff\xfb\x9c\x00" + bytes(2000), ErrorCode.ASSET_WRONG_TYPE),
        (b"RIFF\0\0\0\0WAVE", ErrorCode.ASSET_TRUNCATED),
        (wav(b""), ErrorCode.ASSET_TRUNCATED),
        (b"OggS" + seeded(8).randbytes(60_000), ErrorCode.ASSET_WRONG_TYPE),
        (b"fLaC" + seeded(9).randbytes(60_000), ErrorCode.ASSET_WRONG_TYPE),
        (b"fLaC" + b"\xff\xf8" * 1000, ErrorCode.ASSET_WRONG_TYPE),
        (b"\0\0\0\x14ftypM4A \0\0\0\0M4A " + seeded(10).randbytes(60_000), ErrorCode.ASSET_TRUNCATED),
    ],
    ids=str,
)
def test_what_a_cdn_may_serve_instead_of_a_song_is_retried(data: bytes, code: ErrorCode) -> None:
    error = refusal(data)
    assert isinstance(error, AssetNotReady)
    assert error.fault.code is code


@pytest.mark.parametrize(
    "data",
    [
        *(sample(name) for name in ["picture.png", "picture.jpg", "picture.gif", "picture.webp"]),
        *(sample(name) for name in ["video.mp4", "video.mkv", "video.avi"]),
        b"%PDF-1.7 \0" + bytes(2000),
        b"PK\x03\x04" + bytes(2000),
        gzip.compress(bytes(2000)),
    ],
    ids=["png", "jpeg", "gif", "webp", "mp4", "mkv", "avi", "pdf", "zip", "gzip"],
)
def test_i11_an_intact_file_of_another_type_is_refused_and_the_song_may_follow(data: bytes) -> None:
    error = refusal(data)
    assert type(error) is AssetNotReady
    assert error.fault.code is ErrorCode.ASSET_WRONG_TYPE


def with_pssh(intact: bytes) -> bytes:
    """The file with a ``pssh`` box added to ``moov``, which is the last box, so that no offset changes."""
    moov = intact.index(b"moov") - 4
    size = int.from_bytes(intact[moov : moov + 4]) + 32
    return intact[:moov] + size.to_bytes(4) + intact[moov + 4 :] + b"\0\0\0\x20pssh" + bytes(24)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (sample("fragmented.m4a").replace(b"moov", b"free"), ErrorCode.ASSET_WRONG_TYPE),
        (sample("encrypted.m4a"), ErrorCode.ASSET_ENCRYPTED),
        (sample("encrypted-fragment.m4a"), ErrorCode.ASSET_ENCRYPTED),
        (sample("encrypted.m4a").replace(b"enca", b"drms").replace(b"sinf", b"free"), ErrorCode.ASSET_ENCRYPTED),
        (with_pssh(sample("song.m4a")), ErrorCode.ASSET_ENCRYPTED),
    ],
    ids=["fragments alone", "encrypted", "encrypted fragment", "encrypted by a store", "pssh"],
)
def test_an_m4a_that_does_not_play_by_itself_is_retried(data: bytes, code: ErrorCode) -> None:
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
def test_an_m4a_that_lacks_a_part_is_retried(old: bytes, new: bytes, code: ErrorCode) -> None:
    error = refusal(sample("song.m4a").replace(old, new, 1))
    assert isinstance(error, AssetNotReady)
    assert error.fault.code is code


def test_an_m4a_may_give_a_size_in_64_bits() -> None:
    """The empty box before ``mdat`` reserves the space for this."""
    intact = sample("song.m4a")
    mdat = intact.index(b"mdat") - 4
    assert intact[mdat - 8 : mdat] == b"\0\0\0\x08free"
    size = int.from_bytes(intact[mdat : mdat + 4]) + 8
    large = intact[: mdat - 8] + b"\0\0\0\x01mdat" + size.to_bytes(8) + intact[mdat + 8 :]
    assert passing_seconds(large) == passing_seconds(intact) == SECONDS
    assert passing_seconds(large[:-1]) is None


def test_an_m4a_whose_media_data_has_no_size_is_never_complete() -> None:
    intact = sample("index-first.m4a")
    mdat = intact.index(b"mdat") - 4
    assert refusal(intact[:mdat] + bytes(4) + intact[mdat + 4 :]).fault.code is ErrorCode.ASSET_TRUNCATED


FRAME = 192  # 64 kbit/s at 48 kHz


def test_an_mp3_cut_inside_a_frame_header_is_truncated() -> None:
    for rest in (1, 2, 3):
        assert refusal(bare_mp3()[: 20 * FRAME + rest]).fault.code is ErrorCode.ASSET_TRUNCATED


def test_a_few_frames_are_not_a_song() -> None:
    assert refusal(bare_mp3()[: 5 * FRAME]).fault.code is ErrorCode.ASSET_TRUNCATED
    assert refusal(b"ID3\x04\0\0\0\0\x10\0" + bytes(2048) + bare_mp3()[: 3 * FRAME]).fault.code is ErrorCode.ASSET_WRONG_TYPE


def test_tags_around_the_frames_of_an_mp3_are_skipped() -> None:
    intact = bare_mp3()
    seconds = passing_seconds(intact)
    assert seconds is not None
    assert passing_seconds(b"ID3\x04\0\x10\0\0\0\x04tag " + b"3DI\x04\0\x10\0\0\0\x04" + intact) == seconds
    assert passing_seconds(b"ID3\x04\0\0\0\0\0\x04tag " + bytes(500) + intact) == seconds
    assert passing_seconds(intact + b"APETAGEX" + bytes(1000)) == seconds


def test_an_mp3_with_more_than_tags_after_its_frames_is_damaged() -> None:
    assert refusal(bare_mp3() + bytes(300_000)).fault.code is ErrorCode.ASSET_WRONG_TYPE
    assert refusal(bare_mp3() + bare_mp3(44100) * 30).fault.code is ErrorCode.ASSET_WRONG_TYPE


def test_a_xing_header_may_omit_the_number_of_frames(songs: dict[str, bytes]) -> None:
    """Then the frame that contains the header cannot be distinguished from audio."""
    intact = songs["mp3 without tags"]
    flags = intact.index(b"Info") + 4
    for fields in (struct.pack(">II", 0, 2**32 - 1), struct.pack(">II", 1, 0)):
        assert passing_seconds(intact[:flags] + fields + intact[flags + 8 :]) == pytest.approx(
            (passing_seconds(intact) or 0) + 576 / 16000
        )


def test_an_mp3_that_announces_more_frames_than_it_has_is_truncated(songs: dict[str, bytes]) -> None:
    intact = songs["mp3 without tags"]
    flags = intact.index(b"Info") + 4
    announcing = intact[:flags] + struct.pack(">II", 1, 2**32 - 1) + intact[flags + 8 :]
    assert refusal(announcing).fault.code is ErrorCode.ASSET_TRUNCATED


def test_a_wav_may_contain_chunks_of_any_length() -> None:
    """A chunk of odd length is followed by a byte of padding."""
    intact = wav(chord(RATE))
    assert passing_seconds(intact[:36] + b"LIST\x05\0\0\0INFOx\0" + intact[36:]) == SECONDS


def test_an_mp3_may_announce_its_frames_in_a_vbri_header() -> None:
    """The header of the Fraunhofer encoder: in the first frame, 32 bytes after its four-byte frame header."""
    frames = bare_mp3()
    vbri = struct.pack(">4sHHHII", b"VBRI", 1, 0, 75, len(frames), len(frames) // FRAME)
    intact = (frames[:4] + bytes(32) + vbri).ljust(FRAME, b"\0") + frames
    assert passing_seconds(intact) == passing_seconds(frames)
    assert refusal(intact[: -3 * FRAME]).fault.code is ErrorCode.ASSET_TRUNCATED


@pytest.mark.parametrize("name", ["opus.ogg", "vorbis.ogg"])
def test_an_ogg_cut_between_two_pages_is_truncated(name: str) -> None:
    intact = sample(name)
    pages = [page.start() for page in re.finditer(b"OggS", intact)]
    assert len(pages) >= 3
    for page in pages[1:]:
        assert refusal(intact[:page]).fault.code is ErrorCode.ASSET_TRUNCATED


def test_an_ogg_with_a_broken_page_is_damaged() -> None:
    intact = sample("vorbis.ogg")
    assert refusal(intact[:-1].replace(b"OggS", b"OggX").replace(b"OggX", b"OggS", 1)).fault.code is ErrorCode.ASSET_WRONG_TYPE


class CountingFile(io.BytesIO):
    bytes_read = 0
    largest_read = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.bytes_read += len(data)
        self.largest_read = max(self.largest_read, len(data))
        return data


BOUND = 2**18
MALICIOUS = {
    "tiny frames": b"\xff\xf3\x14\xc4".ljust(24, b"\0") * (BOUND // 4),
    "tiny boxes": b"\0\0\0\x14ftypM4A \0\0\0\0M4A " + b"\0\0\0\x08free" * (BOUND // 8),
}


@pytest.mark.parametrize("data", MALICIOUS.values(), ids=MALICIOUS)
def test_inspection_of_a_malicious_file_stops_early(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "STRUCTURE_BYTES", BOUND)
    file = CountingFile(data)
    with pytest.raises(AssetNotReady):
        audio.inspect(file)
    assert BOUND * 0.9 < file.bytes_read <= BOUND < len(data)


@pytest.mark.parametrize("name", SONGS)
def test_a_real_decoder_agrees_on_the_duration(songs: dict[str, bytes], name: str) -> None:
    seconds = DECODED_SECONDS[name] if name in DECODED_SECONDS else decoded_seconds(songs[name])
    assert audio.inspect(io.BytesIO(songs[name])).duration_seconds == pytest.approx(seconds, abs=0.1)


# --- silence -----------------------------------------------------------------------------------------------------------------


def is_silent(data: bytes) -> bool:
    return audio.inspect(io.BytesIO(data)).silent


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("rate", "kbps"), [(48000, 64), (44100, 320), (32000, 128), (22050, 64), (16000, 32), (8000, 16)])
def test_a_silent_mp3_is_detected_without_decoding(rate: int, kbps: int, channels: int) -> None:
    silence = bytes(2 * rate * channels * 2)
    assert is_silent(mp3(silence, rate, channels, kbps))
    one_click = bytearray(silence)
    one_click[rate * 2 : rate * 2 + 400] = b"\x7f\x10" * 200
    assert not is_silent(mp3(bytes(one_click), rate, channels, kbps))


def test_a_silent_mp3_with_checksums_is_detected() -> None:
    """LAME writes none, so each frame gets a checksum of two bytes here and loses two bytes of padding."""
    frames = mp3(bytes(4 * RATE), RATE)
    music = mp3(chord(RATE), RATE)
    for data, expected in ((frames, True), (music, False)):
        parts = (data[at : at + FRAME] for at in range(0, len(data), FRAME))
        checked = b"".join(part[:1] + bytes([part[1] & 0xFE]) + part[2:4] + b"\0\0" + part[4:-2] for part in parts)
        assert is_silent(checked) is expected


@pytest.mark.parametrize("name", ["silent.m4a", "silent.flac", "silent-vorbis.ogg", "silent-opus.ogg"])
def test_a_silent_file_is_detected_without_decoding(name: str) -> None:
    assert is_silent(sample(name))


@pytest.mark.parametrize("name", SONGS)
def test_a_song_is_not_silent(songs: dict[str, bytes], name: str) -> None:
    assert not is_silent(songs[name])


@pytest.mark.parametrize("level", [b"\0\0", b"\x80\x80", b"\x01\0"])
def test_a_wav_is_silent_if_all_its_samples_are_equal(level: bytes) -> None:
    intact = wav(level * 1_300_000)
    assert is_silent(intact)
    for at in (44, 44 + 1024 * 1024, len(intact) - 1):
        changed = bytearray(intact)
        changed[at] ^= 0x10
        assert not is_silent(bytes(changed))


def test_a_wav_with_a_different_constant_in_each_channel_is_silent() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setparams((2, 2, RATE, 0, "NONE", ""))
        output.writeframes(b"\x01\0\x02\0" * RATE)
    assert is_silent(file.getvalue())


def test_a_wav_without_a_block_size_has_no_duration() -> None:
    intact = bytearray(wav(bytes(4 * RATE)))
    intact[32:34] = bytes(2)
    assert refusal(bytes(intact)).fault.message == "the duration of the file is zero"


def test_a_flac_without_a_maximum_frame_size_is_not_reported_as_silent() -> None:
    intact = bytearray(sample("silent.flac"))
    intact[15:18] = bytes(3)
    assert not is_silent(bytes(intact))


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_a_flac_is_silent_if_each_channel_of_a_frame_has_room_for_one_sample_only(channels: int) -> None:
    """A frame has at most 18 bytes besides its channels, and a channel with one constant sample has 5."""
    intact = bytearray(sample("silent.flac"))
    intact[20] = intact[20] & 0xF1 | (channels - 1) << 1
    for largest, expected in ((18 + 5 * channels, True), (19 + 5 * channels, False)):
        intact[15:18] = largest.to_bytes(3)
        assert is_silent(bytes(intact)) is expected


def test_an_m4a_may_give_one_size_for_all_its_samples() -> None:
    intact = sample("song.m4a")
    at = intact.index(b"stsz") + 8
    assert is_silent(intact[:at] + b"\0\0\0\x06" + intact[at + 4 :])
    assert not is_silent(intact[:at] + b"\0\0\0\x09" + intact[at + 4 :])


def test_silence_detection_needs_constant_memory_and_few_bytes_of_music(songs: dict[str, bytes]) -> None:
    music, silence = wav(chord(RATE) * 100), wav(bytes(len(chord(RATE)) * 100))
    for data, most in ((music, 2 * 2**20), (silence, len(silence) + 2**20)):
        file = CountingFile(data)
        audio.inspect(file)
        assert file.bytes_read <= most
        assert file.largest_read <= 2**20


@pytest.mark.parametrize("name", ["silent.m4a", "silent.flac", "silent-vorbis.ogg", "silent-opus.ogg"])
def test_a_truncated_silent_file_never_passes(name: str) -> None:
    intact = sample(name)
    for size in range(40, len(intact)):
        assert passing_seconds(intact[:size]) is None


def test_damage_to_a_silent_file_raises_only_our_own_errors() -> None:
    positions = seeded(11)
    for name in ("silent.m4a", "silent.flac", "silent-vorbis.ogg", "silent-opus.ogg"):
        for _ in range(150):
            damaged = bytearray(sample(name))
            for _ in range(positions.choice([1, 4, 40])):
                damaged[positions.randrange(len(damaged))] = positions.randrange(256)
            with suppress(AssetError):
                audio.inspect(io.BytesIO(bytes(damaged)))


# --- FLAC --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["song.flac", "silent.flac"])
def test_a_flac_cut_between_two_frames_is_truncated(name: str) -> None:
    """Each frame is complete according to its own checksum; only the header shows that more should follow."""
    intact = sample(name)
    frames = [found.start() for found in re.finditer(rb"\xff\xf8", intact)]
    assert len(frames) >= 4
    for frame in frames[1:]:
        assert refusal(intact[:frame]).fault.code is ErrorCode.ASSET_TRUNCATED


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
def test_a_flac_frame_header_gives_the_end_of_the_frame(header: bytes, end: int) -> None:
    assert flac._samples(header, 4096).stop == end
