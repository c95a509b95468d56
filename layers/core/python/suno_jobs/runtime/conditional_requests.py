"""Conditional requests (RFC 9110, section 13)."""

from __future__ import annotations

import re

_OPAQUE_TAG = re.compile(r'"[^"]*"')


def is_unchanged(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has the current representation already: the header is ``*``, or lists its tag.

    The comparison is weak: ``W/"1"`` and ``"1"`` are the same tag.
    """
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag.removeprefix("W/") in _OPAQUE_TAG.findall(if_none_match)
