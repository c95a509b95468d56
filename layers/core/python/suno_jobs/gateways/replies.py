"""Reading what a gateway wrote, whatever it wrote: nothing here raises on any input."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from suno_jobs.gateways.base import GatewayReply

MESSAGE_CHARACTERS = 300
TEXT_CHARACTERS = 20_000
LONGEST_PAUSE_SECONDS = 3600.0
_LONGEST_TRACK_SECONDS = 24 * 3600.0
_LONGEST_URL = 4096
_LONGEST_ID = 200

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DIGIT = re.compile(r"[0-9]")
_KEY = re.compile(r"(?i)((?:bearer\s|(?:key|token|secret|signature|password)[\"']?\s?[:=])\s?)[^\s,;]+")
_TOKEN = re.compile(r"\b(?:ak|sk)[_-][A-Za-z0-9_-]+|[A-Za-z0-9_+=/-]{24,}")
_WEB = re.compile(r"(?i)://|:\\+/|^www\.|\?[^\s]*=")


def read_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object that ``body`` holds, or None."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def inner(value: Any, name: str) -> dict[str, Any]:
    """The object under ``name``, empty if there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def pick(value: dict[str, Any], *names: str) -> Any:
    """The first of the fields ``names`` that says anything, for a field with several documented spellings."""
    return next((value[name] for name in names if value.get(name) not in (None, "")), None)


def plain(value: Any, longest: int = MESSAGE_CHARACTERS) -> str | None:
    """A text that can be stored and printed: no control characters, no lone surrogates, cut to ``longest``."""
    if not isinstance(value, str):
        return None
    text = value[: 4 * longest].encode("utf-8", "replace").decode()
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:longest] or None


def lines(value: Any, longest: int = TEXT_CHARACTERS) -> str | None:
    """A text with its line breaks, storable: no lone surrogates, no other control characters."""
    if not isinstance(value, str):
        return None
    text = value[:longest].encode("utf-8", "replace").decode()
    return "".join(char for char in text if char.isprintable() or char in "\n\t").strip() or None


def code_word(value: Any) -> str | None:
    """A code or a status, which gateways write as a number or as a text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**9 else None
    return plain(value, 60)


def task_id(body: dict[str, Any] | None, *names: str) -> str | None:
    """The task id under one of the spellings ``names``, first inside ``data``, then at the top."""
    for place in (inner(body, "data"), body or {}):
        for name in names:
            found = _identifier(place.get(name))
            if found:
                return found
    return None


def _identifier(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = code_word(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    return text if 0 < len(text) <= _LONGEST_ID and text.isprintable() else None


def seconds(value: Any) -> float | None:
    """A duration, which comes as a number or as a text. None for what no song can last."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 < number <= _LONGEST_TRACK_SECONDS else None


def media_url(value: Any) -> str | None:
    """A URL that can be a final file, or None for what gateways are known to send instead of one.

    Seen in public issue threads: nothing, "None", ``.../None.mp3`` and ``.../api/forbidden`` on a task that succeeded.
    Which hosts and schemes may be fetched is for the downloader to say.
    """
    if not isinstance(value, str):
        return None
    url = value.strip()
    if len(url) > _LONGEST_URL or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    path = parts.path.rstrip("/")
    return url if usable and not path.endswith(("/None.mp3", "/api/forbidden")) else None


def clean_message(value: Any) -> str | None:
    """The gateway's own words for people: links and whatever may be a key are taken out, 300 characters at most (I9)."""
    text = plain(value, 4 * MESSAGE_CHARACTERS)
    if text is None:
        return None
    words = [_clean_word(word) for word in _KEY.sub(r"\1[hidden]", text).split(" ")]
    return " ".join(words)[:MESSAGE_CHARACTERS] or None


def _clean_word(word: str) -> str:
    return "[link]" if _WEB.search(word) else _TOKEN.sub(_hide, word)


def _hide(token: re.Match[str]) -> str:
    """Ids help to find a task and stay; so do long words, which unlike keys have no digits."""
    text = token.group()
    harmless = _UUID.fullmatch(text) or not (_DIGIT.search(text) or text.startswith(("ak_", "ak-", "sk_", "sk-")))
    return text if harmless else "[hidden]"


def pause(reply: GatewayReply) -> float | None:
    """The Retry-After of ``reply`` in seconds, at most an hour. A date counts from the reply's own Date, not from our clock."""
    said = reply.headers.get("retry-after", "").strip()
    wait = float(said) if said.isascii() and said.isdigit() else _until(said, reply.headers.get("date", ""))
    return None if wait is None else min(wait, LONGEST_PAUSE_SECONDS)


def _until(said: str, now: str) -> float | None:
    try:
        wait = (_http_date(said) - _http_date(now)).total_seconds()
    except ValueError:
        return None
    return max(wait, 0.0)


def _http_date(text: str) -> datetime:
    return datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
