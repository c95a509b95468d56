"""Names of models, an open set: ours, the gateways', and Suno's internal ones."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from suno_jobs.gateways.replies import plain

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
"""What results call the models, with our names; as crun.ai documents it."""


def their_model(models: Mapping[str, str], asked: str) -> str:
    """What the gateway with the table ``models`` calls the model asked for by our, its own or Suno's name."""
    if asked in models or asked in models.values():
        return models.get(asked, asked)
    ours = SUNO_NAMES.get(asked, asked)
    return models.get(ours, ours)


def our_model(models: Mapping[str, str], said: object) -> str | None:
    """Our name for the model that a result tells; its own word where it is in no table."""
    word = plain(said, 40)
    if word is None:
        return None
    ours = {theirs: each for each, theirs in models.items()}
    return SUNO_NAMES.get(word) or ours.get(word, word)
