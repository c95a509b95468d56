"""Model names, an open set: our common names, each gateway's names and Suno's internal names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from suno_jobs.gateways.parsing import single_line

SUNO_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "chirp-hawk": "v6",
        "chirp-hawk-wild": "v6-wild",
        "chirp-goose": "v6-mini",
        "chirp-fenix": "v5.5",
        "chirp-crow": "v5",
        "chirp-auk-turbo": "v4.5all",
        "chirp-bluejay": "v4.5plus",
        "chirp-auk": "v4.5",
        "chirp-v4": "v4",
        "chirp-v3-5": "v3.5",
        "chirp-v3": "v3",
        "chirp-v3-0": "v3",
    }
)
"""Suno's internal names, as in results, and our common names. Sources: crun.ai's documentation, and public clients for v6.

``chirp-hawk`` was delivered for orders of v6 and of v6-wild, and once for one of v5.5. So it proves the line, not the variant.
"""

COMMON_NAMES = ("v3", "v3.5", "v4", "v4.5", "v4.5plus", "v4.5all", "v5", "v5.5", "v6", "v6-wild", "v6-mini")
"""Our names of Suno's models, the oldest first."""


def missing_model(models: Mapping[str, str], name: str) -> str | None:
    """Our common name of a model that is known, but not in ``models``. None for any other name, which is passed on."""
    if name in models or name in models.values():
        return None
    common = SUNO_NAMES.get(name, name)
    return common if common in COMMON_NAMES and common not in models else None


def gateway_model(models: Mapping[str, str], name: str) -> str:
    """The gateway's name for a model by its common, gateway or Suno name. An unknown name is returned unchanged."""
    if name in models or name in models.values():
        return models.get(name, name)
    common = SUNO_NAMES.get(name, name)
    return models.get(common, common)


def model_text(reported: object) -> str | None:
    """The name of the model in a result, as the gateway reports it."""
    return single_line(reported, 40)


def common_model(models: Mapping[str, str], reported: object) -> str | None:
    """Our common name for the model in a result. An unknown name is returned unchanged."""
    name = model_text(reported)
    if name is None:
        return None
    common_names = {theirs: ours for ours, theirs in models.items()}
    return SUNO_NAMES.get(name) or common_names.get(name, name)
