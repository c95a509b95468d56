"""AnyInt (anyint.ai).

Sources: AnyInt's pages Music Generation, AI Music API and Music Tasks and Webhooks. They document every route and the fields
of ``/suno/generate``. The fields of the other routes, the text limits and the replies are inferred from sunoapi.org, which has
the same codes and statuses. The notes of the offers say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways.adapters.record_info import RecordInfoGateway, Route
from suno_jobs.gateways.adapters.record_info_requests import OFFERS
from suno_jobs.gateways.adapters.sunoapi import ERROR_RULES as SUNOAPI_RULES

_SONG = "/suno/query/task"

ROUTES: Mapping[Kind, Route] = {
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

ERROR_RULES = {code: SUNOAPI_RULES[code] for code in ("400", "401", "405", "413", "429", "430", "455", "500")}
"""AnyInt documents these codes, with the meaning that they have at sunoapi.org."""

_NOTE = "AnyInt documents only the route. The fields are those of the same route at sunoapi.org."


class AnyInt(RecordInfoGateway):
    name = "anyint"
    base_url = "https://gateway.api.anyint.ai"
    error_rules = ERROR_RULES
    routes = ROUTES
    kinds = MappingProxyType(
        {kind: offer if kind is Kind.MUSIC else replace(offer, note=_NOTE) for kind, offer in OFFERS.items() if kind in ROUTES}
    )
    link_days = MappingProxyType({"*": None})
    split_by_path = MappingProxyType({"vocals": "/suno/vocal-removal", "all": "/suno/split-stem"})
