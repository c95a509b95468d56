"""The expressions of one UpdateItem request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from suno_jobs.storage.attribute_values import pack


@dataclass(slots=True)
class Change:
    """The parts of one UpdateItem. Every name is a placeholder, because ``state`` and many others are reserved words.

    ``appends`` adds an element to a list; ``copies`` sets an attribute to the value of another one, or else to a default.
    """

    sets: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    adds: Mapping[str, int] = field(default_factory=dict)
    appends: Mapping[str, str] = field(default_factory=dict)
    copies: Mapping[str, tuple[str, str | int]] = field(default_factory=dict)
    removes: tuple[str, ...] = ()
    _conditions: list[str] = field(default_factory=list)
    _values: dict[str, Any] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)

    def require(self, condition: str, *names: str, **values: Any) -> Change:
        """Adds a condition. It refers to ``names`` as ``#name`` and to ``values`` as ``:value``."""
        self._conditions.append(f"({condition})")
        self._names.update(names)
        self._values.update({f":{mark}": value for mark, value in values.items()})
        return self

    def require_one_of(self, name: str, options: Iterable[str]) -> Change:
        marks = {f"{name}_{number}": option for number, option in enumerate(sorted(options))}
        return self.require(f"#{name} IN ({', '.join(f':{mark}' for mark in marks)})", name, **marks)

    def require_absent(self, *names: str) -> Change:
        return self.require(" AND ".join(f"attribute_not_exists(#{name})" for name in names), *names)

    def require_as_read(self, name: str, value: Any) -> Change:
        """``value`` is the one that was read; None: there was none."""
        if value is None:
            return self.require_absent(name)
        return self.require(f"#{name} = :{name}_read", name, **{f"{name}_read": value})

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
