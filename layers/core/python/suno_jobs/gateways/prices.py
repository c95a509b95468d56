"""Prices of gateways, as far as they are published or were measured by public clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from suno_jobs.catalog.costs import Cost, CostSource
from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways.protocol import Price


def listed_cost(prices: Iterable[Price], kind: Kind, fields: Mapping[str, Any], model: str | None) -> Cost | None:
    """By the first price that applies, or None."""
    for price in prices:
        same_input = price.kind is kind and all(fields.get(name) == value for name, value in price.given.items())
        if same_input and (not price.models or model in price.models):
            return Cost(price.amount, price.unit, CostSource.LISTED)
    return None


def reported_cost(value: Any, unit: str) -> Cost | None:
    """From a number or a text in a reply. None unless it is plausible and not negative."""
    amount = parse_amount(value)
    return None if amount is None or amount < 0 else Cost(amount, unit, CostSource.REPORTED)


def parse_amount(value: Any) -> float | None:
    """From a number or a text in a reply. None unless it is finite and plausible."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = float(value)
    except (ValueError, OverflowError):
        return None
    return amount if abs(amount) < 1e9 else None
