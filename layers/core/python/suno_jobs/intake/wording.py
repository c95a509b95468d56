"""What is wrong with a field of a request, in words that need no knowledge of this program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from suno_jobs.errors import InvalidRequest, json_pointer

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from suno_jobs.gateways.protocol import FieldErrors

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


def wrong_members(error: ValidationError) -> FieldErrors:
    """What pydantic found wrong in a body."""
    return tuple(map(wrong_member, error.errors(include_url=False, include_input=False)))


def wrong_member(error: ErrorDetails) -> tuple[str, str]:
    *place, last = error["loc"] or ("",)
    if last == "[key]" and place[:-1] == ["metadata"]:
        return json_pointer(*place), f"the name of this member {describe(error)}"
    return json_pointer(*error["loc"]), describe(error)


def invalid(field_errors: FieldErrors) -> InvalidRequest:
    return InvalidRequest([{"pointer": pointer, "detail": reason} for pointer, reason in field_errors])
