"""The types of result, and the link to a file. This module is cheap to import."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

POSITIONAL_TRACK_ID = re.compile(r"track-\d+-*")
"""The id that an adapter gives to a track without an id of the gateway, by its position."""


class Result(StrEnum):
    """The type of a job's result. The first three are files of tracks; the others are data in ``TaskReport.result``."""

    TRACKS = "tracks"
    STEMS = "stems"
    FILES = "files"
    LYRICS = "lyrics"
    ID = "id"
    WORDS = "words"

    @property
    def is_files(self) -> bool:
        return self in (Result.TRACKS, Result.STEMS, Result.FILES)


class Media(StrEnum):
    AUDIO = "audio"
    IMAGE = "image"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Link:
    """A file of a track at the gateway.

    ``name`` becomes the asset's kind: ``audio``, ``wav``, ``video``, ``image`` or the name of a stem (``vocals``, ``drums``,
    ...). It is unique within the track and valid in an object key. A link that is not ``required`` never fails its track.
    ``expires_at`` is the Unix time in seconds from which the gateway may delete the file, or None if it is not documented.
    ``provisional``: the gateway does not report this as the final file. It is a stream, or a guess.
    """

    name: str
    url: str = field(repr=False)
    media: Media = Media.AUDIO
    required: bool = True
    expires_at: int | None = None
    provisional: bool = False
