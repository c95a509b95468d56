"""Requests of Ace Data Cloud, per kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from suno_jobs.gateways.asking import WORDS, Given, describe, renamed
from suno_jobs.gateways.base import Kind, Offer, Result, Source

_SOURCE = frozenset({"source"})
_EXTENSION = WORDS | {"source", "continue_at"}
_LAYER = WORDS | {"source", "start_s", "end_s"}
_UPLOADED = "Works on an upload: upload the audio first, the source is that job."

KINDS: Mapping[Kind, Offer] = MappingProxyType(
    {
        Kind.MUSIC: Offer(fields=WORDS, required=("prompt/lyrics",)),
        Kind.EXTEND: Offer(sources=1, fields=_EXTENSION, required=("source", "continue_at", "lyrics/instrumental")),
        Kind.UPLOAD_EXTEND: Offer(
            sources=1, fields=_EXTENSION, required=("source", "continue_at", "lyrics/instrumental"), note=_UPLOADED
        ),
        Kind.COVER: Offer(sources=1, fields=WORDS | _SOURCE, required=("source",)),
        Kind.UPLOAD_COVER: Offer(sources=1, fields=WORDS | _SOURCE, required=("source",), note=_UPLOADED),
        Kind.CONCAT: Offer(sources=1, fields=_SOURCE, required=("source",)),
        Kind.ADD_VOCALS: Offer(sources=1, fields=_LAYER, required=("source",), note=_UPLOADED),
        Kind.ADD_INSTRUMENTAL: Offer(sources=1, fields=_LAYER, required=("source",), note=_UPLOADED),
        Kind.REPLACE_SECTION: Offer(
            sources=1,
            fields=frozenset(
                {"source", "lyrics", "full_lyrics", "start_s", "end_s", "style", "title", "negative_style", "model"}
            ),
            required=("source",),
        ),
        Kind.MASHUP: Offer(sources=2, fields=WORDS | {"sources"}, required=("sources",)),
        Kind.STEMS: Offer(Result.STEMS, sources=1, fields=_SOURCE | {"split"}, required=("source",)),
        Kind.WAV: Offer(Result.FILES, sources=1, fields=_SOURCE, required=("source",)),
        Kind.MP4: Offer(Result.FILES, sources=1, fields=_SOURCE, required=("source",), synchronous=True),
        Kind.UPLOAD: Offer(Result.ID, fields=frozenset({"audio_url"}), required=("audio_url",), synchronous=True),
        Kind.LYRICS: Offer(Result.LYRICS, fields=frozenset({"prompt", "model"}), required=("prompt",), synchronous=True),
        Kind.PERSONA: Offer(
            Result.ID,
            sources=1,
            fields=frozenset({"source", "name", "description"}),
            required=("source", "name", "description"),
            synchronous=True,
        ),
        Kind.TIMESTAMPED_LYRICS: Offer(Result.WORDS, sources=1, fields=_SOURCE, required=("source",), synchronous=True),
    }
)

PATHS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.WAV: "/suno/wav",
        Kind.MP4: "/suno/mp4",
        Kind.UPLOAD: "/suno/upload",
        Kind.LYRICS: "/suno/lyrics",
        Kind.PERSONA: "/suno/persona",
        Kind.TIMESTAMPED_LYRICS: "/suno/timing",
    }
)
"""All other kinds are an ``action`` of ``/suno/audios``."""

_ACTIONS = {
    Kind.MUSIC: "generate",
    Kind.EXTEND: "extend",
    Kind.UPLOAD_EXTEND: "upload_extend",
    Kind.COVER: "cover",
    Kind.UPLOAD_COVER: "upload_cover",
    Kind.CONCAT: "concat",
    Kind.ADD_VOCALS: "overpainting",
    Kind.ADD_INSTRUMENTAL: "underpainting",
    Kind.REPLACE_SECTION: "replace_section",
    Kind.MASHUP: "mashup",
}
_BARE = frozenset({Kind.CONCAT, Kind.STEMS})
_MANNER = {
    "vocal_gender": "vocal_gender",
    "style_weight": "style_influence",
    "weirdness": "weirdness",
    "audio_weight": "audio_weight",
    "continue_at": "continue_at",
}
_CUSTOM = {"lyrics": "lyric", "title": "title", "style": "style", "negative_style": "negative_tags"}
_SECTION = {
    "lyrics": "prompt",
    "full_lyrics": "lyric",
    "title": "title",
    "style": "style",
    "negative_style": "negative_tags",
    "start_s": "replace_section_start",
    "end_s": "replace_section_end",
}


def audio(kind: Kind, asked: Given, sources: Sequence[Source], model: str) -> dict[str, Any]:
    """The body of ``/suno/audios`` for any of its actions."""
    body: dict[str, Any] = {"action": _ACTIONS.get(kind) or {"all": "all_stems"}.get(asked.get("split", ""), "stems")}
    if kind is Kind.MASHUP:
        body["mashup_audio_ids"] = [source.track_id for source in sources]
    elif sources:
        body["audio_id"] = sources[0].track_id
    if kind in _BARE:
        return body
    body["model"] = model
    if kind is Kind.REPLACE_SECTION:
        return body | {"custom": False, "instrumental": False} | renamed(asked, _SECTION)
    return body | _words(asked) | _window(_ACTIONS[kind], asked)


def _words(asked: Given) -> dict[str, Any]:
    """``title``, ``style`` and ``negative_tags`` count in custom mode only, so the prompt takes them otherwise."""
    custom = "lyrics" in asked
    body = {"custom": custom, "instrumental": asked.get("instrumental", False), **renamed(asked, _MANNER)}
    return body | (renamed(asked, _CUSTOM) if custom else {"prompt": describe(asked, negative=True) or None})


def _window(action: str, asked: Given) -> dict[str, Any]:
    return renamed(asked, {"start_s": f"{action}_start", "end_s": f"{action}_end"})


def operation(kind: Kind, asked: Given, sources: Sequence[Source]) -> dict[str, Any]:
    """The body of the endpoints with a path of their own."""
    if kind is Kind.LYRICS:
        return {"prompt": asked["prompt"], "model": asked.get("model", "default")}
    body = renamed(asked, {"audio_url": "audio_url", "name": "name", "description": "description"})
    return body | ({"audio_id": sources[0].track_id} if sources else {})
