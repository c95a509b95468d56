"""The checks for audio: format by content, completeness, duration, and whether the audio is digital silence.

Only a file that certainly has another format is refused for good. A CDN may serve an HTML page, an encrypted fragment or a
truncated file before the real file is available, so these raise AssetNotReady and are retried while there is time.

Silence is detected without decoding (see ``silence``). It is reported and not refused, because a stem may be silent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

from suno_jobs.media.content import (
    STRUCTURE_BYTES,
    FileFormat,
    Source,
    detect_format,
    raise_other_format,
    raise_truncated,
    raise_unknown,
    skip_id3,
)
from suno_jobs.media.flac import check_flac
from suno_jobs.media.m4a import check_m4a
from suno_jobs.media.mpeg import check_adts, check_mp3, is_adts
from suno_jobs.media.ogg import check_ogg
from suno_jobs.media.wav import check_wav

MIN_BYTES = 1024


class Container(StrEnum):
    MP3 = "mp3"
    AAC = "aac"
    WAV = "wav"
    M4A = "m4a"
    FLAC = "flac"
    OGG = "ogg"


_CONTENT_TYPES = {
    Container.MP3: "audio/mpeg",
    Container.AAC: "audio/aac",
    Container.WAV: "audio/wav",
    Container.M4A: "audio/mp4",
    Container.FLAC: "audio/flac",
    Container.OGG: "audio/ogg",
}
# The element CodecID (RFC 9559) of a video track, which is at the start of the file.
_VIDEO_CODEC = re.compile(rb"\x86[\x80-\xbf]V_[A-Z]")
_MATROSKA_HEADER = 64 * 1024
_CONTAINERS = {
    FileFormat.WAV: Container.WAV,
    FileFormat.MP4: Container.M4A,
    FileFormat.FLAC: Container.FLAC,
    FileFormat.OGG: Container.OGG,
}


@dataclass(frozen=True, slots=True)
class AudioFile:
    """What a file that passed the checks is, judged by its content alone."""

    container: Container
    duration_seconds: float
    silent: bool = False

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self.container]

    @property
    def extension(self) -> str:
        return self.container.value


def inspect(file: BinaryIO) -> AudioFile:
    """Checks a downloaded file and rewinds it. Memory is constant, and the time is proportional to the size.

    A file passes if a decoder plays it to its end without an error, as far as that shows without decoding: nothing is missing
    at its end, and the checksums of FLAC and Ogg are right. Reads at most ``STRUCTURE_BYTES`` of structure, whatever sizes the
    file declares, each byte of a FLAC or Ogg once, and the samples of a WAV as long as they are silent.

    Raises AssetUnknownFormat for a format that is not supported, in which the bytes may still be the song. Raises AssetNotReady
    for every other file, since the song may be there later: with ``asset_truncated`` if it is shorter than it declares,
    ``asset_encrypted``, or ``asset_wrong_type``, also for damage and for another medium.
    """
    source = Source(file, STRUCTURE_BYTES)
    try:
        found, start = container(source)
        sound = _CHECKS[found](source, start)
    finally:
        file.seek(0)
    if sound.seconds <= 0:
        raise_truncated("the duration of the file is zero")
    return AudioFile(found, sound.seconds, sound.silent)


def container(source: Source) -> tuple[Container, int]:
    """The container, and where it starts. Decoders skip an ID3v2 tag before any of them."""
    start = skip_id3(source)
    found = detect_format(source, at_least=MIN_BYTES, start=start)
    if found is None:
        return (Container.AAC if is_adts(source, start) else Container.MP3), start
    if found is FileFormat.MATROSKA and not _VIDEO_CODEC.search(source.at(start, _MATROSKA_HEADER)):
        raise_unknown("the file is Matroska or WebM audio, which is not supported")
    if found not in _CONTAINERS:
        raise_other_format(found, "audio")
    return _CONTAINERS[found], start


_CHECKS = {
    Container.MP3: check_mp3,
    Container.AAC: check_adts,
    Container.WAV: check_wav,
    Container.M4A: check_m4a,
    Container.FLAC: check_flac,
    Container.OGG: check_ogg,
}
