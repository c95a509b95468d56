"""What is wrong with a field of a request, in words that need no knowledge of this program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_WORDS: Mapping[str, str | Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {
        "missing": "is required",
        "extra_forbidden": "is unknown",
        "string_type": "must be a string",
        "bool_type": "must be true or false",
        "int_type": "must be a whole number",
        "float_type": "must be a number",
        "finite_number": "must be a finite number",
        "list_type": "must be an array",
        "dict_type": "must be an object",
        "model_type": "must be an object",
        "string_unicode": "contains a character that is not valid Unicode",
        "string_too_short": lambda limits: f"must have at least {_count(limits['min_length'], 'character')}",
        "string_too_long": lambda limits: f"must have at most {_count(limits['max_length'], 'character')}",
        "too_short": lambda limits: f"must have at least {_count(limits['min_length'], 'member')}",
        "too_long": lambda limits: f"must have at most {_count(limits['max_length'], 'member')}",
        "string_pattern_mismatch": lambda limits: f"must match the regular expression {limits['pattern']}",
        "literal_error": lambda limits: f"must be {limits['expected']}",
        "greater_than": lambda limits: f"must be greater than {limits['gt']:g}",
        "greater_than_equal": lambda limits: f"must be at least {limits['ge']:g}",
        "less_than_equal": lambda limits: f"must be at most {limits['le']:g}",
        "value_error": lambda limits: str(limits["error"]),
    }
)


def describe(error: ErrorDetails) -> str:
    """The reason for one error of pydantic."""
    words = _WORDS.get(error["type"], "is not valid")
    return words if isinstance(words, str) else words(error["ctx"])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
