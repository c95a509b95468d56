"""Model names, an open set: our common names, each gateway's names and Suno's internal names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from suno_jobs.gateways.parsing import single_line

SUNO_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "chirp-fenix": "v5.5",
        "chirp-crow": "v5",
        "chirp-auk-turbo": "v4.5all",
        "chirp-bluejay": "v4.5plus",
        "chirp-auk": "v4.5",
        "chirp-v4": "v4",
        "chirp-v3-5": "v3.5",
        "chirp-v3": "v3",
    }
)
"""Suno's internal names, as in results, and our common names. Source: crun.ai's documentation."""


def gateway_model(models: Mapping[str, str], name: str) -> str:
    """The gateway's name for a model by its common, gateway or Suno name. An unknown name is returned unchanged."""
    if name in models or name in models.values():
        return models.get(name, name)
    common = SUNO_NAMES.get(name, name)
    return models.get(common, common)


def common_model(models: Mapping[str, str], reported: object) -> str | None:
    """Our common name for the model in a result. An unknown name is returned unchanged."""
    name = single_line(reported, 40)
    if name is None:
        return None
    common_names = {theirs: ours for ours, theirs in models.items()}
    return SUNO_NAMES.get(name) or common_names.get(name, name)
