"""The checks for every medium that is stored: format by content, and completeness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from suno_jobs.catalog.results import Media
from suno_jobs.errors import AssetNotReady
from suno_jobs.media import audio
from suno_jobs.media.content import (
    STRUCTURE_BYTES,
    FileFormat,
    Source,
    detect_format,
    raise_other_format,
    raise_truncated,
    raise_unknown,
    raise_wrong_type,
    read_duration,
    skip_id3,
)
from suno_jobs.media.images import check_jpeg, check_png, check_webp
from suno_jobs.media.mp4 import track_handlers
from suno_jobs.media.mpeg import check_mp3

# A shorter file may be the start of any format.
_MIN_BYTES = 32
_IMAGE_FORMATS = "a PNG, JPEG or WebP image"
_VIDEO_FORMAT = "an MP4 video"


@dataclass(frozen=True, slots=True)
class MediaFile:
    """What a file that passed the checks is, by its content alone. An image has no duration; only audio may be ``silent``.

    ``identity`` is the only member that also depends on what the gateway said. ``inspect`` leaves it out.
    """

    content_type: str
    extension: str
    duration_seconds: float | None
    silent: bool = False
    identity: str | None = None


_IMAGES = {
    FileFormat.PNG: (check_png, MediaFile("image/png", "png", None)),
    FileFormat.JPEG: (check_jpeg, MediaFile("image/jpeg", "jpg", None)),
    FileFormat.WEBP: (check_webp, MediaFile("image/webp", "webp", None)),
}


def inspect(file: BinaryIO, media: Media) -> MediaFile:
    """Checks a downloaded file of any medium and rewinds it. Its bounds and errors are those of ``audio.inspect``."""
    if media is Media.AUDIO:
        song = audio.inspect(file)
        return MediaFile(song.content_type, song.extension, song.duration_seconds, song.silent)
    source = Source(file, STRUCTURE_BYTES)
    try:
        return _image(source) if media is Media.IMAGE else _video(source)
    finally:
        file.seek(0)


def _image(source: Source) -> MediaFile:
    found = _known_format(source, _IMAGE_FORMATS)
    if found not in _IMAGES:
        raise_other_format(found, _IMAGE_FORMATS)
    check, image = _IMAGES[found]
    check(source)
    return image


def _video(source: Source) -> MediaFile:
    found = _known_format(source, _VIDEO_FORMAT)
    if found is not FileFormat.MP4:
        raise_other_format(found, _VIDEO_FORMAT)
    if source.at(8, 4) == b"qt  ":
        raise_other_format("a QuickTime video", _VIDEO_FORMAT)
    handlers = track_handlers(source)
    if b"vide" not in handlers:
        if b"soun" in handlers:
            raise_other_format("M4A audio", _VIDEO_FORMAT)
        raise_wrong_type("the file has no video track")
    seconds = read_duration(source)
    if seconds <= 0:
        raise_truncated("the duration of the file is zero")
    return MediaFile("video/mp4", "mp4", seconds)


def _is_mp3(source: Source) -> bool:
    try:
        check_mp3(source, skip_id3(source))
    except AssetNotReady:
        return False
    return True


def _known_format(source: Source, wanted: str) -> FileFormat:
    found = detect_format(source, at_least=_MIN_BYTES)
    if found is None:
        if _is_mp3(source):
            raise_other_format("MP3 audio", wanted)
        raise_unknown(f"the file is not {wanted}, and its format is unknown")
    return found
