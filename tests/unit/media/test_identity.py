"""The clips that a file names, wherever Suno's comment and its Content Credentials are, and however the file is made."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulator.media import Media, render
from suno_jobs.media.audio import inspect
from suno_jobs.media.identity import METADATA_BYTES, Identity, judge_identity, named_clips
from tests.unit.media.corpus import Corpus, Recipe, require_ffmpeg

CLIP = "116d34f4-b3d5-48b8-9334-011b1dd1df00"
OTHER = "3d6790d7-7248-4d7c-91a9-ae649cebcb57"
URL = "https://cdn.example/a.mp3"
COMMENT = f"made with suno; created=2025-10-08T16:20:02.314Z; id={CLIP}"
CREDENTIAL = b"\xa2\x69contentId\x78\x24" + CLIP.encode() + b"\x65model\x6achirp-hawk"


def id3(*frames: tuple[bytes, bytes], version: int = 4) -> bytes:
    """ID3v2.3 and v2.4 differ in how they write the size of a frame."""

    def size(number: int) -> bytes:
        return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))

    body = b"".join(
        name + (size(len(text)) if version == 4 else struct.pack(">I", len(text))) + b"\0\0" + text for name, text in frames
    )
    return b"ID3" + bytes((version, 0, 0)) + size(len(body)) + body


def mp3(*frames: tuple[bytes, bytes], version: int = 4) -> bytes:
    song = render(Media.MP3, "x", 1.0)
    return id3(*frames, version=version) + song


def wav(*chunks: tuple[bytes, bytes]) -> bytes:
    """With these chunks behind the samples."""
    song = render(Media.WAV, "x", 1.0)
    more = b"".join(name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2) for name, body in chunks)
    return song[:4] + struct.pack("<I", len(song) + len(more) - 8) + song[8:] + more


def m4a(*boxes: tuple[bytes, bytes]) -> bytes:
    more = b"".join(struct.pack(">I4s", 8 + len(body), name) + body for name, body in boxes)
    return render(Media.M4A, "x", 1.0) + more


FILES: dict[str, Callable[[], bytes]] = {
    "MP3, COMM": lambda: mp3((b"COMM", b"\x03eng\0" + COMMENT.encode())),
    "MP3, COMM in UTF-16": lambda: mp3((b"COMM", b"\x01eng\xff\xfe\0\0" + COMMENT.encode("utf-16")), version=3),
    "MP3, TXXX": lambda: mp3((b"TXXX", b"\x03comment\0" + COMMENT.encode())),
    "MP3, behind other frames": lambda: mp3((b"TIT2", b"\x03Rain"), (b"COMM", b"\x03eng\0" + COMMENT.encode())),
    "MP3, Content Credentials": lambda: mp3((b"GEOB", b"\0application/c2pa\0\0\0" + CREDENTIAL)),
    "WAV, ICMT": lambda: wav((b"LIST", b"INFOICMT" + struct.pack("<I", len(COMMENT)) + COMMENT.encode())),
    "WAV, Content Credentials": lambda: wav((b"C2PA", CREDENTIAL)),
    "M4A, comment": lambda: m4a((b"udta", b"\xa9cmt" + COMMENT.encode())),
    "M4A, Content Credentials": lambda: m4a((b"uuid", bytes(16) + CREDENTIAL)),
}


@pytest.mark.parametrize("name", FILES)
def test_the_clip_is_found(name: str) -> None:
    file = io.BytesIO(FILES[name]())
    inspect(file)
    assert named_clips(file) == {CLIP}
    assert file.tell() == 0


@pytest.mark.parametrize("extension", ["mp3", "wav", "m4a"])
def test_the_clip_is_found_in_the_comment_that_ffmpeg_writes(tmp_path: Path, extension: str) -> None:
    require_ffmpeg()
    made = Corpus(tmp_path).file(Recipe(extension, ("-metadata", f"comment={COMMENT}")))
    assert named_clips(io.BytesIO(made)) == {CLIP}


@pytest.mark.parametrize("media", [Media.WAV, Media.M4A, Media.PNG])
def test_a_file_that_names_no_clip_has_none(media: Media) -> None:
    assert named_clips(io.BytesIO(render(media, CLIP, 1.0))) == frozenset()


@pytest.mark.parametrize(
    ("track_id", "url", "identity"),
    [
        (CLIP, URL, Identity.MATCH),
        (CLIP.upper(), URL, Identity.MATCH),
        (OTHER, URL, Identity.MISMATCH),
        (OTHER, f"https://cdn1.suno.ai/{CLIP}.mp3", Identity.MATCH),
        ("vocals", URL, None),
        ("m-1", f"https://cdn1.suno.ai/{OTHER}.mp3", None),
    ],
)
def test_the_file_is_compared_with_what_the_gateway_named(track_id: str, url: str, identity: Identity | None) -> None:
    assert judge_identity(io.BytesIO(FILES["MP3, COMM"]()), track_id, url) is identity


def test_one_of_several_clips_is_enough_for_a_match() -> None:
    """Content Credentials may name the clip that a song was made from, too."""
    parent = CREDENTIAL.replace(CLIP.encode(), OTHER.encode())
    both = mp3((b"COMM", b"\x03eng\0" + COMMENT.encode()), (b"GEOB", b"\0application/c2pa\0\0\0" + parent))
    assert judge_identity(io.BytesIO(both), CLIP, URL) is Identity.MATCH


def test_a_file_without_a_clip_is_not_judged() -> None:
    assert judge_identity(io.BytesIO(wav()), CLIP, URL) is None


def test_what_comes_behind_the_bound_is_not_found_and_harms_nothing() -> None:
    cover = (b"APIC", bytes(METADATA_BYTES))
    comment = (b"COMM", b"\x03eng\0" + COMMENT.encode())
    assert named_clips(io.BytesIO(mp3(cover, comment, version=3))) == frozenset()
    late = wav((b"LIST", FILES["WAV, ICMT"]()[-100:]), (b"junk", bytes(METADATA_BYTES)), (b"C2PA", CREDENTIAL))
    assert named_clips(io.BytesIO(late)) == {CLIP}


@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    for start in (b"", b"ID3\x04\0\0\0\0\x02\0", b"RIFF\0\0\0\0WAVE", b"\0\0\0\x10ftypM4A \0\0\0\0"):
        assert named_clips(io.BytesIO(start + data)) == frozenset()


def test_no_more_than_the_bound_is_read() -> None:
    class Counting(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.taken += len(data)
            return data

    file = Counting(wav(*[(b"junk", bytes(70_000))] * 60))
    named_clips(file)
    assert METADATA_BYTES - 70_000 < file.taken <= METADATA_BYTES
