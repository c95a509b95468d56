"""Values and expressions in DynamoDB's own notation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any


def pack(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as DynamoDB's API takes it. Raises TypeError for what it cannot hold, ValueError for NaN and infinity.

    boto3's own serializer takes neither floats nor dataclasses and gives Decimals back; what has to bridge that does
    several times the work, in every function and at every call.
    """
    return {name: _wired(value) for name, value in item.items()}


def unpack(item: Mapping[str, Any]) -> dict[str, Any]:
    """Sets are read too, though nothing here writes them: a person or a later version may."""
    return {name: _READERS[kind](content) for name, value in item.items() for kind, content in value.items()}


def _wired(value: Any) -> dict[str, Any]:  # noqa: C901, PLR0911 - one case for each type
    """A value in its wire format. A dataclass is a map, and members of maps that are None are left out."""
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
            return {"L": [_wired(member) for member in value]}
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": {name: _wired(member) for name, member in value.items() if member is not None}}
    if is_dataclass(value):
        return _wired({each.name: getattr(value, each.name) for each in fields(value)})
    raise TypeError(f"DynamoDB holds no {type(value).__name__}")


def _decimal(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"DynamoDB holds no {value}")
    # Six places are more than any duration or share has, and keep far from the exponents that DynamoDB refuses.
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


@dataclass(slots=True)
class Change:
    """The parts of one UpdateItem. Every name is a placeholder, because ``state`` and many others are reserved words.

    ``appends`` puts an element at the end of a list; ``copies`` sets an attribute to what another one holds, or to a value.
    """

    sets: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    adds: Mapping[str, int] = field(default_factory=dict)
    appends: Mapping[str, str] = field(default_factory=dict)
    copies: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    removes: tuple[str, ...] = ()
    _conditions: list[str] = field(default_factory=list)
    _values: dict[str, Any] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)

    def require(self, condition: str, *names: str, **values: Any) -> Change:
        """Adds a condition; ``names`` are what it writes as ``#name``, ``values`` what it writes as ``:value``."""
        self._conditions.append(f"({condition})")
        self._names.update(names)
        self._values.update({f":{mark}": value for mark, value in values.items()})
        return self

    def require_one_of(self, name: str, options: Iterable[str]) -> Change:
        marks = {f"{name}_{number}": option for number, option in enumerate(sorted(options))}
        return self.require(f"#{name} IN ({', '.join(f':{mark}' for mark in marks)})", name, **marks)

    def require_absent(self, *names: str) -> Change:
        return self.require(" AND ".join(f"attribute_not_exists(#{name})" for name in names), *names)

    def arguments(self) -> dict[str, Any]:
        """The arguments of UpdateItem, without table and key."""
        assigned, values = [], dict(self._values)
        for name, value in self.sets.items():
            assigned.append(f"#{name} = :set_{name}")
            values[f":set_{name}"] = value
        for name, value in self.defaults.items():
            assigned.append(f"#{name} = if_not_exists(#{name}, :set_{name})")
            values[f":set_{name}"] = value
        for name, value in self.appends.items():
            assigned.append(f"#{name} = list_append(if_not_exists(#{name}, :no_{name}), :set_{name})")
            values |= {f":set_{name}": [value], f":no_{name}": []}
        for name, (other, value) in self.copies.items():
            assigned.append(f"#{name} = if_not_exists(#{other}, :set_{name})")
            values[f":set_{name}"] = value
        values |= {f":add_{name}": value for name, value in self.adds.items()}
        clauses = {
            "SET": assigned,
            "REMOVE": [f"#{name}" for name in self.removes],
            "ADD": [f"#{name} :add_{name}" for name in self.adds],
        }
        named = (self.sets, self.defaults, self.adds, self.appends, self.copies, self.removes)
        names = self._names.union(*named, (other for other, _ in self.copies.values()))
        arguments: dict[str, Any] = {
            "UpdateExpression": " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses.items() if parts),
            "ExpressionAttributeNames": {f"#{name}": name for name in names},
            "ExpressionAttributeValues": pack(values),
        }
        if self._conditions:
            arguments["ConditionExpression"] = " AND ".join(self._conditions)
        return arguments
