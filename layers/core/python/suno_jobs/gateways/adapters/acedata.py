"""Ace Data Cloud (acedata.cloud)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from suno_jobs.catalog.costs import Cost
from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways import error_rules as rules
from suno_jobs.gateways import protocol
from suno_jobs.gateways.adapter import Adapter, Body
from suno_jobs.gateways.adapters.acedata_replies import MODELS, error_fields, read_response, read_stored_task
from suno_jobs.gateways.adapters.acedata_requests import ALWAYS_WITH_MODEL, KINDS, PATHS, audios_body, operation_body
from suno_jobs.gateways.input_fields import Fields, describe
from suno_jobs.gateways.parsing import inner, pick, read_object, single_line
from suno_jobs.gateways.prices import reported_cost
from suno_jobs.gateways.protocol import GatewayReply, GatewayRequest, Price, TaskReport
from suno_jobs.gateways.tracks import objects_in

ERROR_RULES: rules.ErrorRules = {
    "bad_request": rules.INVALID_REQUEST,
    "api_not_implemented": rules.INVALID_REQUEST,
    "disabled": rules.INVALID_REQUEST,
    "no_token": rules.AUTHENTICATION,
    "token_mismatched": rules.AUTHENTICATION,
    "invalid_token": rules.AUTHENTICATION,
    "token_expired": rules.AUTHENTICATION,
    "used_up": rules.QUOTA,
    "forbidden": rules.CONTENT_REJECTED,  # moderation, copyright or the name of an artist
    "content_rejected": rules.CONTENT_REJECTED,
    "no_api": rules.NOT_FOUND,
    "too_many_requests": rules.RATE_LIMITED,
    "busy": rules.RATE_LIMITED,
    "suno_processing_unavailable": rules.MAINTENANCE,
    "suno_model_unavailable": rules.MAINTENANCE,
    "api_error": rules.UNKNOWN,
    "suno_processing_failed": rules.GENERATION_FAILED,
    "availability_unknown": rules.UNKNOWN,
    # HTTP statuses, for a response without such a code.
    "400": rules.INVALID_REQUEST,
    "401": rules.AUTHENTICATION,
    "403": rules.AUTHENTICATION,
    "404": rules.NOT_FOUND,
    "429": rules.RATE_LIMITED,
    "500": rules.UNKNOWN,
    "503": rules.UNKNOWN,
    "504": rules.UNKNOWN,
}


class AceData(Adapter):
    """Sources: Ace Data Cloud's guides to each Suno API and to Suno tasks; its OpenAPI files for the error codes."""

    name = "acedata"
    base_url = "https://api.acedata.cloud"
    key_header = ("authorization", "Bearer ")
    # Our own limit: none is documented.
    rate = protocol.Rate(5, 1.0)
    limits = protocol.Limits(prompt=500, lyrics=5000, style=1000, title=100)
    models = MODELS
    # The limits of v6 are not published: those of the models before it are used.
    older_limits = MappingProxyType(dict.fromkeys(("chirp-v3-0", "chirp-v3-5", "chirp-v4"), protocol.Limits()))
    default_model = "v6"
    # The newest that is documented for it.
    default_models = MappingProxyType({Kind.REMASTER: "v5"})
    prices = (
        Price(Kind.MUSIC, 1.12, "credits", "2026-11", given={"max_mode": True}),
        Price(Kind.MUSIC, 0.56, "credits", "2026-11"),
        Price(Kind.SOUNDS, 0.112, "credits", "2026-11"),
        Price(Kind.ADD_STEM, 1.344, "credits", "2026-11", given={"max_mode": True}),
        Price(Kind.ADD_STEM, 0.672, "credits", "2026-11"),
        Price(Kind.EXTRACT_STEM, 1.12, "credits", "2026-11"),
        Price(Kind.ADJUST_SPEED, 0.28, "credits", "2026-11"),
    )
    always_with_model = ALWAYS_WITH_MODEL
    only_with_lyrics = MappingProxyType({Kind.MUSIC: frozenset({"duration", "max_mode"})})
    kinds = KINDS
    link_days = MappingProxyType({"*": None})
    error_rules = ERROR_RULES
    task_id_fields = ("task_id",)
    callback_field = "callback_url"
    # The maximum of the vendor's own tool.
    batch_size = 50

    def check_values(self, kind: Kind, fields: Fields) -> protocol.FieldErrors:
        return () if kind in PATHS else super().check_values(kind, fields)

    def description(self, kind: Kind, fields: Fields) -> str:  # noqa: ARG002
        return describe(fields, negative=True)

    def path_and_body(self, kind: Kind, fields: Fields, sources: Sequence[protocol.Source]) -> tuple[str, Body]:
        """Sends ``async`` wherever Ace accepts it: a call with neither it nor a callback URL stays open for minutes."""
        path = PATHS.get(kind)
        if path:
            body = operation_body(kind, fields, sources)
        else:
            body = audios_body(kind, fields, sources, self.model_of(kind, fields))
        return path or "/suno/audios", {**body, "async": None if KINDS[kind].synchronous else True}

    def read_result(self, kind: Kind, body: Body) -> TaskReport | None:
        """``success: true`` means accepted, not finished. An unfinished task is read later."""
        report = read_response(kind, body, finished=False, trace_id=None)
        return report if report.status.ended else None

    def status_request(self, kind: Kind, task_id: str) -> GatewayRequest:  # noqa: ARG002
        return GatewayRequest("POST", "/suno/tasks", json={"id": task_id, "action": "retrieve"})

    def read_task(self, kind: Kind, reply: GatewayReply, body: Body) -> TaskReport | None:
        """The response for an unknown task id is not documented. Any unknown format is ReadFailed, not a failed task."""
        return None if self.error_in(reply, body) else read_stored_task(kind, body)

    def batch_request(self, task_ids: Sequence[str]) -> GatewayRequest:
        return GatewayRequest("POST", "/suno/tasks", json={"ids": list(task_ids), "action": "retrieve_batch"})

    def read_batch(
        self, kinds: Mapping[str, Kind], reply: GatewayReply
    ) -> Mapping[str, protocol.Reading] | protocol.ReadFailed:
        """Items may be in any order, and some may be missing."""
        body = read_object(reply.body)
        items = (body or {}).get("items")
        if self.find_error(reply, body) or not isinstance(items, list):
            return self.failed_read(reply, body)
        tasks = {item["id"]: item for item in objects_in(items) if isinstance(item.get("id"), str)}
        found = {each: read_stored_task(kind, tasks[each]) for each, kind in kinds.items() if each in tasks}
        return {each: report for each, report in found.items() if report is not None}

    def read_cost(self, body: Body) -> Cost | None:
        """Replies about v6 have it, beside the response or in it."""
        cost = inner(body, "cost") or inner(inner(body, "response"), "cost")
        return reported_cost(cost.get("amount"), "credits")

    def error_in(self, reply: GatewayReply, body: Body) -> rules.ErrorReply | None:
        """``error.code`` decides. Some error bodies have no ``success``."""
        if rules.is_ok(reply) and body.get("success") is not False and pick(body, "error") is None:
            return None
        code, message = error_fields(body)
        http = None if rules.is_ok(reply) else rules.http_code(reply)
        return rules.ErrorReply((code, http), message, single_line(pick(body, "trace_id"), 100))
