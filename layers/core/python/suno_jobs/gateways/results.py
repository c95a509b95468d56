"""Results other than songs, for all gateways: stems, lyrics, timestamped words and ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from suno_jobs.catalog.results import Link
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.error_rules import fault
from suno_jobs.gateways.parsing import clean_message, code_text, media_url, multi_line, parse_seconds, pick
from suno_jobs.gateways.protocol import TaskReport, TaskStatus, TaskTrack
from suno_jobs.gateways.reports import data_report
from suno_jobs.gateways.tracks import as_objects, first_url

_VOICES = ("origin", "vocals", "backing_vocals", "instrumental")
_PLAYED = ("drums", "bass", "guitar", "piano", "keyboard", "percussion", "strings", "synth", "fx", "brass", "woodwinds")
STEM_NAMES: Mapping[str, str] = {"vocal": "vocals"} | {name.replace("_", ""): name for name in _VOICES + _PLAYED}
"""Every documented name of a stem, reduced to its letters, and our name."""

_IN_PARENTHESES = re.compile(r"\(([^()]*)\)\s*\Z")


def stem_name(value: Any) -> str | None:
    """Our name for a field like ``backingVocalsUrl`` or ``vocal_url``, or a title like "Rain (Drums)" or "Rain - Vocals"."""
    if not isinstance(value, str):
        return None
    text = value[-200:]
    match = _IN_PARENTHESES.search(text)
    text = match.group(1) if match else text.rpartition(" - ")[2]
    letters = "".join(char for char in text.lower() if char.isalpha())
    return STEM_NAMES.get(letters) or STEM_NAMES.get(letters.removesuffix("url"))


def stems_by_field(item: Mapping[str, Any]) -> tuple[TaskTrack, ...]:
    """One track with a link per stem, from an object with a URL field per stem. The original song (``origin``) is optional."""
    named = [(stem_name(name), media_url(value)) for name, value in item.items()]
    return _tracks_of_stems((name, url) for name, url in named if name is not None)


def stems_by_title(items: Any, audio: tuple[str, ...], names: tuple[str, ...] = ("title",)) -> tuple[TaskTrack, ...]:
    """From a list with one item per stem, named in its title. A repeated name begins a new track.

    A stem with an unknown name is ``stem_N`` by its position in the list.
    """
    stems = []
    for position, item in enumerate(as_objects(items), 1):
        stems.append((stem_name(pick(item, *names)) or f"stem_{position}", first_url(item, audio)))
    return _tracks_of_stems(stems)


def _tracks_of_stems(stems: Iterable[tuple[str, str | None]]) -> tuple[TaskTrack, ...]:
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
    """Every text that succeeded. The task failed only if there is none."""
    drafts = as_objects(items)
    good = [
        {"title": multi_line(pick(draft, "title"), 200) or "", "text": text}
        for draft in drafts
        if not _is_failed(draft) and (text := multi_line(pick(draft, "text")))
    ]
    reasons = [clean_message(pick(draft, "errorMessage", "error_message")) for draft in drafts if _is_failed(draft)]
    if not good and reasons:
        message = next(filter(None, reasons), "every text of the task failed")
        return TaskReport(TaskStatus.FAILED, fault=fault(ErrorCode.GENERATION_FAILED, message))
    return data_report({"lyrics": good} if good else None)


def _is_failed(draft: Mapping[str, Any]) -> bool:
    return (code_text(draft.get("status")) or "").lower() == "failed"


def read_timed_words(items: Any) -> TaskReport:
    """Each word with its start and end in seconds. A word that lacks one of them is skipped."""
    words = []
    for item in as_objects(items):
        start, end = parse_seconds(pick(item, "startS", "start_s")), parse_seconds(pick(item, "endS", "end_s"))
        text = multi_line(item.get("word"), 200)
        if text is not None and start is not None and end is not None:
            words.append({"word": text, "start_s": start, "end_s": end})
    return data_report({"words": words} if words else None)


def read_id(item: Mapping[str, Any], ours: str, *names: str) -> TaskReport:
    """The id that later jobs refer to, under our field name ``ours``. It has at most 64 letters, digits, ``-`` and ``_``."""
    value = pick(dict(item), *names)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    found = value.strip() if isinstance(value, str) else ""
    usable = 0 < len(found) <= 64 and found.isascii() and found.replace("-", "").replace("_", "").isalnum()
    return data_report({ours: found} if usable else None)
