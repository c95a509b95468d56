"""Which clips an audio file names. Suno writes the id of a clip into its files, in two places, as public clients found:

- a comment, ``made with suno; created=...; id=...``, in the ID3 tag of an MP3, in a chunk of a WAV, or in the index of an M4A;
- Content Credentials since about August 2026, in CBOR: a text of 36 characters under the key ``contentId``. They are an object
  in the ID3 tag, a chunk ``C2PA`` of a WAV, or a ``uuid`` box of an M4A.

Both are searched for as bytes in everything of the file that is not audio: what is around them differs between versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import BinaryIO

from suno_jobs.errors import AssetError
from suno_jobs.media.content import Source, skip_id3
from suno_jobs.media.mp4 import boxes

METADATA_BYTES = 2 * 1024 * 1024
_UUID = rb"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
_COMMENT = re.compile(rb"made with suno;[^\r\n]{0,80}?id=" + _UUID, re.IGNORECASE)
# A key of 9 characters, then a text whose length is in one byte.
_CREDENTIAL = re.compile(rb"\x69contentId\x78\x24" + _UUID, re.IGNORECASE)


class Identity(StrEnum):
    """Whether a file is the clip that its gateway named."""

    MATCH = "match"
    MISMATCH = "mismatch"


def judge_identity(file: BinaryIO, track_id: str, url: str) -> Identity | None:
    """None if the file names no clip, or the gateway's id of the track is not one of Suno's. Rewinds the file.

    Never raises for its content. The link of a track may contain the clip under another id than the gateway uses.
    """
    if not re.fullmatch(_UUID, track_id.lower().encode()) or not (named := named_clips(file)):
        return None
    known = {track_id.lower(), *(found.decode() for found in re.findall(_UUID, url.lower().encode()))}
    return Identity.MATCH if known & named else Identity.MISMATCH


def named_clips(file: BinaryIO) -> frozenset[str]:
    """The ids in lower case. Reads at most ``METADATA_BYTES``, each byte once; what comes later is not found."""
    found: set[str] = set()
    try:
        for part in _metadata(Source(file, METADATA_BYTES)):
            # UTF-16, which ID3 permits, is ASCII with zero bytes between.
            found.update(each.decode().lower() for each in _COMMENT.findall(part.replace(b"\0", b"")))
            found.update(each.decode().lower() for each in _CREDENTIAL.findall(part))
    except AssetError:
        pass  # It is larger than the bound, or broken off: what was read counts.
    finally:
        file.seek(0)
    return frozenset(found)


def _metadata(source: Source) -> Iterator[bytes]:
    """What precedes the audio of an MP3, the chunks of a WAV except its samples, and the boxes of an M4A except its media."""
    start = skip_id3(source)
    yield source.at(0, start)
    head = source.at(start, 12)
    if head[8:] == b"WAVE":
        yield from _chunks(source, start + 12)
    elif head[4:8] == b"ftyp":
        for box in boxes(source, start, source.size):
            if box.name != b"mdat":
                yield source.at(box.start, box.end - box.start)


def _chunks(source: Source, position: int) -> Iterator[bytes]:
    while len(head := source.at(position, 8)) == 8:
        size = int.from_bytes(head[4:], "little")
        if head[:4] != b"data":
            yield source.at(position + 8, size)
        position += 8 + size + size % 2
