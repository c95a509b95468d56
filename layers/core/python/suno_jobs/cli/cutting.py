"""Cuts what nobody but its owner may see out of what a gateway sent: signatures of links, callback MACs, keys."""

from __future__ import annotations

import json
import re
from typing import Any

CUT = "[cut]"

_QUERY = re.compile(r"(https?://[^\s\"'<>?#]+)\?[^\s\"'<>]+")
_MAC = re.compile(r"(/v1/callbacks/[^/\s]+/[^/\s]+/)[0-9a-f]{64}")
_KEY = re.compile(r"\b((?:Bearer|Basic) |sk-|sj_[a-z]+_|whsec_)[\w.~+/=-]{8,}")
_SECRET_NAME = re.compile(r"(?:key|token|secret|password|authorization|signature|cookie)$", re.IGNORECASE)


def cut_secrets(body: bytes) -> str:
    """The body as text. JSON is indented, and its order is kept."""
    text = body.decode(errors="replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _cut_text(text.replace("\\/", "/"))
    return json.dumps(_cut(value), ensure_ascii=False, indent=2)


def _cut(value: Any, name: str = "") -> Any:
    match value:
        case dict():
            return {each: _cut(inner, each) for each, inner in value.items()}
        case list():
            return [_cut(each, name) for each in value]
        case str() if value and _SECRET_NAME.search(name):
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
    return _KEY.sub(rf"\1{CUT}", _MAC.sub(rf"\1{CUT}", _QUERY.sub(rf"\1?{CUT}", text)))
