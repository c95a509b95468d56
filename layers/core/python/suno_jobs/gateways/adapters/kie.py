"""kie.ai. It differs from sunoapi.org in error codes, one more model and the lifetime of links."""

from __future__ import annotations

from types import MappingProxyType

from suno_jobs.errors import ErrorCode
from suno_jobs.gateways import error_rules as rules
from suno_jobs.gateways.adapters.record_info import MODELS, RenewingRecordInfoGateway
from suno_jobs.gateways.adapters.sunoapi import ROUTES
from suno_jobs.gateways.protocol import ErrorRule

ERROR_RULES: rules.ErrorRules = {
    "400": rules.INVALID_REQUEST,
    "401": rules.AUTHENTICATION,
    "402": rules.QUOTA,
    "404": rules.NOT_FOUND,
    "408": rules.UNKNOWN,  # a timeout
    "409": rules.INVALID_REQUEST,  # the record exists; with its task id the submission is Accepted instead
    "422": rules.INVALID_REQUEST,
    "429": rules.RATE_LIMITED,  # not the quota, which is 402
    # Only known from the table of a client, and not verified: never retried.
    "433": ErrorRule(ErrorCode.GATEWAY_ERROR, refused=False),
    "451": rules.INVALID_REQUEST,  # the audio or the image could not be downloaded
    "455": rules.MAINTENANCE,
    "500": rules.UNKNOWN,
    "501": rules.GENERATION_FAILED,
    "505": rules.INVALID_REQUEST,  # the feature is disabled
    "531": rules.REFUNDED,  # the task failed, and its credits were returned
}


class Kie(RenewingRecordInfoGateway):
    name = "kie"
    base_url = "https://api.kie.ai"
    error_rules = ERROR_RULES
    routes = ROUTES
    models = MappingProxyType({"v3.5": "V3_5", **MODELS})
    # The shortest documented lifetime. Other pages say 14 days.
    link_days = MappingProxyType({"*": 1.0})
