"""Requests of the record-info API, per kind: the same fields on sunoapi.org, kie.ai and AnyInt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Result
from suno_jobs.gateways.adapter import Body
from suno_jobs.gateways.input_fields import SONG_FIELDS, WEIGHTS, Fields, describe, rename_fields, same_names
from suno_jobs.gateways.protocol import Offer, Source

_SONG = SONG_FIELDS | {"persona_id"}
_EXTENSION = _SONG | {"continue_at"}
_V6_FIELDS = frozenset({"duration", "variety"})
_LAYER_FIELDS = frozenset({"audio_url", "style", "title", "negative_style", "vocal_gender", "model"}) | WEIGHTS

OFFERS: Mapping[Kind, Offer] = {
    Kind.MUSIC: Offer(fields=_SONG, required=("prompt/lyrics",)),
    Kind.EXTEND: Offer.of_source(fields=_EXTENSION - {"instrumental"}),
    Kind.UPLOAD_COVER: Offer(fields=_SONG | {"audio_url"}, required=("audio_url", "prompt/lyrics")),
    Kind.UPLOAD_EXTEND: Offer(fields=_EXTENSION | {"audio_url"}, required=("audio_url",)),
    Kind.ADD_VOCALS: Offer(
        fields=_LAYER_FIELDS | {"prompt", "lyrics"},
        required=("audio_url", "prompt/lyrics", "style", "title", "negative_style"),
    ),
    Kind.ADD_INSTRUMENTAL: Offer(fields=_LAYER_FIELDS, required=("audio_url", "style", "title", "negative_style")),
    Kind.MASHUP: Offer(fields=(_SONG - {"persona_id"}) | {"audio_urls"}, required=("audio_urls", "prompt/lyrics")),
    Kind.REPLACE_SECTION: Offer.of_source(
        fields=("lyrics", "full_lyrics", "style", "title", "start_s", "end_s", "negative_style"), required=("style", "title")
    ),
    Kind.SOUNDS: Offer(fields=frozenset({"prompt", "model", "loop", "bpm", "key"}), required=("prompt",)),
    Kind.LYRICS: Offer(Result.LYRICS, fields=frozenset({"prompt"}), required=("prompt",)),
    Kind.STEMS: Offer.of_source(Result.STEMS, ("split",)),
    Kind.WAV: Offer.of_source(Result.FILES),
    Kind.MP4: Offer.of_source(Result.FILES, ("author", "brand")),
    Kind.COVER_ART: Offer.of_source(Result.FILES),
    Kind.TIMESTAMPED_LYRICS: Offer.of_source(Result.WORDS, synchronous=True),
    Kind.PERSONA: Offer.of_source(
        Result.ID, ("name", "description", "style", "start_s", "end_s"), ("name", "description"), synchronous=True
    ),
}

WITH_SIMPLE_MODE = frozenset({Kind.MUSIC, Kind.UPLOAD_COVER, Kind.MASHUP})
"""Kinds with a simple mode, which has a single text field."""

MODEL_REQUIRED = WITH_SIMPLE_MODE | {Kind.EXTEND, Kind.UPLOAD_EXTEND, Kind.SOUNDS}
"""Kinds whose request requires a model. For other kinds it is sent if the input has one."""

_PARAMETERS = {
    "negative_style": "negativeTags",
    "vocal_gender": "vocalGender",
    "persona_id": "personaId",
    "style_weight": "styleWeight",
    "weirdness": "weirdnessConstraint",
    "audio_weight": "audioWeight",
}
_CUSTOM = {"lyrics": "prompt", "style": "style", "title": "title"}
_LAYER = {"prompt": "prompt", **_CUSTOM, **_PARAMETERS}
_UPLOAD = {"audio_url": "uploadUrl"}
_V6_NAMES = same_names("duration", "variety")

_NAMES: Mapping[Kind, Mapping[str, str]] = {
    Kind.MUSIC: _PARAMETERS | _V6_NAMES,
    Kind.EXTEND: _LAYER | {"continue_at": "continueAt"},
    Kind.UPLOAD_COVER: _PARAMETERS | _V6_NAMES | _UPLOAD,
    Kind.UPLOAD_EXTEND: _LAYER | _UPLOAD | {"continue_at": "continueAt", "instrumental": "instrumental"},
    Kind.ADD_VOCALS: _LAYER | _UPLOAD,
    Kind.ADD_INSTRUMENTAL: _PARAMETERS | _UPLOAD | {"style": "tags", "title": "title"},
    Kind.MASHUP: _PARAMETERS | _V6_NAMES | {"audio_urls": "uploadUrlList"},
    Kind.REPLACE_SECTION: {
        "lyrics": "prompt",
        "full_lyrics": "fullLyrics",
        "style": "tags",
        "title": "title",
        "negative_style": "negativeTags",
        "start_s": "infillStartS",
        "end_s": "infillEndS",
    },
    Kind.SOUNDS: {"prompt": "prompt", "loop": "soundLoop", "bpm": "soundTempo", "key": "soundKey"},
    Kind.LYRICS: {"prompt": "prompt"},
    Kind.MP4: {"author": "author", "brand": "domainName"},
    Kind.PERSONA: same_names("name", "description", "style") | {"start_s": "vocalStart", "end_s": "vocalEnd"},
}
"""The names of our fields in a request. A kind that is not here has only the ids of its source."""

NO_PARAMETERS = {
    Kind.EXTEND: frozenset({"source", "model"}),
    Kind.UPLOAD_EXTEND: frozenset({"audio_url", "model", "instrumental", "prompt"}),
}
"""The extensions, with the fields that apply even if ``defaultParamFlag`` is false."""


def v6_offers(offers: Mapping[Kind, Offer]) -> Mapping[Kind, Offer]:
    """With the fields that came with V5_5 and V6, on the kinds for which they are documented."""
    return {
        kind: replace(offer, fields=offer.fields | (_V6_FIELDS if kind is Kind.MUSIC else {"duration"}))
        if kind in WITH_SIMPLE_MODE
        else offer
        for kind, offer in offers.items()
    }


def request_body(kind: Kind, fields: Fields, sources: Sequence[Source], *, separate_lyrics: bool) -> Body:
    """Without model, callback URL and the type of stems.

    ``separate_lyrics``: the lyrics of a song are in a field of their own, as V6 expects them, not in ``prompt``.
    """
    names = dict(_NAMES.get(kind, {}))
    if separate_lyrics and "lyrics" in names:
        names["lyrics"] = "lyrics"
    body = rename_fields(fields, names) | _ids(kind, sources)
    if kind in WITH_SIMPLE_MODE:
        return body | _song(fields, {**_CUSTOM, **({"lyrics": "lyrics"} if separate_lyrics else {})})
    if kind in NO_PARAMETERS:
        # True: the parameters of this request apply. False: those of the source.
        body["defaultParamFlag"] = bool(set(fields) - NO_PARAMETERS[kind])
    return body


def _ids(kind: Kind, sources: Sequence[Source]) -> Body:
    if not sources:
        return {}
    task, track = {"taskId": sources[0].task_id}, {"audioId": sources[0].track_id}
    return {Kind.EXTEND: track, Kind.COVER_ART: task}.get(kind, task | track)


def _song(fields: Fields, custom_names: Mapping[str, str]) -> Body:
    """Custom mode for lyrics. Simple mode for a prompt: it has no fields for style and title."""
    custom = "lyrics" in fields
    text = rename_fields(fields, custom_names) if custom else {"prompt": describe(fields, negative=False)}
    return {"customMode": custom, "instrumental": fields.get("instrumental", False), **text}
