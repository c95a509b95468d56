"""Requests of Ace Data Cloud, per kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Result
from suno_jobs.gateways.adapter import Body
from suno_jobs.gateways.input_fields import SONG_FIELDS, WEIGHTS, Fields, describe, rename_fields, same_names
from suno_jobs.gateways.protocol import Offer, Source

_UPLOADED = "The source must be an upload: upload the audio first and refer to that job."

_STEM_NAMES = "The names of stems are not documented. The name is passed on unchanged."

_EXTENSION = Offer.of_source(fields=SONG_FIELDS | {"continue_at"}, required=("continue_at", "lyrics/instrumental"))
_LAYER = Offer.of_source(fields=SONG_FIELDS | {"start_s", "end_s"}, note=_UPLOADED)

KINDS: Mapping[Kind, Offer] = {
    Kind.MUSIC: Offer(fields=SONG_FIELDS | {"duration", "variety", "max_mode"}, required=("prompt/lyrics",)),
    Kind.EXTEND: _EXTENSION,
    Kind.UPLOAD_EXTEND: replace(_EXTENSION, note=_UPLOADED),
    Kind.COVER: Offer.of_source(fields=SONG_FIELDS),
    Kind.UPLOAD_COVER: Offer.of_source(fields=SONG_FIELDS, note=_UPLOADED),
    Kind.CONCAT: Offer.of_source(),
    Kind.ADD_VOCALS: _LAYER,
    Kind.ADD_INSTRUMENTAL: _LAYER,
    Kind.REPLACE_SECTION: Offer.of_source(
        fields=("lyrics", "full_lyrics", "start_s", "end_s", "style", "title", "negative_style", "model")
    ),
    Kind.MASHUP: Offer(sources=2, fields=SONG_FIELDS | {"sources"}, required=("sources", "prompt/lyrics")),
    Kind.STEMS: Offer.of_source(Result.STEMS, ("split",)),
    Kind.WAV: Offer.of_source(Result.FILES),
    Kind.MP4: Offer.of_source(Result.FILES, synchronous=True),
    Kind.UPLOAD: Offer(Result.ID, fields=frozenset({"audio_url"}), required=("audio_url",), synchronous=True),
    Kind.LYRICS: Offer(Result.LYRICS, fields=frozenset({"prompt", "model"}), required=("prompt",), synchronous=True),
    Kind.PERSONA: Offer.of_source(Result.ID, ("name", "description"), ("name", "description"), synchronous=True),
    Kind.TIMESTAMPED_LYRICS: Offer.of_source(Result.WORDS, synchronous=True),
    Kind.SOUNDS: Offer(fields=frozenset({"prompt", "model", "loop", "bpm", "key"}), required=("prompt", "loop")),
    Kind.REMASTER: Offer.of_source(
        fields=("model", "variation"), note="Documented for v4.5plus and v5. Other models are passed on."
    ),
    Kind.INSPO: Offer(fields=SONG_FIELDS | {"audio_urls"}, required=("audio_urls",)),
    Kind.ADJUST_SPEED: Offer.of_source(fields=("speed", "title", "keep_pitch"), required=("speed", "title")),
    Kind.ADD_STEM: Offer.of_source(
        fields=("stem", "prompt", "style", "title", *WEIGHTS, "variety", "max_mode"), required=("stem",), note=_STEM_NAMES
    ),
    Kind.EXTRACT_STEM: Offer.of_source(fields=("stem",), required=("stem",), note=_STEM_NAMES),
}

PATHS: Mapping[Kind, str] = {
    Kind.WAV: "/suno/wav",
    Kind.MP4: "/suno/mp4",
    Kind.UPLOAD: "/suno/upload",
    Kind.LYRICS: "/suno/lyrics",
    Kind.PERSONA: "/suno/persona",
    Kind.TIMESTAMPED_LYRICS: "/suno/timing",
}
"""Every other kind is an ``action`` of ``/suno/audios``."""

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
    Kind.SOUNDS: "sounds",
    Kind.REMASTER: "remaster",
    Kind.INSPO: "inspo",
    Kind.ADJUST_SPEED: "adjust_speed",
    Kind.ADD_STEM: "add_stem",
    Kind.EXTRACT_STEM: "extract_stem",
}
_VARIETY = ("off", "normal", "high", "extra", "max")
_WITHOUT_MODEL = frozenset({Kind.CONCAT, Kind.STEMS, Kind.ADJUST_SPEED, Kind.ADD_STEM, Kind.EXTRACT_STEM})
ALWAYS_WITH_MODEL = frozenset(_ACTIONS) - _WITHOUT_MODEL - {Kind.SOUNDS}
_COMMON = {
    **same_names("vocal_gender", "weirdness", "audio_weight", "continue_at", "duration", "max_mode", "audio_urls"),
    "style_weight": "style_influence",
}
_TEXTS = {"title": "title", "style": "style", "negative_style": "negative_tags"}
_CUSTOM = {"lyrics": "lyric", **_TEXTS}
_OF_ONE_TRACK = {
    **same_names("title", "keep_pitch", "prompt", "style", "weirdness", "audio_weight", "max_mode"),
    "speed": "speed_multiplier",
    "stem": "stem_type",
    "style_weight": "style_influence",
}
"""For an action that changes one track, without modes and without a model."""
_SECTION_FIELDS = {
    "lyrics": "prompt",
    "full_lyrics": "lyric",
    **_TEXTS,
    "start_s": "replace_section_start",
    "end_s": "replace_section_end",
}


def audios_body(kind: Kind, fields: Fields, sources: Sequence[Source], model: str) -> Body:
    """For ``/suno/audios``."""
    body: Body = {"action": _ACTIONS.get(kind) or {"all": "all_stems"}.get(fields.get("split", ""), "stems")}
    if kind is Kind.MASHUP:
        body["mashup_audio_ids"] = [source.track_id for source in sources]
    elif sources:
        body["audio_id"] = sources[0].track_id
    if "variety" in fields:
        body["variety"] = _VARIETY[fields["variety"]]
    if kind in _WITHOUT_MODEL:
        return body | rename_fields(fields, _OF_ONE_TRACK)
    if kind is Kind.SOUNDS:
        return body | _sounds(fields) | ({"model": model} if "model" in fields else {})
    body["model"] = model
    if kind is Kind.REMASTER:
        return body | rename_fields(fields, {"variation": "variation_category"})
    if kind is Kind.REPLACE_SECTION:
        return body | {"custom": False, "instrumental": False} | rename_fields(fields, _SECTION_FIELDS)
    return body | _song(fields) | _section_bounds(_ACTIONS[kind], fields)


def _song(fields: Fields) -> Body:
    """In simple mode ``title``, ``style`` and ``negative_tags`` have no effect, so the prompt includes them."""
    custom = "lyrics" in fields
    body = {"custom": custom, "instrumental": fields.get("instrumental", False), **rename_fields(fields, _COMMON)}
    return body | (rename_fields(fields, _CUSTOM) if custom else {"prompt": describe(fields, negative=True) or None})


def _sounds(fields: Fields) -> Body:
    sound_type = "loop" if fields["loop"] else "one-shot"
    return {"sound": fields["prompt"], "sound_type": sound_type, **rename_fields(fields, same_names("bpm", "key"))}


def _section_bounds(action: str, fields: Fields) -> Body:
    return rename_fields(fields, {"start_s": f"{action}_start", "end_s": f"{action}_end"})


def operation_body(kind: Kind, fields: Fields, sources: Sequence[Source]) -> Body:
    """For the kinds in ``PATHS``."""
    if kind is Kind.LYRICS:
        return {"prompt": fields["prompt"], "model": fields.get("model", "default")}
    body = rename_fields(fields, same_names("audio_url", "name", "description"))
    return body | ({"audio_id": sources[0].track_id} if sources else {})
