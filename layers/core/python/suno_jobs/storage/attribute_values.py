"""Attribute values in the format of DynamoDB's API."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def pack(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item in the format of DynamoDB's API. Raises TypeError for an unsupported type, ValueError for NaN and infinity.

    boto3's own serializer accepts neither floats nor dataclasses and returns Decimals. Converting before and after it takes
    several times as long, in every function and at every call.
    """
    return {name: _attribute_value(value) for name, value in item.items()}


def unpack(item: Mapping[str, Any]) -> dict[str, Any]:
    """Reads sets too. Nothing here writes them, but an operator or a later version may."""
    return {name: _READERS[kind](content) for name, value in item.items() for kind, content in value.items()}


def _attribute_value(value: Any) -> dict[str, Any]:  # noqa: C901, PLR0911 - one case for each type
    """One attribute value. A dataclass becomes a map. Members of maps that are None are left out."""
    match value:
        case str():
            return {"S": str(value)}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case float():
            return {"N": _decimal(value)}
        case list() | tuple():
            return {"L": [_attribute_value(member) for member in value]}
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": {name: _attribute_value(member) for name, member in value.items() if member is not None}}
    if is_dataclass(value):
        return _attribute_value({each.name: getattr(value, each.name) for each in fields(value)})
    raise TypeError(f"DynamoDB cannot store {type(value).__name__}")


def _decimal(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"DynamoDB cannot store {value}")
    # Six decimal places are enough for any duration or share, and avoid the exponents that DynamoDB rejects.
    return f"{round(value, 6) + 0.0:.6f}".rstrip("0").rstrip(".")


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number = float(text)
        return int(number) if number.is_integer() else number


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "S": str,
    "N": _number,
    "BOOL": bool,
    "B": bytes,
    "L": lambda members: [_READERS[kind](content) for member in members for kind, content in member.items()],
    "M": unpack,
    "NULL": lambda _: None,
    "SS": set,
    "NS": lambda members: {_number(member) for member in members},
    "BS": set,
}
