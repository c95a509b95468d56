"""From our input to a gateway's fields: what all adapters need for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suno_jobs.gateways.base import Limits, Offer, Problems

Given = Mapping[str, Any]

NOT_OFFERED = "is not offered by this gateway for this kind"

TUNING = frozenset({"style_weight", "weirdness", "audio_weight"})
WORDS = frozenset({"prompt", "lyrics", "style", "title", "model", "instrumental", "negative_style", "vocal_gender"}) | TUNING


def describe(given: Given, *, negative: bool) -> str:
    """The prompt with style, title and, if ``negative``, what to avoid: for a simple mode that has one text field only."""
    lines = [
        given.get("prompt"),
        "style" in given and f"Style: {given['style']}",
        "title" in given and f"Title: {given['title']}",
        negative and "negative_style" in given and f"Avoid: {given['negative_style']}",
    ]
    return "\n".join(line for line in lines if line)


def renamed(given: Given, names: Mapping[str, str]) -> dict[str, Any]:
    """What of ``given`` is in the table ``names``, under the gateway's names."""
    return {theirs: given[ours] for ours, theirs in names.items() if ours in given}


def said(body: Mapping[str, Any]) -> dict[str, Any]:
    """``body`` without what was not asked for."""
    return {name: value for name, value in body.items() if value is not None}


def check_offer(offer: Offer, given: Given) -> Problems:
    """Fields that the gateway has no place for, and those that it cannot do without. ``a/b``: one of them is enough."""
    surplus = [(name, NOT_OFFERED) for name in given if name not in offer.fields]
    missing = []
    for need in offer.required:
        name, *others = need.split("/")
        if not {name, *others} & set(given):
            missing.append((name, "is required by this gateway" + "".join(f", or {other}" for other in others)))
    return (*surplus, *missing)


def check_lengths(given: Given, limits: Limits, *, description: str | None = None) -> Problems:
    """Every text of ``given`` that is longer than ``limits`` allows, with the reason.

    ``description`` is the text that is really sent for a prompt, when more than the prompt was folded into it.
    """
    texts = {name: given[name] for name in ("prompt", "lyrics", "style", "title", "negative_style") if name in given}
    long = [
        (name, f"is {len(text)} characters long, this gateway allows {getattr(limits, name)}")
        for name, text in texts.items()
        if len(text) > getattr(limits, name)
    ]
    if "prompt" in given and description is not None and len(given["prompt"]) <= limits.prompt < len(description):
        sent = f"is {len(description)} characters long together with the other words that describe the song"
        long.append(("prompt", f"{sent}, this gateway allows {limits.prompt}"))
    return tuple(long)
