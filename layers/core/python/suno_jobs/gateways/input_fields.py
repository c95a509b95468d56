"""Checking our input fields, and translating them to a gateway's fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suno_jobs.gateways.model_names import missing_model
from suno_jobs.gateways.protocol import FieldErrors, Limits, Offer

Fields = Mapping[str, Any]

NOT_SUPPORTED = "is not supported by this gateway for this kind"

WEIGHTS = frozenset({"style_weight", "weirdness", "audio_weight"})
SONG_FIELDS = (
    frozenset({"prompt", "lyrics", "style", "title", "model", "instrumental", "negative_style", "vocal_gender"}) | WEIGHTS
)


def describe(fields: Fields, *, negative: bool) -> str:
    """Prompt, style, title and, if ``negative``, the negative style as one text, for a simple mode with a single text field."""
    lines = [
        fields.get("prompt"),
        "style" in fields and f"Style: {fields['style']}",
        "title" in fields and f"Title: {fields['title']}",
        negative and "negative_style" in fields and f"Avoid: {fields['negative_style']}",
    ]
    return "\n".join(line for line in lines if line)


def rename_fields(fields: Fields, names: Mapping[str, str]) -> dict[str, Any]:
    """The fields that are in ``names``, under the gateway's names."""
    return {theirs: fields[ours] for ours, theirs in names.items() if ours in fields}


def same_names(*names: str) -> dict[str, str]:
    """For ``rename_fields``: fields that have the same name at the gateway."""
    return {name: name for name in names}


def without_none(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def check_offer(offer: Offer, fields: Fields) -> FieldErrors:
    """The fields that ``offer`` does not support, and the required fields that are missing."""
    unsupported = [(name, NOT_SUPPORTED) for name in fields if name not in offer.fields]
    missing = []
    for required in offer.required:
        name, *others = required.split("/")
        if not {name, *others} & set(fields):
            missing.append((name, "is required by this gateway" + "".join(f", unless {other} is given" for other in others)))
    return (*unsupported, *missing)


def check_model(fields: Fields, models: Mapping[str, str]) -> FieldErrors:
    """A model of Suno that this gateway does not have. An unknown name is passed on: it may be newer than this code."""
    missing = missing_model(models, fields["model"]) if "model" in fields else None
    return () if missing is None else (("model", f"cannot be {missing}: this gateway has {', '.join(models)}"),)


def check_lengths(fields: Fields, limits: Limits, *, description: str | None = None) -> FieldErrors:
    """Every text that is longer than ``limits`` allows. ``description`` is the text that is sent for the prompt."""
    texts = {name: fields[name] for name in ("prompt", "lyrics", "style", "title", "negative_style") if name in fields}
    too_long = [
        (name, f"has {len(text)} characters; this gateway allows {getattr(limits, name)}")
        for name, text in texts.items()
        if len(text) > getattr(limits, name)
    ]
    if "prompt" in fields and description is not None and len(fields["prompt"]) <= limits.prompt < len(description):
        combined = f"has {len(description)} characters combined with the other fields that describe the song"
        too_long.append(("prompt", f"{combined}; this gateway allows {limits.prompt}"))
    return tuple(too_long)
