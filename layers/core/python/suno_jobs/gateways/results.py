"""Results that are no songs: stems by name, lyrics, words with their times. The same for all gateways."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.base import Link, TaskReport, TaskStatus, TaskTrack
from suno_jobs.gateways.replies import clean_message, code_word, lines, media_url, pick
from suno_jobs.gateways.tracks import objects, told
from suno_jobs.gateways.verdicts import fault

_LAST_SECOND = 24 * 3600.0

STEMS: Mapping[str, str] = {
    "origin": "origin",
    "vocal": "vocals",
    "vocals": "vocals",
    "instrumental": "instrumental",
    "backingvocals": "backing_vocals",
    "drums": "drums",
    "bass": "bass",
    "guitar": "guitar",
    "piano": "piano",
    "keyboard": "keyboard",
    "percussion": "percussion",
    "strings": "strings",
    "synth": "synth",
    "fx": "fx",
    "brass": "brass",
    "woodwinds": "woodwinds",
}
"""Every documented name of a stem in letters alone, with ours."""

_IN_BRACKETS = re.compile(r"\(([^()]*)\)\s*\Z")


def stem_name(said: Any) -> str | None:
    """Our name for ``vocalUrl``, ``backing_vocals_url`` or a title like "Rain (Backing Vocals)" and "Rain - Vocals"."""
    if not isinstance(said, str):
        return None
    text = said[-200:]
    bracket = _IN_BRACKETS.search(text)
    text = bracket.group(1) if bracket else text.rpartition(" - ")[2]
    letters = "".join(char for char in text.lower() if char.isalpha())
    return STEMS.get(letters) or STEMS.get(letters.removesuffix("url"))


def stems_by_field(item: Mapping[str, Any]) -> tuple[TaskTrack, ...]:
    """One track with a link per stem, from an object with a field per stem. Fields that are no URL are left out.

    The song itself (``origin``) is given back too, but is nice to have only.
    """
    named = [(stem_name(name), media_url(value)) for name, value in item.items()]
    return _stem_sets((name, url) for name, url in named if name is not None)


def stems_by_title(items: Any, audio: tuple[str, ...], names: tuple[str, ...] = ("title",)) -> tuple[TaskTrack, ...]:
    """From a list with one item per stem, named in its title: a new track begins where a name comes a second time.

    A stem of which we do not know the name is kept as ``stem_N`` by its position in the list.
    """
    found = []
    for position, item in enumerate(objects(items), 1):
        url = next(filter(None, (media_url(item.get(each)) for each in audio)), None)
        found.append((stem_name(pick(item, *names)) or f"stem_{position}", url))
    return _stem_sets(found)


def _stem_sets(stems: Iterable[tuple[str, str | None]]) -> tuple[TaskTrack, ...]:
    sets: list[dict[str, str | None]] = []
    for name, url in stems:
        if not sets or name in sets[-1]:
            sets.append({})
        sets[-1][name] = url
    return tuple(TaskTrack(f"track-{position}", links=_stem_links(each)) for position, each in enumerate(sets, 1))


def _stem_links(stems: Mapping[str, str | None]) -> tuple[Link, ...]:
    links = tuple(Link(name, url, required=name != "origin") for name, url in stems.items() if url)
    return links if any(link.required for link in links) else ()


def read_lyrics(items: Any) -> TaskReport:
    """Every text that came out. One that failed is only told of when there is no other."""
    drafts = objects(items)
    good = [
        {"title": lines(pick(draft, "title"), 200) or "", "text": text}
        for draft in drafts
        if not _is_failed(draft) and (text := lines(pick(draft, "text")))
    ]
    reasons = [clean_message(pick(draft, "errorMessage", "error_message")) for draft in drafts if _is_failed(draft)]
    if not good and reasons:
        message = next(filter(None, reasons), "every text of the task failed")
        return TaskReport(TaskStatus.FAILED, fault=fault(ErrorCode.GENERATION_FAILED, message))
    return told({"lyrics": good} if good else None)


def _is_failed(draft: Mapping[str, Any]) -> bool:
    return (code_word(draft.get("status")) or "").lower() == "failed"


def read_words(items: Any) -> TaskReport:
    """Each word with its times in seconds. A word without times is left out."""
    words = []
    for item in objects(items):
        start, end = _second(pick(item, "startS", "start_s")), _second(pick(item, "endS", "end_s"))
        text = lines(item.get("word"), 200)
        if text is not None and start is not None and end is not None:
            words.append({"word": text, "start_s": start, "end_s": end})
    return told({"words": words} if words else None)


def _second(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and 0 <= number <= _LAST_SECOND else None


def read_id(item: Mapping[str, Any], ours: str, *names: str) -> TaskReport:
    """The id of something that later jobs refer to."""
    said = pick(dict(item), *names)
    if isinstance(said, int) and not isinstance(said, bool):
        said = str(said)
    found = said.strip() if isinstance(said, str) else ""
    usable = 0 < len(found) <= 64 and found.isascii() and found.replace("-", "").replace("_", "").isalnum()
    return told({ours: found} if usable else None)
