"""The gate for every medium that is stored: what a file is by its content, and whether all of it is there."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from suno_jobs import audio
from suno_jobs.boxes import track_handlers
from suno_jobs.contents import STRUCTURE_BYTES, Content, Source, another_kind, kind_of, playing_time, truncated, wrong_type
from suno_jobs.errors import AssetNotReady
from suno_jobs.gateways.base import Media
from suno_jobs.images import check_jpeg, check_png, check_webp

# Less than this may be the start of anything.
_MIN_BYTES = 32
_AN_IMAGE = "a PNG, JPEG or WebP image"
_A_FILM = "an MP4 film"


@dataclass(frozen=True, slots=True)
class MediaFile:
    """What a file that passed the gate is, from its content alone. Only an image has no duration, only audio is ever silent."""

    content_type: str
    extension: str
    duration_seconds: float | None
    silent: bool = False


_IMAGES = {
    Content.PNG: (check_png, MediaFile("image/png", "png", None)),
    Content.JPEG: (check_jpeg, MediaFile("image/jpeg", "jpg", None)),
    Content.WEBP: (check_webp, MediaFile("image/webp", "webp", None)),
}


def inspect(file: BinaryIO, media: Media) -> MediaFile:
    """Judges a whole file, and leaves it at its start. How much is read is bounded as in ``audio.inspect``.

    Raises AssetRefused for a sound file of another kind, AssetNotReady for everything that may get better: with
    ``asset_truncated`` when there is less than the file itself announces, ``asset_encrypted``, or ``asset_wrong_type``.
    """
    if media is Media.AUDIO:
        song = audio.inspect(file)
        return MediaFile(song.content_type, song.extension, song.duration_seconds, song.silent)
    source = Source(file, STRUCTURE_BYTES)
    try:
        return _image(source) if media is Media.IMAGE else _film(source)
    finally:
        file.seek(0)


def _image(source: Source) -> MediaFile:
    kind = _known_kind(source, _AN_IMAGE)
    if kind not in _IMAGES:
        another_kind(kind, _AN_IMAGE)
    check, found = _IMAGES[kind]
    check(source)
    return found


def _film(source: Source) -> MediaFile:
    kind = _known_kind(source, _A_FILM)
    if kind is not Content.MP4:
        another_kind(kind, _A_FILM)
    if source.at(8, 4) == b"qt  ":
        another_kind("a QuickTime film", _A_FILM)
    handlers = track_handlers(source)
    if b"vide" not in handlers:
        if b"soun" in handlers:
            another_kind("an M4A song", _A_FILM)
        wrong_type("the file has no pictures")
    seconds = playing_time(source)
    if seconds <= 0:
        truncated("the file plays for no time at all")
    return MediaFile("video/mp4", "mp4", seconds)


def _known_kind(source: Source, wanted: str) -> Content:
    kind = kind_of(source, at_least=_MIN_BYTES)
    if kind is None:
        with suppress(AssetNotReady):
            audio.check_mp3(source)
            another_kind("an MP3 song", wanted)
        wrong_type(f"the file is not {wanted}, nor anything else that we know")
    return kind
