"""What operations make: songs, stems by name, a WAV file, a film, pictures, texts."""

from __future__ import annotations

from dataclasses import dataclass

from local.simulator.media import Media


@dataclass(frozen=True, slots=True)
class Part:
    """One of the things that a task makes; stems have a name."""

    name: str = ""
    media: Media = Media.MP3


def stems(*names: str) -> tuple[Part, ...]:
    return tuple(Part(name) for name in names)


SONG = (Part(),)
SONGS = (Part(), Part())
WAV = (Part(media=Media.WAV),)
FILM = (Part(media=Media.MP4),)
PICTURES = (Part(media=Media.PNG), Part(media=Media.PNG))
TEXT = (Part(media=Media.NONE),)
TEXTS = TEXT * 2
TWELVE = (
    "vocals",
    "backing_vocals",
    "drums",
    "bass",
    "guitar",
    "keyboard",
    "percussion",
    "strings",
    "synth",
    "fx",
    "brass",
    "woodwinds",
)


def stem_title(title: str, name: str) -> str:
    """As TTAPI titles the songs that are stems: ``Rain (Backing Vocals)``."""
    return f"{title} ({'FX' if name == 'fx' else name.replace('_', ' ').title()})" if name else title
