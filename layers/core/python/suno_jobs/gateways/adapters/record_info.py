"""The adapter of sunoapi.org, kie.ai and AnyInt, which share the record-info API: fields, statuses and most error codes.

Each gateway is a subclass with its own tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways import protocol
from suno_jobs.gateways.adapter import Adapter, Body
from suno_jobs.gateways.adapters import record_info_replies as replies
from suno_jobs.gateways.adapters.record_info_requests import (
    MODEL_REQUIRED,
    NO_PARAMETERS,
    OFFERS,
    WITH_SIMPLE_MODE,
    request_body,
)
from suno_jobs.gateways.error_rules import ErrorReply, ErrorRules, find_code, is_ok
from suno_jobs.gateways.input_fields import Fields
from suno_jobs.gateways.parsing import read_object
from suno_jobs.gateways.protocol import GatewayReply, GatewayRequest, TaskReport
from suno_jobs.gateways.reports import failed_report

MODELS: Mapping[str, str] = {
    "v4": "V4",
    "v4.5": "V4_5",
    "v4.5plus": "V4_5PLUS",
    "v4.5all": "V4_5ALL",
    "v5": "V5",
}
V6_MODELS: Mapping[str, str] = {"v6": "V6", "v6-wild": "V6_WILD", "v6-mini": "V6_MINI"}
LIMITS = protocol.Limits(prompt=500, lyrics=5000, style=1000, title=80, negative_style=1000)
"""Of V4_5 to V5_5."""


@dataclass(frozen=True, slots=True)
class Route:
    """The path of the submission and of the status request. A synchronous operation has no ``query``."""

    submit: str
    query: str = ""


class RecordInfoGateway(Adapter):
    """A callback of any kind and stage has the task id, with or without ``data``, as ``taskId`` or ``task_id``."""

    key_header = ("Authorization", "Bearer ")
    # As reported by users of sunoapi.org. Documented is only "three a second for one task", by kie.ai.
    rate = protocol.Rate(20, 10.0)
    limits = LIMITS
    older_limits: Mapping[str, protocol.Limits] = MappingProxyType(
        dict.fromkeys(("V3_5", "V4"), replace(LIMITS, lyrics=3000, style=200))
    )
    models = MODELS
    default_model = "v5"
    always_with_model = MODEL_REQUIRED
    only_with_lyrics = MappingProxyType(
        {
            Kind.MUSIC: frozenset({"duration", "variety"}),
            Kind.UPLOAD_COVER: frozenset({"duration"}),
            Kind.MASHUP: frozenset({"duration"}),
        }
    )
    models_with = MappingProxyType({"duration": frozenset({"v5.5", *V6_MODELS}), "variety": frozenset(V6_MODELS)})
    kinds = OFFERS
    callback_stages: tuple[str, ...] = ("text", "first", "complete")
    stage_words = MappingProxyType({"callbackType": ("text", "first")})
    task_id_fields = replies.TASK_ID
    callback_field = "callBackUrl"
    routes: Mapping[Kind, Route]
    split_by_path: Mapping[str, str] = MappingProxyType({})
    """The path per ``split`` of stems, for a gateway that has no field ``type`` for it."""

    def check_values(self, kind: Kind, fields: Fields) -> protocol.FieldErrors:
        """Lyrics require custom mode, in which the models before V6 require style and title."""
        if kind is Kind.LYRICS:
            return ()
        custom = kind in WITH_SIMPLE_MODE and "lyrics" in fields and not self.is_v6(kind, fields)
        missing = [name for name in ("style", "title") if custom and name not in fields]
        problems = tuple((name, "is required by this gateway when lyrics are given") for name in missing)
        return problems + super().check_values(kind, fields)

    def is_v6(self, kind: Kind, fields: Fields) -> bool:
        return self.model_of(kind, fields) in V6_MODELS.values()

    def limits_of(self, kind: Kind, fields: Fields) -> protocol.Limits:
        limits = super().limits_of(kind, fields)
        return replace(limits, title=100) if kind in NO_PARAMETERS else limits

    def description(self, kind: Kind, fields: Fields) -> str | None:
        return super().description(kind, fields) if kind in WITH_SIMPLE_MODE else None

    def path_and_body(self, kind: Kind, fields: Fields, sources: Sequence[protocol.Source]) -> tuple[str, Body]:
        with_model = self.sends_model(kind, fields)
        body = request_body(kind, fields, sources, separate_lyrics=with_model and self.is_v6(kind, fields))
        path = self.routes[kind].submit
        if with_model:
            body["model"] = self.model_of(kind, fields)
        if kind is Kind.STEMS:
            split = fields.get("split", "vocals")
            path = self.split_by_path.get(split, path)
            body["type"] = None if self.split_by_path else {"vocals": "separate_vocal", "all": "split_stem"}[split]
        return path, body

    def read_submission(self, kind: Kind, reply: GatewayReply) -> protocol.Submission:
        """409 with a task id is an earlier identical request. One page documents 400 instead for cover art."""
        body = read_object(reply.body)
        error, task_id = self.find_error(reply, body), self.task_id(kind, body)
        duplicate = ("409", "400") if kind is Kind.COVER_ART else ("409",)
        if task_id and error is not None and error.codes[0] in duplicate:
            return protocol.Accepted(task_id)
        return super().read_submission(kind, reply)

    def task_id(self, kind: Kind, body: Body | None) -> str | None:
        return None if self.kinds[kind].synchronous else super().task_id(kind, body)

    def read_result(self, kind: Kind, body: Body) -> TaskReport | None:
        return replies.read_synchronous_result(kind, body)

    def status_request(self, kind: Kind, task_id: str) -> GatewayRequest:
        route = self.routes[kind]
        return GatewayRequest("GET", route.query or self.routes[Kind.MUSIC].query, params={"taskId": task_id})

    def read_task(self, kind: Kind, reply: GatewayReply, body: Body) -> TaskReport | None:
        """``501`` and ``531`` mean that the task failed. A refused status request has another code."""
        refunds = {code: rule for code, rule in self.error_rules.items() if rule.refunded}
        if error := self.error_in(reply, body):
            task_failed = is_ok(reply) and error.rule(self.error_rules).code is ErrorCode.GENERATION_FAILED
            return failed_report((), error.task_fault(refunds)) if task_failed else None
        return self.read_record(kind, body, refunds)

    def read_record(self, kind: Kind, body: Body, refunds: ErrorRules) -> TaskReport | None:
        return replies.read_record(kind, body, refunds)

    def error_in(self, reply: GatewayReply, body: Body) -> ErrorReply | None:
        return find_code(reply, body, "msg", "message", success=(None, "200"))


class RenewingRecordInfoGateway(RecordInfoGateway):
    """Can renew expired links. The new files may have another type than the original ones."""

    def renewal_request(self, task_id: str) -> GatewayRequest:
        return GatewayRequest("POST", "/api/v1/suno/recovery", json={"sunoTaskId": task_id})

    def read_renewal_submission(self, reply: GatewayReply) -> protocol.Submission:
        body = read_object(reply.body)
        return self.outcome(reply, body, self.task_id(Kind.MUSIC, body))

    def renewal_status_request(self, renewal_task_id: str) -> GatewayRequest:
        return GatewayRequest("GET", "/api/v1/suno/recovery/record-info", params={"task_id": renewal_task_id})

    def read_renewal(self, reply: GatewayReply) -> protocol.Reading:
        body = read_object(reply.body)
        report = replies.read_renewal_record(body) if body is not None and is_ok(reply) else None
        return report or self.failed_read(reply, body)
