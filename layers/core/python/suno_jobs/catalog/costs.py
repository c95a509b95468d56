"""What a job costs at its gateway. This module is cheap to import."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CostSource(StrEnum):
    """Where an amount is from: a table of prices, or the gateway's reply."""

    LISTED = "listed"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class Cost:
    """``unit`` is the gateway's own, such as ``credits``: amounts of two gateways cannot be compared."""

    amount: float
    unit: str
    source: CostSource
