"""Removes secrets from what a gateway sent: signatures of links, callback MACs, keys."""

from __future__ import annotations

import json
import re
from typing import Any

CUT = "[cut]"

_NAME = r"(?:key|token|secret|password|authorization|signature|cookie|credential)s?"
_SECRET_NAME = re.compile(rf"{_NAME}$", re.IGNORECASE)
_SLASH = r"(?:/|%2F)"
_IN_A_STRING = (
    (re.compile(r"((?:https?:|(?<![/\w:]))//[^\s\"'<>?#]{1,2000}\?)[^\s\"'<>]+", re.IGNORECASE), rf"\1{CUT}"),
    (re.compile(r"(https?%3A%2F%2F[^\s\"'<>&]{1,2000}?%3F)[^\s\"'<>&]+", re.IGNORECASE), rf"\1{CUT}"),
    (re.compile(r"(//)[^\s/@\"'<>?#]{1,500}@"), rf"\1{CUT}@"),
    (re.compile(rf"({_SLASH}v1{_SLASH}callbacks(?:{_SLASH}[^/\s%]+){{2}}{_SLASH})[0-9a-f]{{64}}", re.IGNORECASE), rf"\1{CUT}"),
    (re.compile(rf"((?:^|[?&;#\s\"'])[\w.-]*{_NAME}=)[^\s&;\"'<>]+", re.IGNORECASE), rf"\1{CUT}"),
    (re.compile(r"\b((?:Bearer|Basic) |sk-|sj_[a-z]+_|whsec_|eyJ)[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1{CUT}"),
)
"""Queries of links, also where a link is part of a query; users of links; MACs; values in forms; keys, which end the list."""

_IN_NO_JSON = (
    re.compile(rf"(^[\w-]*{_NAME}:[ \t]*)\S.*", re.IGNORECASE | re.MULTILINE),
    re.compile(rf"(\"[^\"\\]*{_NAME}\\*\"\s*:\s*\\*\")[^\"\\]+", re.IGNORECASE),
)
"""Lines of headers, and members of JSON that is broken, such as the first part of a document."""


def cut_secrets(body: bytes) -> str:
    """The body as text. JSON is indented, and its order is kept."""
    text = body.decode(errors="replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        text = _cut_text(text.replace("\\/", "/"))
        for pattern in _IN_NO_JSON:
            text = pattern.sub(rf"\1{CUT}", text)
        return text
    return json.dumps(_cut(value), ensure_ascii=False, indent=2)


def _cut(value: Any, *, secret: bool = False) -> Any:
    match value:
        case dict():
            return {each: _cut(inner, secret=secret or bool(_SECRET_NAME.search(each))) for each, inner in value.items()}
        case list():
            return [_cut(each, secret=secret) for each in value]
        case str() if value and secret:
            return CUT
        case str():
            return _cut_string(value)
    return value


def _cut_string(text: str) -> str:
    """Some gateways put JSON into a string."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.dumps(_cut(json.loads(text)), ensure_ascii=False)
        except (ValueError, RecursionError):
            pass
    return _cut_text(text)


def _cut_text(text: str) -> str:
    for pattern, kept in _IN_A_STRING:
        text = pattern.sub(kept, text)
    return text
