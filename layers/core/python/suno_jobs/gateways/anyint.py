"""AnyInt (anyint.ai).

Facts: AnyInt's pages Music Generation, AI Music API and Music Tasks and Webhooks. It documents every route and the fields of
``/suno/generate``. The fields of the other routes, the lengths and the replies are taken from sunoapi.org, whose codes and
states it has: an inference, which the notes of its offers tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from suno_jobs.gateways.base import Kind, Rate
from suno_jobs.gateways.family import MODELS, Family, Route
from suno_jobs.gateways.family_requests import OFFERS
from suno_jobs.gateways.verdicts import DENIED, INVALID, LATER, QUOTA, RATE, UNKNOWN

_SONG = "/suno/query/task"

ROUTES: Mapping[Kind, Route] = MappingProxyType(
    {
        Kind.MUSIC: Route("/suno/generate", _SONG),
        Kind.EXTEND: Route("/suno/extend", _SONG),
        Kind.UPLOAD_COVER: Route("/suno/upload-cover", _SONG),
        Kind.UPLOAD_EXTEND: Route("/suno/upload-extend", _SONG),
        Kind.ADD_VOCALS: Route("/suno/add-vocals", _SONG),
        Kind.ADD_INSTRUMENTAL: Route("/suno/add-instrumental", _SONG),
        Kind.REPLACE_SECTION: Route("/suno/replace-section", _SONG),
        Kind.LYRICS: Route("/suno/generate-lyrics", "/suno/query/lyrics"),
        Kind.STEMS: Route("/suno/vocal-removal", "/suno/query/vocal-removal"),
        Kind.WAV: Route("/suno/wav-generate", "/suno/query/wav"),
        Kind.MP4: Route("/suno/mp4-generate", "/suno/query/mp4"),
        Kind.COVER_ART: Route("/suno/generate-cover", "/suno/query/cover"),
        Kind.TIMESTAMPED_LYRICS: Route("/suno/timestamped-lyrics"),
        Kind.PERSONA: Route("/suno/generate-persona"),
    }
)

MEANINGS = {
    "400": INVALID,
    "401": DENIED,
    "405": RATE,
    "413": INVALID,  # a text is too long
    "429": QUOTA,  # not the rate: that is 405 and 430
    "430": RATE,
    "455": LATER,
    "500": UNKNOWN,
}

_NOTE = "AnyInt documents the route; the fields are those of its twin at sunoapi.org."

ANYINT = Family(
    name="anyint",
    base_url="https://gateway.api.anyint.ai",
    # Our own cap, of what users of the family report: AnyInt documents none.
    rate=Rate(20, 10.0),
    meanings=MappingProxyType(MEANINGS),
    routes=ROUTES,
    kinds=MappingProxyType(
        {kind: offer if kind is Kind.MUSIC else replace(offer, note=_NOTE) for kind, offer in OFFERS.items() if kind in ROUTES}
    ),
    models=MappingProxyType({ours: theirs for ours, theirs in MODELS.items() if ours != "v5.5"}),
    link_days=MappingProxyType({"*": None}),
    callback_stages=("text", "first", "complete"),
    split_by_path=MappingProxyType({"vocals": "/suno/vocal-removal", "all": "/suno/split-stem"}),
)
