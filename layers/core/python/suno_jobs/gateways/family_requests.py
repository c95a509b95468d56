"""Requests of the sunoapi.org family, per kind: the same fields on sunoapi.org, kie.ai and AnyInt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from suno_jobs.gateways.asking import TUNING, WORDS, Given, describe, renamed
from suno_jobs.gateways.base import Kind, Offer, Result, Source

Body = dict[str, Any]

_WEIGHTS = {"style_weight": "styleWeight", "weirdness": "weirdnessConstraint", "audio_weight": "audioWeight"}
_MANNER = {"negative_style": "negativeTags", "vocal_gender": "vocalGender", "persona_id": "personaId", **_WEIGHTS}
_CUSTOM = {"style": "style", "title": "title"}

_SONG = WORDS | {"persona_id"}
_EXTENSION = _SONG | {"continue_at"}
_LAYER = frozenset({"audio_url", "style", "title", "negative_style", "vocal_gender", "model"}) | TUNING

OFFERS: Mapping[Kind, Offer] = MappingProxyType(
    {
        Kind.MUSIC: Offer(fields=_SONG, required=("prompt/lyrics",)),
        Kind.EXTEND: Offer(sources=1, fields=(_EXTENSION - {"instrumental"}) | {"source"}, required=("source",)),
        Kind.UPLOAD_COVER: Offer(fields=_SONG | {"audio_url"}, required=("audio_url", "prompt/lyrics")),
        Kind.UPLOAD_EXTEND: Offer(fields=_EXTENSION | {"audio_url"}, required=("audio_url",)),
        Kind.ADD_VOCALS: Offer(
            fields=_LAYER | {"prompt", "lyrics"},
            required=("audio_url", "prompt/lyrics", "style", "title", "negative_style"),
        ),
        Kind.ADD_INSTRUMENTAL: Offer(fields=_LAYER, required=("audio_url", "style", "title", "negative_style")),
        Kind.MASHUP: Offer(fields=(_SONG - {"persona_id"}) | {"audio_urls"}, required=("audio_urls", "prompt/lyrics")),
        Kind.REPLACE_SECTION: Offer(
            sources=1,
            fields=frozenset({"source", "lyrics", "full_lyrics", "style", "title", "start_s", "end_s", "negative_style"}),
            required=("source", "style", "title"),
        ),
        Kind.SOUNDS: Offer(fields=frozenset({"prompt", "model", "loop", "bpm", "key"}), required=("prompt",)),
        Kind.LYRICS: Offer(Result.LYRICS, fields=frozenset({"prompt"}), required=("prompt",)),
        Kind.STEMS: Offer(Result.STEMS, sources=1, fields=frozenset({"source", "split"}), required=("source",)),
        Kind.WAV: Offer(Result.FILES, sources=1, fields=frozenset({"source"}), required=("source",)),
        Kind.MP4: Offer(Result.FILES, sources=1, fields=frozenset({"source", "author", "brand"}), required=("source",)),
        Kind.COVER_ART: Offer(Result.FILES, sources=1, fields=frozenset({"source"}), required=("source",)),
        Kind.TIMESTAMPED_LYRICS: Offer(
            Result.WORDS, sources=1, fields=frozenset({"source"}), required=("source",), synchronous=True
        ),
        Kind.PERSONA: Offer(
            Result.ID,
            sources=1,
            fields=frozenset({"source", "name", "description", "style", "start_s", "end_s"}),
            required=("source", "name", "description"),
            synchronous=True,
        ),
    }
)

FOLDED = frozenset({Kind.MUSIC, Kind.UPLOAD_COVER, Kind.MASHUP})
"""Kinds with a simple mode that has one text field only."""


def song(given: Given, _sources: Sequence[Source]) -> Body:
    """Lyrics ask for custom mode; a prompt for the simple one, which has no style and title of its own."""
    body: Body = {"customMode": "lyrics" in given, "instrumental": given.get("instrumental", False), **renamed(given, _MANNER)}
    if "lyrics" in given:
        body |= {"prompt": given["lyrics"], **renamed(given, _CUSTOM)}
    else:
        body["prompt"] = describe(given, negative=False)
    return body


def upload_cover(given: Given, sources: Sequence[Source]) -> Body:
    return {"uploadUrl": given["audio_url"], **song(given, sources)}


def mashup(given: Given, sources: Sequence[Source]) -> Body:
    return {"uploadUrlList": list(given["audio_urls"]), **song(given, sources)}


def _extension(given: Given, *, custom: bool) -> Body:
    """``defaultParamFlag`` true means: by these parameters; false: by those of the song itself."""
    body: Body = {"defaultParamFlag": custom, "continueAt": given.get("continue_at"), "prompt": _text(given)}
    return {**body, **renamed(given, _CUSTOM | _MANNER)}


def extend(given: Given, sources: Sequence[Source]) -> Body:
    return {"audioId": sources[0].track_id, **_extension(given, custom=bool(set(given) - {"source", "model"}))}


def upload_extend(given: Given, _sources: Sequence[Source]) -> Body:
    """A prompt is also taken into account without parameters of our own."""
    custom = bool(set(given) - {"audio_url", "model", "instrumental", "prompt"})
    body = {"uploadUrl": given["audio_url"], "instrumental": given.get("instrumental")}
    return {**body, **_extension(given, custom=custom)}


def add_vocals(given: Given, _sources: Sequence[Source]) -> Body:
    return {"uploadUrl": given["audio_url"], "prompt": _text(given), **renamed(given, _CUSTOM | _MANNER)}


def add_instrumental(given: Given, _sources: Sequence[Source]) -> Body:
    return {"uploadUrl": given["audio_url"], **renamed(given, {"style": "tags", "title": "title"} | _MANNER)}


def replace_section(given: Given, sources: Sequence[Source]) -> Body:
    names = {
        "lyrics": "prompt",
        "full_lyrics": "fullLyrics",
        "style": "tags",
        "title": "title",
        "negative_style": "negativeTags",
        "start_s": "infillStartS",
        "end_s": "infillEndS",
    }
    return {**of_track(given, sources), **renamed(given, names)}


def sounds(given: Given, _sources: Sequence[Source]) -> Body:
    return renamed(given, {"prompt": "prompt", "loop": "soundLoop", "bpm": "soundTempo", "key": "soundKey"})


def lyrics(given: Given, _sources: Sequence[Source]) -> Body:
    return {"prompt": given["prompt"]}


def of_track(_given: Given, sources: Sequence[Source]) -> Body:
    return {"taskId": sources[0].task_id, "audioId": sources[0].track_id}


def of_task(_given: Given, sources: Sequence[Source]) -> Body:
    return {"taskId": sources[0].task_id}


def mp4(given: Given, sources: Sequence[Source]) -> Body:
    return {**of_track(given, sources), **renamed(given, {"author": "author", "brand": "domainName"})}


def persona(given: Given, sources: Sequence[Source]) -> Body:
    names = {"name": "name", "description": "description", "style": "style", "start_s": "vocalStart", "end_s": "vocalEnd"}
    return {**of_track(given, sources), **renamed(given, names)}


def _text(given: Given) -> Any:
    return given.get("lyrics", given.get("prompt"))


BODIES: Mapping[Kind, Callable[[Given, Sequence[Source]], Body]] = MappingProxyType(
    {
        Kind.MUSIC: song,
        Kind.EXTEND: extend,
        Kind.UPLOAD_COVER: upload_cover,
        Kind.UPLOAD_EXTEND: upload_extend,
        Kind.ADD_VOCALS: add_vocals,
        Kind.ADD_INSTRUMENTAL: add_instrumental,
        Kind.MASHUP: mashup,
        Kind.REPLACE_SECTION: replace_section,
        Kind.SOUNDS: sounds,
        Kind.LYRICS: lyrics,
        Kind.STEMS: of_track,
        Kind.WAV: of_track,
        Kind.MP4: mp4,
        Kind.COVER_ART: of_task,
        Kind.TIMESTAMPED_LYRICS: of_track,
        Kind.PERSONA: persona,
    }
)

WITH_MODEL = frozenset({Kind.MUSIC, Kind.EXTEND, Kind.UPLOAD_COVER, Kind.UPLOAD_EXTEND, Kind.MASHUP, Kind.SOUNDS})
"""Kinds that must name a model. Of the others only those with a ``model`` in their fields may."""
