"""A model that is ordered. This module is cheap to import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestedModel:
    """``name`` is our common name, or the client's own if we have none; ``gateway_name`` is what the gateway receives."""

    name: str
    gateway_name: str
