"""The checks of every media type, on files made by real encoders and on damaged forms of them."""

from __future__ import annotations

import gzip
import io
import struct
from contextlib import suppress
from zlib import crc32

import pytest

from suno_jobs.catalog.results import Media
from suno_jobs.errors import AssetError, AssetNotReady, ErrorCode
from suno_jobs.media import inspection
from tests.builders import sample, seeded

IMAGES = {
    "picture.png": ("image/png", "png"),
    "picture.jpg": ("image/jpeg", "jpg"),
    "progressive.jpg": ("image/jpeg", "jpg"),
    "picture.webp": ("image/webp", "webp"),
    "lossless.webp": ("image/webp", "webp"),
    "transparent.webp": ("image/webp", "webp"),
    "animated.webp": ("image/webp", "webp"),
}
VIDEOS = ["video.mp4", "video-with-sound.mp4"]
STORED = [*((name, Media.IMAGE) for name in IMAGES), *((name, Media.VIDEO) for name in VIDEOS)]
SONGS = {
    "tagged.mp3": ("audio/mpeg", "mp3"),
    "song.flac": ("audio/flac", "flac"),
    "song.m4a": ("audio/mp4", "m4a"),
    "opus.ogg": ("audio/ogg", "ogg"),
}
NEVER_STORED = ["picture.gif", "video.mkv", "video.avi"]


def refusal(data: bytes, wanted: Media) -> AssetError:
    file = io.BytesIO(data)
    with pytest.raises(AssetError) as caught:
        inspection.inspect(file, wanted)
    assert file.tell() == 0
    assert caught.value.fault.message
    return caught.value


def not_ready(data: bytes, wanted: Media) -> ErrorCode:
    error = refusal(data, wanted)
    assert isinstance(error, AssetNotReady), error
    return error.fault.code


def refused(data: bytes, wanted: Media) -> str:
    error = refusal(data, wanted)
    assert type(error) is AssetNotReady, error
    assert error.fault.code is ErrorCode.ASSET_WRONG_TYPE
    return error.fault.message


# --- complete files of the right type ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_recognised_by_its_content(name: str) -> None:
    file = io.BytesIO(sample(name))
    assert inspection.inspect(file, Media.IMAGE) == inspection.MediaFile(*IMAGES[name], duration_seconds=None)
    assert file.tell() == 0


@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_is_recognised_by_its_content_and_its_duration_is_measured(name: str) -> None:
    file = io.BytesIO(sample(name))
    assert inspection.inspect(file, Media.VIDEO) == inspection.MediaFile("video/mp4", "mp4", 1.0)
    assert file.tell() == 0


@pytest.mark.parametrize("name", SONGS)
def test_a_song_passes_the_audio_checks(name: str) -> None:
    file = io.BytesIO(sample(name))
    found = inspection.inspect(file, Media.AUDIO)
    assert (found.content_type, found.extension) == SONGS[name]
    assert found.duration_seconds == pytest.approx(2.0, abs=0.1)
    assert file.tell() == 0


# --- truncated and damaged ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "wanted"), STORED)
def test_a_file_truncated_anywhere_never_passes(name: str, wanted: Media) -> None:
    intact = sample(name)
    for size in range(len(intact)):
        code = not_ready(intact[:size], wanted)
        assert code is ErrorCode.ASSET_TRUNCATED or size < 32, f"cut to {size} of {len(intact)} bytes"


@pytest.mark.parametrize(("name", "wanted"), STORED)
def test_damage_raises_only_our_own_errors(name: str, wanted: Media) -> None:
    positions = seeded(1)
    for _ in range(150):
        damaged = bytearray(sample(name))
        for _ in range(positions.choice([1, 4, 40])):
            damaged[int(len(damaged) * positions.random() ** 2)] = positions.randrange(256)
        with suppress(AssetError):
            inspection.inspect(io.BytesIO(bytes(damaged)), wanted)


class CountingFile(io.BytesIO):
    bytes_read = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.bytes_read += len(data)
        return data


BOUND = 2**16
MALICIOUS = {
    "tiny PNG chunks": (sample("picture.png")[:33] + b"\0\0\0\0teSt\0\0\0\0" * BOUND, Media.IMAGE),
    "JPEG fill": (b"\xff\xd8" + b"\xff" * BOUND, Media.IMAGE),
    "tiny WebP chunks": (b"RIFF" + struct.pack("<I", 8 * BOUND) + b"WEBPVP8X" + bytes(8) * BOUND, Media.IMAGE),
    "tiny boxes": (b"\0\0\0\x14ftypisom\0\0\0\0isom" + b"\0\0\0\x08free" * BOUND, Media.VIDEO),
    "tiny MP3 frames": (b"\xff\xf3\x14\xc4".ljust(24, b"\0") * BOUND, Media.VIDEO),
}


@pytest.mark.parametrize(("data", "wanted"), MALICIOUS.values(), ids=MALICIOUS)
def test_inspection_of_a_malicious_file_stops_early(data: bytes, wanted: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "STRUCTURE_BYTES", BOUND)
    file = CountingFile(data)
    with pytest.raises(AssetNotReady):
        inspection.inspect(file, wanted)
    assert file.bytes_read <= BOUND < len(data)


# --- other content -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", Media)
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", ErrorCode.ASSET_TRUNCATED),
        (bytes(100_000), ErrorCode.ASSET_TRUNCATED),
        (b"\xff\xd8", ErrorCode.ASSET_TRUNCATED),
        (b"<!DOCTYPE html><html><body>Just a moment</body></html>" * 50, ErrorCode.ASSET_WRONG_TYPE),
        (b"\xef\xbb\xbf\n <?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", ErrorCode.ASSET_WRONG_TYPE),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"/>', ErrorCode.ASSET_WRONG_TYPE),
        (b'{"detail": "Missing Key-Pair-Id"}', ErrorCode.ASSET_WRONG_TYPE),
        (b"Forbidden", ErrorCode.ASSET_WRONG_TYPE),
        (seeded(2).randbytes(60_000), ErrorCode.ASSET_WRONG_TYPE),
    ],
    ids=["empty", "zeros", "two bytes", "html", "xml", "svg", "json", "text", "noise"],
)
def test_what_a_cdn_may_serve_instead_of_a_file_is_retried(data: bytes, code: ErrorCode, wanted: Media) -> None:
    assert not_ready(data, wanted) is code


def bare_mp3() -> bytes:
    tagged = sample("tagged.mp3")
    return tagged[tagged.index(b"\xff\xf3") : -128]


@pytest.mark.parametrize("wanted", [Media.IMAGE, Media.VIDEO])
def test_an_intact_file_of_another_type_is_refused(wanted: Media) -> None:
    others = [sample(name) for name in [*SONGS, *NEVER_STORED, "index-first.m4a", "flac-in-ogg.ogg"]]
    others += [sample(name) for name, media in STORED if media is not wanted]
    others += [bare_mp3(), b"RIFF\x24\0\0\0WAVEfmt ", b"%PDF-1.7 \0", b"PK\x03\x04\0", gzip.compress(bytes(20))]
    for data in others:
        refused(data, wanted)


@pytest.mark.parametrize("name", [name for name, _ in STORED] + NEVER_STORED)
def test_a_file_that_is_not_audio_is_refused_as_a_song(name: str) -> None:
    assert "not audio" in refused(sample(name), Media.AUDIO)


@pytest.mark.parametrize("wanted", [Media.IMAGE, Media.VIDEO])
def test_a_truncated_mp3_is_retried_as_any_type(wanted: Media) -> None:
    assert not_ready(bare_mp3()[:-1000], wanted) is ErrorCode.ASSET_WRONG_TYPE


def test_the_message_names_the_type_found_and_the_type_expected() -> None:
    assert refused(sample("picture.gif"), Media.IMAGE) == "the file is a GIF image, not a PNG, JPEG or WebP image"
    assert refused(sample("song.m4a"), Media.VIDEO) == "the file is M4A audio, not an MP4 video"
    assert refused(bare_mp3(), Media.IMAGE) == "the file is MP3 audio, not a PNG, JPEG or WebP image"


# --- PNG ---------------------------------------------------------------------------------------------------------------------


def png_of_size(width: int, height: int) -> bytes:
    intact = sample("picture.png")
    header = b"IHDR" + struct.pack(">II", width, height) + intact[24:29]
    return intact[:12] + header + crc32(header).to_bytes(4) + intact[33:]


def test_a_png_without_a_size_is_retried() -> None:
    assert inspection.inspect(io.BytesIO(png_of_size(1, 1)), Media.IMAGE).extension == "png"
    for width, height in ((0, 16), (16, 0)):
        assert not_ready(png_of_size(width, height), Media.IMAGE) is ErrorCode.ASSET_WRONG_TYPE


@pytest.mark.parametrize(("old", "new"), [(b"IHDR", b"iHDR"), (b"\0\0\0\x10", b"\0\0\0\x11"), (b"IDAT", b"teSt")])
def test_a_damaged_png_is_retried(old: bytes, new: bytes) -> None:
    assert not_ready(sample("picture.png").replace(old, new, 1), Media.IMAGE) is ErrorCode.ASSET_WRONG_TYPE


# --- JPEG --------------------------------------------------------------------------------------------------------------------


def test_bytes_around_the_segments_of_a_jpeg_are_skipped() -> None:
    intact = sample("picture.jpg")
    assert inspection.inspect(io.BytesIO(intact[:2] + b"\xff\xff" + intact[2:] + bytes(500)), Media.IMAGE).extension == "jpg"


def test_the_end_marker_of_a_thumbnail_is_not_the_end_of_the_jpeg() -> None:
    """EXIF may contain a complete JPEG as a thumbnail."""
    intact = sample("picture.jpg")
    thumbnail = b"\xff\xe1" + (2 + len(intact)).to_bytes(2) + intact
    with_thumbnail = intact[:2] + thumbnail + intact[2:]
    assert inspection.inspect(io.BytesIO(with_thumbnail), Media.IMAGE).extension == "jpg"
    for size in range(len(with_thumbnail)):
        not_ready(with_thumbnail[:size], Media.IMAGE)


FRAME = b"\xff\xc0\0\x11\x08\0\x10\0\x10"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (FRAME, b"\xff\xc0\0\x11\x08\0\0\0\x10"),
        (FRAME, b"\xff\xc0\0\x11\x08\0\x10\0\0"),
        (FRAME, b"\xff\xfe\0\x11\x08\0\x10\0\x10"),
        (FRAME, b"\xfe\xc0\0\x11\x08\0\x10\0\x10"),
        (FRAME, b"\xff\xc0\0\x01\x08\0\x10\0\x10"),
        (FRAME, b"\xff\xd9\0\x11\x08\0\x10\0\x10"),
        (FRAME, b"\xff\x01\0\x11\x08\0\x10\0\x10"),
    ],
    ids=["no height", "no width", "no frame", "no marker", "too short a segment", "an early end", "a reserved marker"],
)
def test_a_damaged_jpeg_is_retried(old: bytes, new: bytes) -> None:
    intact = sample("picture.jpg")
    assert intact.count(old) == 1
    assert not_ready(intact.replace(old, new), Media.IMAGE) is ErrorCode.ASSET_WRONG_TYPE


# --- WebP --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("picture.webp", b"\x2a\x10\0\x10\0", b"\x2a\0\0\x10\0"),
        ("picture.webp", b"\x2a\x10\0\x10\0", b"\x2a\x10\0\0\0"),
        ("picture.webp", b"\x9d\x01\x2a", b"\x9d\x01\x2b"),
        ("picture.webp", b"VP8 2", b"VP8 0"),
        ("picture.webp", b"VP8 2", b"VP8 4"),
        ("picture.webp", b"VP8 ", b"free"),
        ("lossless.webp", b"\x2f\x0f\xc0", b"\x2e\x0f\xc0"),
        ("transparent.webp", b"VP8 ", b"free"),
    ],
)
def test_a_damaged_webp_is_retried(name: str, old: bytes, new: bytes) -> None:
    data = sample(name).replace(old, new, 1)
    assert data != sample(name)
    assert not_ready(data, Media.IMAGE) is ErrorCode.ASSET_WRONG_TYPE


@pytest.mark.parametrize("name", [name for name in IMAGES if name.endswith(".webp")])
def test_a_webp_must_fill_its_file(name: str) -> None:
    assert not_ready(sample(name) + b"\0\0", Media.IMAGE) is ErrorCode.ASSET_WRONG_TYPE


def test_a_webp_that_ends_before_its_first_chunk_is_damaged() -> None:
    for name in (b"VP8X", b"VP8L", b"VP8 "):
        chunk = name + struct.pack("<I", 0)
        assert not_ready(b"RIFF" + struct.pack("<I", 12) + b"WEBP" + chunk, Media.IMAGE) is ErrorCode.ASSET_WRONG_TYPE


# --- MP4 ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code"), [("fragmented.mp4", ErrorCode.ASSET_WRONG_TYPE), ("encrypted.mp4", ErrorCode.ASSET_ENCRYPTED)]
)
def test_a_video_that_does_not_play_by_itself_is_retried(name: str, code: ErrorCode) -> None:
    assert not_ready(sample(name), Media.VIDEO) is code


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"moov", b"free", ErrorCode.ASSET_TRUNCATED),
        (b"mdat", b"free", ErrorCode.ASSET_TRUNCATED),
        (b"vide", b"text", ErrorCode.ASSET_WRONG_TYPE),
        (b"\0\0\x03\xe8\0\0\x03\xe8", b"\0\0\x03\xe8\0\0\0\0", ErrorCode.ASSET_TRUNCATED),
        (b"mvhd", b"free", ErrorCode.ASSET_TRUNCATED),
    ],
    ids=["no index", "no samples", "no video track", "no duration", "no movie header"],
)
def test_a_video_that_lacks_a_part_is_retried(old: bytes, new: bytes, code: ErrorCode) -> None:
    intact = sample("video.mp4")
    assert old in intact
    assert not_ready(intact.replace(old, new, 1), Media.VIDEO) is code


def test_a_quicktime_video_is_not_an_mp4() -> None:
    assert "QuickTime" in refused(sample("video.mp4").replace(b"isom", b"qt  ", 1), Media.VIDEO)
