"""kie.ai. It shares the fields of sunoapi.org. A newer route, error codes and the lifetime of links differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from suno_jobs.catalog.costs import Cost
from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways import error_rules as rules
from suno_jobs.gateways import protocol
from suno_jobs.gateways.adapter import Body
from suno_jobs.gateways.adapters.kie_jobs import CREATE, OPERATIONS, RECORD, create_task_body, read_job_record
from suno_jobs.gateways.adapters.record_info import V6_MODELS
from suno_jobs.gateways.adapters.sunoapi import SunoApi
from suno_jobs.gateways.input_fields import WEIGHTS, Fields, rename_fields, same_names
from suno_jobs.gateways.parsing import inner
from suno_jobs.gateways.prices import reported_cost
from suno_jobs.gateways.protocol import GatewayRequest, Offer, Price, TaskReport

ERROR_RULES: rules.ErrorRules = {
    "400": rules.INVALID_REQUEST,
    "401": rules.AUTHENTICATION,
    "402": rules.QUOTA,
    "404": rules.NOT_FOUND,
    "408": rules.UNKNOWN,  # a timeout
    "409": rules.INVALID_REQUEST,  # the record exists; with its task id the submission is Accepted instead
    "422": rules.INVALID_REQUEST,
    "429": rules.RATE_LIMITED,  # not the quota, which is 402
    "433": rules.QUOTA,  # the usage limit of a sub-key
    "451": rules.INVALID_REQUEST,  # the audio or the image could not be downloaded
    "455": rules.MAINTENANCE,
    "500": rules.UNKNOWN,
    "501": rules.GENERATION_FAILED,
    "505": rules.INVALID_REQUEST,  # the feature is disabled
    "531": rules.REFUNDED,  # the task failed, and its credits were returned
}


def _offers(offers: Mapping[Kind, Offer]) -> Mapping[Kind, Offer]:
    mashup = offers[Kind.MASHUP]
    required = (*mashup.required, "style", "title")
    return {**offers, Kind.MASHUP: replace(mashup, required=required, fields=mashup.fields - {"duration"})}


class Kie(SunoApi):
    """Both routes are read for every kind, since a task may come from either."""

    name = "kie"
    base_url = "https://api.kie.ai"
    error_rules = ERROR_RULES
    # The newer route; public clients found that it refuses the models before V5_5.
    models = MappingProxyType({"v5.5": "V5_5", **V6_MODELS})
    # The older pages say V5 for sounds; a public client found that V5_5 works.
    default_models = MappingProxyType({Kind.SOUNDS: "v5.5"})
    kinds = MappingProxyType(_offers(SunoApi.kinds))
    # 1000 credits are 5 USD.
    usd_per_unit = 0.005
    prices: Sequence[Price] = (
        *(Price(kind, 12, "credits", "2026-11") for kind in (Kind.MUSIC, Kind.EXTEND, Kind.UPLOAD_COVER)),
        Price(Kind.PERSONA, 0, "credits", "2026-11"),
    )
    only_with_lyrics = MappingProxyType({Kind.MUSIC: frozenset({"duration", "variety", "vocal_gender"}) | WEIGHTS})
    # The format of a callback is not documented; one at the end is assumed.
    callback_stages: tuple[str, ...] = ("final",)
    # The shortest documented lifetime. Other pages say 14 days.
    link_days = MappingProxyType({"*": 1.0})

    balance_requests: Sequence[GatewayRequest] = (GatewayRequest("GET", "/api/v1/chat/credit"),)

    def read_cost(self, body: Body) -> Cost | None:
        """On the jobs route."""
        return reported_cost(inner(body, "data").get("creditsConsumed"), "credits")

    def path_and_body(self, kind: Kind, fields: Fields, sources: Sequence[protocol.Source]) -> tuple[str, Body]:
        path, body = super().path_and_body(kind, fields, sources)
        if kind is Kind.MASHUP:
            # Required in both modes, so they need not be in the prompt.
            body |= rename_fields(fields, same_names("style", "title"))
            body |= {"prompt": fields["prompt"]} if "prompt" in fields else {}
        return (CREATE, create_task_body(kind, body)) if kind in OPERATIONS else (path, body)

    def status_request(self, kind: Kind, task_id: str) -> GatewayRequest:
        if kind in OPERATIONS:
            return GatewayRequest("GET", RECORD, params={"taskId": task_id})
        return super().status_request(kind, task_id)

    def read_record(self, kind: Kind, body: Body, refunds: rules.ErrorRules) -> TaskReport | None:
        return read_job_record(kind, body, refunds) or super().read_record(kind, body, refunds)
