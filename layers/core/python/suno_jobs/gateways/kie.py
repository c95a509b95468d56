"""kie.ai: the same as sunoapi.org but for its codes, one more model and shorter links."""

from __future__ import annotations

from types import MappingProxyType

from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.base import Rate
from suno_jobs.gateways.family import MODELS, RecoveringFamily
from suno_jobs.gateways.family_requests import OFFERS
from suno_jobs.gateways.sunoapi import ROUTES
from suno_jobs.gateways.verdicts import BROKEN, DENIED, INVALID, LATER, NOT_FOUND, QUOTA, RATE, UNKNOWN, Meaning

MEANINGS = {
    "400": INVALID,
    "401": DENIED,
    "402": QUOTA,
    "404": NOT_FOUND,
    "408": UNKNOWN,  # a timeout
    "409": INVALID,  # the record exists already; with its task id it is adopted instead
    "422": INVALID,
    "429": RATE,  # not the credits: those are 402
    # Seen in a client's table only, its meaning is not verified: nothing is repeated.
    "433": Meaning(ErrorCode.GATEWAY_ERROR, refused=False),
    "451": INVALID,  # the audio or the picture could not be downloaded
    "455": LATER,
    "500": UNKNOWN,
    "501": BROKEN,
    "505": INVALID,  # the feature is disabled
}

KIE = RecoveringFamily(
    name="kie",
    base_url="https://api.kie.ai",
    # Taken from its twin: only "three a second for one task" is documented.
    rate=Rate(20, 10.0),
    meanings=MappingProxyType(MEANINGS),
    routes=ROUTES,
    kinds=OFFERS,
    models=MappingProxyType({"v3.5": "V3_5", **MODELS}),
    # The shortest that any of its pages says; others say 14 days.
    link_days=MappingProxyType({"*": 1.0}),
    callback_stages=("text", "first", "complete"),
)
