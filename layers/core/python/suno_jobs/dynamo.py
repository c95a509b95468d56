"""Values and expressions in DynamoDB's own notation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def pack(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _serialize(_storable(value)) for name, value in item.items()}


def unpack(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(_deserialize(value)) for name, value in item.items()}


def _storable(value: Any) -> Any:
    """DynamoDB knows no float, and its library no dataclass, tuple or absent member."""
    if hasattr(value, "__dataclass_fields__"):
        return _storable(asdict(value))
    if isinstance(value, Mapping):
        return {name: _storable(member) for name, member in value.items() if member is not None}
    if isinstance(value, list | tuple):
        return [_storable(member) for member in value]
    if isinstance(value, float):
        # Six places are more than any duration or share has, and keep far from the exponents that DynamoDB refuses.
        return Decimal(str(round(value, 6)))
    return str(value) if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Binary):
        return value.__bytes__()
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return value


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
        clauses = {
            "SET": [f"#{name} = :set_{name}" for name in self.sets]
            + [f"#{name} = if_not_exists(#{name}, :set_{name})" for name in self.defaults]
            + [f"#{name} = list_append(if_not_exists(#{name}, :no_{name}), :set_{name})" for name in self.appends]
            + [f"#{name} = if_not_exists(#{other}, :set_{name})" for name, (other, _) in self.copies.items()],
            "REMOVE": [f"#{name}" for name in self.removes],
            "ADD": [f"#{name} :add_{name}" for name in self.adds],
        }
        values = dict(self._values)
        values |= {f":set_{name}": value for name, value in {**self.sets, **self.defaults}.items()}
        values |= {f":add_{name}": value for name, value in self.adds.items()}
        values |= {f":no_{name}": [] for name in self.appends} | {
            f":set_{name}": [value] for name, value in self.appends.items()
        }
        values |= {f":set_{name}": value for name, (_, value) in self.copies.items()}
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
