"""Parsing of gateway replies. Nothing here raises on any input."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from suno_jobs.gateways.protocol import GatewayReply

MESSAGE_CHARACTERS = 300
TEXT_CHARACTERS = 20_000
LONGEST_RETRY_AFTER_SECONDS = 3600.0
_LONGEST_TRACK_SECONDS = 24 * 3600.0
_LONGEST_URL = 4096
_LONGEST_ID = 200

_LEVELS = 12
"""How deep JSON inside strings is searched for. The deepest reply that was seen has 8 levels."""
_LONGEST_ENCODED = 1_048_576
"""The longest string that is decoded, in characters: as long as the longest reply."""
_TEXTS = frozenset(
    """prompt lyric lyrics text word title tags style name description gpt_description_prompt
    message msg errorMessage error_message failReason fail_reason""".split()  # noqa: SIM905
)
"""Fields with texts of people. They stay texts, even if one of them is valid JSON."""
_STREAM_HOSTS = frozenset({"audiopipe.suno.ai", "audiostream.kie.ai"})
"""Hosts that stream a song while it is being generated. Public clients report that such a link is replaced later, and that it
dies within hours."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DIGIT = re.compile(r"[0-9]")
_KEY = re.compile(r"(?i)((?:bearer\s|(?:key|token|secret|signature|password)[\"']?\s?[:=])\s?)[^\s,;]+")
_TOKEN = re.compile(r"\b(?:ak|sk)[_-][A-Za-z0-9_-]+|[A-Za-z0-9_+=/-]{24,}")
_WEB = re.compile(r"(?i)://|:\\+/|^www\.|\?[^\s?]*=")


def read_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object in ``body``, or None. JSON inside strings is decoded at every level: public clients report ``response``,
    ``sunoData`` and ``param`` both as objects and as strings."""
    try:
        value = _decode(json.loads(body), _LEVELS)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _decode(value: Any, levels: int) -> Any:
    """``value`` with the objects and lists that its strings encode, at most ``levels`` deep."""
    if levels == 0:
        return value
    if isinstance(value, dict):
        return {name: each if _is_text(name, each) else _decode(each, levels - 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_decode(each, levels - 1) for each in value]
    found = _encoded(value) if isinstance(value, str) else None
    return value if found is None else _decode(found, levels - 1)


def _is_text(name: str, value: Any) -> bool:
    return name in _TEXTS and isinstance(value, str)


def _encoded(text: str) -> dict[str, Any] | list[Any] | None:
    """The object or the list that ``text`` encodes, or None."""
    if len(text) > _LONGEST_ENCODED or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def inner(value: Any, name: str) -> dict[str, Any]:
    """The object under ``name``, empty if there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def pick(value: dict[str, Any], *names: str) -> Any:
    """The first field of ``names`` that is neither null nor empty, for a field with several documented spellings."""
    return next((value[name] for name in names if value.get(name) not in (None, "")), None)


def single_line(value: Any, longest: int = MESSAGE_CHARACTERS) -> str | None:
    """One line of at most ``longest`` characters that can be stored and printed: no control characters, no lone surrogates."""
    if not isinstance(value, str):
        return None
    text = value[: 4 * longest].encode("utf-8", "replace").decode()
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:longest] or None


def multi_line(value: Any, longest: int = TEXT_CHARACTERS) -> str | None:
    """A text with its line breaks and tabs that can be stored: no other control characters, no lone surrogates."""
    if not isinstance(value, str):
        return None
    text = value[:longest].encode("utf-8", "replace").decode()
    return "".join(char for char in text if char.isprintable() or char in "\n\t").strip() or None


def code_text(value: Any) -> str | None:
    """A code or a status, which gateways send as a number or as a string."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**9 else None
    return single_line(value, 60)


def find_task_id(body: dict[str, Any] | None, *names: str) -> str | None:
    """The task id in one of the fields ``names``: in ``data``, else at the top level."""
    for place in (inner(body, "data"), body or {}):
        for name in names:
            found = _identifier(place.get(name))
            if found:
                return found
    return None


def _identifier(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = code_text(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    return text if 0 < len(text) <= _LONGEST_ID and text.isprintable() else None


def is_uuid(value: str) -> bool:
    return _UUID.fullmatch(value) is not None


def parse_seconds(value: Any) -> float | None:
    """Seconds, from a number or a string. None unless they are between 0 and 24 hours."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number <= _LONGEST_TRACK_SECONDS else None


def parse_duration(value: Any) -> float | None:
    """As ``parse_seconds``, but None for 0."""
    return parse_seconds(value) or None


def media_url(value: Any) -> str | None:
    """The URL of a final file. None for a stream and for the placeholders that gateways send instead, see ``playable_url``."""
    url = playable_url(value)
    return None if url is None or urlsplit(url).hostname in _STREAM_HOSTS else url


def playable_url(value: Any) -> str | None:
    """The URL of a file or a stream, or None for a placeholder.

    Public issue threads report an empty value, "None", ``.../None.mp3`` and ``.../api/forbidden`` for a successful task. The
    downloader decides which hosts and schemes may be fetched.
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
    """The gateway's message, without links and possible keys, at most 300 characters (I9)."""
    text = single_line(value, 4 * MESSAGE_CHARACTERS)
    if text is None:
        return None
    words = [_clean_word(word) for word in _KEY.sub(r"\1[hidden]", text).split(" ")]
    return " ".join(words)[:MESSAGE_CHARACTERS] or None


def _clean_word(word: str) -> str:
    return "[link]" if _WEB.search(word) else _TOKEN.sub(_hide, word)


def _hide(token: re.Match[str]) -> str:
    """Keeps UUIDs, which help to find a task, and long words without digits, which are not keys."""
    text = token.group()
    harmless = _UUID.fullmatch(text) or not (_DIGIT.search(text) or text.startswith(("ak_", "ak-", "sk_", "sk-")))
    return text if harmless else "[hidden]"


def parse_retry_after(reply: GatewayReply) -> float | None:
    """``Retry-After`` in seconds, at most one hour. A date is relative to the reply's ``Date`` header, not to our clock."""
    value = reply.headers.get("retry-after", "").strip()
    wait = float(value) if value.isascii() and value.isdigit() else _seconds_until(value, reply.headers.get("date", ""))
    return None if wait is None else min(wait, LONGEST_RETRY_AFTER_SECONDS)


def _seconds_until(date: str, now: str) -> float | None:
    try:
        wait = (_http_date(date) - _http_date(now)).total_seconds()
    except ValueError:
        return None
    return max(wait, 0.0)


def _http_date(text: str) -> datetime:
    return datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
