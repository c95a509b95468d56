"""What DynamoDB bills for one write: units of 1 KB, of the larger of the item before and after, and of each index entry.

Rules of the developer guide: "DynamoDB item sizes and formats", "Capacity unit consumption for write operations" and "Global
secondary indexes: write capacity units". A write whose condition fails is billed by the size of the item that it found.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Item = Mapping[str, Mapping[str, Any]]
"""As boto3 returns it: typed values, binary ones as bytes."""

UNIT_BYTES = 1024
ELEMENT_BYTES = 1
NESTING_BYTES = 3


@dataclass(frozen=True)
class Index:
    """A global secondary index: the attributes of its key, and of its entries (None: all)."""

    key: frozenset[str]
    attributes: frozenset[str] | None

    def entry(self, item: Item | None) -> Item | None:
        """The index entry of this item; None if it is not in the index."""
        if item is None or not self.key <= item.keys():
            return None
        return {name: value for name, value in item.items() if self.attributes is None or name in self.attributes}


def table_units(before: Item | None, after: Item | None) -> int:
    return units(max(size(before or {}), size(after or {})))


def index_units(index: Index, before: Item | None, after: Item | None) -> int:
    """Adding or removing an entry is one write, changing its key is both, and an unchanged entry costs nothing."""
    old, new = index.entry(before), index.entry(after)
    if old == new:
        return 0
    if old and new and all(old[name] == new[name] for name in index.key):
        return units(max(size(old), size(new)))
    return sum(units(size(entry)) for entry in (old, new) if entry)


def units(size_bytes: int) -> int:
    return max(1, math.ceil(size_bytes / UNIT_BYTES))


def size(item: Item) -> int:
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(typed: Mapping[str, Any]) -> int:
    ((kind, value),) = typed.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return _number_size(value)
        case "B":
            return len(value)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return NESTING_BYTES + sum(ELEMENT_BYTES + _value_size(member) for member in value)
        case "M":
            return NESTING_BYTES + size(value) + ELEMENT_BYTES * len(value)
        case "SS" | "NS" | "BS":
            return sum(_value_size({kind[0]: member}) for member in value)
    raise ValueError(f"DynamoDB has no type {kind}")


def _number_size(text: str) -> int:
    """One byte per two significant digits, one more, and another one for a negative number."""
    digits = text.lstrip("-").replace(".", "").strip("0")
    return math.ceil(len(digits) / 2) + 1 + text.startswith("-")
