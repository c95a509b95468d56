# ruff: noqa: S311 - chance makes verses here, no secrets
"""Made-up words: lyrics for a prompt, a description of a style, and when each word of a song is sung."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from local.simulator.faults import without_markers

_SECTIONS = ("[Verse]", "[Chorus]", "[Verse 2]", "[Chorus]")
_LINES = (
    "The wind goes by the window",
    "A lamp is lit at seven",
    "We count the trains till morning",
    "And no one minds the rain",
)


@dataclass(frozen=True, slots=True)
class SungWord:
    word: str
    start_s: float
    end_s: float


def lyrics(prompt: str, seed: str) -> str:
    chance, theme = Random(seed), without_markers(prompt)
    return "\n".join(f"{section}\n{theme}\n{chance.choice(_LINES)}" for section in _SECTIONS)


def style(content: str) -> str:
    return f"{without_markers(content)}, warm, mid-tempo, close voice"


def sung(text: str, seconds: float) -> list[SungWord]:
    """Every word for an equally long time. Section headings are not sung."""
    words = re.sub(r"\[[^\]]*\]", " ", text).split()
    each = seconds / max(1, len(words))
    return [SungWord(word, round(i * each, 3), round((i + 1) * each, 3)) for i, word in enumerate(words)]
