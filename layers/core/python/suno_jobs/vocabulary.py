"""Words that the whole project shares, in a module that costs nothing to import."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

OUR_TRACK_ID = re.compile(r"track-\d+-*")
"""What adapters call a track for which the gateway has no id of its own: by its position."""


class Kind(StrEnum):
    """What a client may ask for; ``suno_jobs.kinds`` has the input of each."""

    MUSIC = "music"
    EXTEND = "extend"
    COVER = "cover"
    UPLOAD = "upload"
    UPLOAD_EXTEND = "upload_extend"
    UPLOAD_COVER = "upload_cover"
    LYRICS = "lyrics"
    STEMS = "stems"
    WAV = "wav"
    MP4 = "mp4"
    COVER_ART = "cover_art"
    ADD_VOCALS = "add_vocals"
    ADD_INSTRUMENTAL = "add_instrumental"
    REPLACE_SECTION = "replace_section"
    CONCAT = "concat"
    MASHUP = "mashup"
    PERSONA = "persona"
    TIMESTAMPED_LYRICS = "timestamped_lyrics"
    SOUNDS = "sounds"


class Result(StrEnum):
    """What a job yields. The first three are tracks with links to store, the others are ``TaskReport.result``."""

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
    """A file of a track, still at the gateway.

    ``name`` becomes the asset's kind: ``audio``, ``wav``, ``video``, ``image``, or a stem by its name (``vocals``, ``drums``,
    ...). It is unique within the track and fit for an object key. A link that is not ``required`` is nice to have: its failure
    never fails the track.
    """

    name: str
    url: str = field(repr=False)
    media: Media = Media.AUDIO
    required: bool = True
