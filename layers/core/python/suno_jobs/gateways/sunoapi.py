"""sunoapi.org, with the tables that kie.ai has too."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from suno_jobs.gateways.base import Kind, Rate
from suno_jobs.gateways.family import MODELS, RecoveringFamily, Route
from suno_jobs.gateways.family_requests import OFFERS
from suno_jobs.gateways.verdicts import DENIED, INVALID, LATER, NOT_FOUND, QUOTA, RATE, UNKNOWN

_GENERATE = "/api/v1/generate"
_SONG = f"{_GENERATE}/record-info"

ROUTES: Mapping[Kind, Route] = MappingProxyType(
    {
        Kind.MUSIC: Route(_GENERATE, _SONG),
        Kind.EXTEND: Route(f"{_GENERATE}/extend", _SONG),
        Kind.UPLOAD_COVER: Route(f"{_GENERATE}/upload-cover", _SONG),
        Kind.UPLOAD_EXTEND: Route(f"{_GENERATE}/upload-extend", _SONG),
        Kind.ADD_VOCALS: Route(f"{_GENERATE}/add-vocals", _SONG),
        Kind.ADD_INSTRUMENTAL: Route(f"{_GENERATE}/add-instrumental", _SONG),
        Kind.MASHUP: Route(f"{_GENERATE}/mashup", _SONG),
        Kind.REPLACE_SECTION: Route(f"{_GENERATE}/replace-section", _SONG),
        Kind.SOUNDS: Route(f"{_GENERATE}/sounds", _SONG),
        Kind.LYRICS: Route("/api/v1/lyrics", "/api/v1/lyrics/record-info"),
        Kind.STEMS: Route("/api/v1/vocal-removal/generate", "/api/v1/vocal-removal/record-info"),
        Kind.WAV: Route("/api/v1/wav/generate", "/api/v1/wav/record-info"),
        Kind.MP4: Route("/api/v1/mp4/generate", "/api/v1/mp4/record-info"),
        Kind.COVER_ART: Route("/api/v1/suno/cover/generate", "/api/v1/suno/cover/record-info"),
        Kind.TIMESTAMPED_LYRICS: Route(f"{_GENERATE}/get-timestamped-lyrics"),
        Kind.PERSONA: Route(f"{_GENERATE}/generate-persona"),
    }
)

MEANINGS = {
    "400": INVALID,
    "401": DENIED,
    "402": QUOTA,  # on the cover pages; elsewhere 429 says it
    "404": NOT_FOUND,
    "405": RATE,
    "409": INVALID,  # the record exists already; with its task id it is adopted instead
    "413": INVALID,  # a text is too long
    "429": QUOTA,  # not the rate: that is 405 and 430
    "430": RATE,
    "455": LATER,
    "500": UNKNOWN,
}

SUNOAPI = RecoveringFamily(
    name="sunoapi",
    base_url="https://api.sunoapi.org",
    # What users report; the pages name no figure.
    rate=Rate(20, 10.0),
    meanings=MappingProxyType(MEANINGS),
    routes=ROUTES,
    kinds=OFFERS,
    models=MappingProxyType(MODELS),
    link_days=MappingProxyType({"*": 14.0}),
    callback_stages=("text", "first", "complete"),
)
