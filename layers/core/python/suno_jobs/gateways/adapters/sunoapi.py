"""sunoapi.org. kie.ai uses the same routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways import error_rules as rules
from suno_jobs.gateways.adapters.record_info import LIMITS, MODELS, V6_MODELS, RenewingRecordInfoGateway, Route
from suno_jobs.gateways.adapters.record_info_requests import OFFERS, v6_offers
from suno_jobs.gateways.protocol import Balance, GatewayReply, GatewayRequest, Price, ReadFailed

_GENERATE = "/api/v1/generate"
_SONG = f"{_GENERATE}/record-info"

ROUTES: Mapping[Kind, Route] = {
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

ERROR_RULES: rules.ErrorRules = {
    "400": rules.INVALID_REQUEST,
    "401": rules.AUTHENTICATION,
    "402": rules.QUOTA,  # on the cover pages; 429 on the others
    "404": rules.NOT_FOUND,
    "405": rules.RATE_LIMITED,
    "409": rules.INVALID_REQUEST,  # the record exists; with its task id the submission is Accepted instead
    "413": rules.INVALID_REQUEST,  # a text is too long
    "429": rules.QUOTA,  # not the rate limit, which is 405 and 430
    "430": rules.RATE_LIMITED,
    "455": rules.MAINTENANCE,
    "500": rules.UNKNOWN,
    "531": rules.REFUNDED,  # the task failed, and its credits were returned
}


SUNOAPI_MODELS: Mapping[str, str] = {**MODELS, "v5.5": "V5_5", **V6_MODELS}
V6_LIMITS = replace(LIMITS, prompt=3000)


class SunoApi(RenewingRecordInfoGateway):
    """Sources for V6: public clients, since the pages do not name it yet."""

    name = "sunoapi"
    models = MappingProxyType(SUNOAPI_MODELS)
    default_model = "v6"
    default_models = MappingProxyType({Kind.SOUNDS: "v5"})
    limits = V6_LIMITS
    older_limits = MappingProxyType(
        {**dict.fromkeys(("V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5"), LIMITS), **RenewingRecordInfoGateway.older_limits}
    )
    kinds = MappingProxyType(v6_offers(OFFERS))
    usd_per_unit = 0.005
    prices: Sequence[Price] = (
        Price(Kind.MUSIC, 12, "credits", "2026-11"),
        Price(Kind.STEMS, 50, "credits", "2026-11", given={"split": "all"}),
        Price(Kind.STEMS, 10, "credits", "2026-11"),
    )
    base_url = "https://api.sunoapi.org"
    error_rules = ERROR_RULES
    routes = ROUTES
    link_days = MappingProxyType({"*": 14.0})
    balance_requests: Sequence[GatewayRequest] = (GatewayRequest("GET", f"{_GENERATE}/credit"),)

    def read_balance(self, replies: Sequence[GatewayReply]) -> Balance | ReadFailed:
        return self.balance_in(replies[0], lambda body: body.get("data"))
