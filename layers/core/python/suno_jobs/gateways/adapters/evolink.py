"""EvoLink (evolink.ai)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from suno_jobs.catalog.costs import Cost
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Media, Result
from suno_jobs.gateways import error_rules as rules
from suno_jobs.gateways import protocol
from suno_jobs.gateways.adapter import Adapter, Body
from suno_jobs.gateways.input_fields import SONG_FIELDS, WEIGHTS, Fields, describe, rename_fields, same_names, without_none
from suno_jobs.gateways.parsing import code_text, find_task_id, inner, media_url, pick, read_object, single_line
from suno_jobs.gateways.prices import parse_amount, reported_cost
from suno_jobs.gateways.protocol import GatewayReply, GatewayRequest, Offer, Price, TaskReport, TaskStatus, TaskTrack
from suno_jobs.gateways.reports import failed_report, finished_report, running_report
from suno_jobs.gateways.results import read_id
from suno_jobs.gateways.tracks import TrackFields, file_tracks, objects_in, read_tracks

_TASKS = "/v1/tasks"
_GENERATIONS = "/v1/audios/generations"

MODELS: Mapping[str, str] = {
    name: f"suno-{name}-beta" for name in ("v4", "v4.5", "v4.5plus", "v4.5all", "v5", "v5.5", "v6", "v6-wild", "v6-mini")
}
_V6 = ("v6", "v6-wild", "v6-mini")

ERROR_RULES: rules.ErrorRules = {
    "invalid_task_id": rules.NOT_FOUND,
    "task_not_found": rules.NOT_FOUND,
    "insufficient_quota": rules.QUOTA,
    "insufficient_user_quota": rules.QUOTA,
    "quota_not_enough": rules.QUOTA,
    "insufficient_token_quota": rules.QUOTA,
    "token_daily_quota_exceeded": rules.QUOTA,
    # HTTP statuses, for a response without such a code.
    "400": rules.INVALID_REQUEST,
    "401": rules.AUTHENTICATION,
    "402": rules.QUOTA,
    "403": rules.AUTHENTICATION,
    "404": rules.NOT_FOUND,
    "413": rules.INVALID_REQUEST,
    "429": rules.RATE_LIMITED,
    "500": rules.UNKNOWN,
    "502": rules.UNKNOWN,
    "503": rules.UNKNOWN,
    # About the key of a request that may be repeated: another request with it may have created a task.
    "idempotency_conflict": rules.UNKNOWN,
    "paid_outcome_unknown": rules.UNKNOWN,
}
_TASK_RULES: rules.ErrorRules = {
    "content_policy_violation": rules.CONTENT_REJECTED,
    "invalid_parameters": rules.INVALID_REQUEST,
    "resource_not_found": rules.NOT_FOUND,
    "model_unavailable": rules.MODEL_UNAVAILABLE,
}
"""The codes of a failed task that say more than that it failed."""

KINDS: Mapping[Kind, Offer] = {
    Kind.MUSIC: Offer(fields=SONG_FIELDS | {"persona_id", "duration"}, required=("prompt/lyrics",)),
    Kind.PERSONA: Offer.of_source(Result.ID, ("name", "description", "style", "start_s", "end_s"), ("name", "description")),
}

_CUSTOM = {
    **same_names("style", "title", "vocal_gender", "style_weight", "audio_weight", "persona_id", "duration"),
    "lyrics": "prompt",
    "negative_style": "negative_tags",
    "weirdness": "weirdness_constraint",
}
_PERSONA = {**same_names("name", "description", "style"), "start_s": "vocal_start", "end_s": "vocal_end"}
_TRACK = TrackFields(track_id=("result_id",), audio=("audio_url",), image=("image_url",), streams=("stream_audio_url",))
_RUNNING = frozenset({"pending", "processing"})
_FAILED = frozenset({"failed", "cancelled"})


class EvoLink(Adapter):
    """Sources: EvoLink's pages on audio generation, tasks and errors; its own client for the batch and for cancelled tasks."""

    name = "evolink"
    base_url = "https://api.evolink.ai"
    key_header = ("Authorization", "Bearer ")
    # Our own limit: none is documented.
    rate = protocol.Rate(5, 1.0)
    limits = protocol.Limits(prompt=3000, lyrics=5000, style=1000, title=80)
    older_limits = MappingProxyType(
        {
            MODELS["v4"]: protocol.Limits(),
            **{
                MODELS[name]: protocol.Limits(lyrics=5000, style=1000) for name in ("v4.5", "v4.5plus", "v4.5all", "v5", "v5.5")
            },
        }
    )
    models = MappingProxyType(MODELS)
    default_model = "v6"
    always_with_model = frozenset({Kind.MUSIC})
    # Without effect in simple mode.
    only_with_lyrics = MappingProxyType({Kind.MUSIC: WEIGHTS | {"vocal_gender", "persona_id", "duration"}})
    models_with = MappingProxyType({"duration": frozenset({"v5.5", *_V6}), "persona_id": frozenset({"v5", "v5.5", *_V6})})
    kinds = KINDS
    # About 68 credits are 1 USD.
    usd_per_unit = 0.0147
    # The prices of songs are published per song in USD, and those of v6 not at all.
    prices = (Price(Kind.PERSONA, 1, "credits", "2026-11"),)
    # 72 hours on the page of Suno, 24 hours in EvoLink's own client.
    link_days = MappingProxyType({"*": 1.0})
    error_rules = ERROR_RULES
    balance_requests = (GatewayRequest("GET", "/v1/credits"),)
    task_id_fields = ("id",)
    callback_field = "callback_url"
    # Our own number: the maximum is not documented.
    batch_size = 20
    # Our own time: how long a key lives is not documented.
    repeat_seconds = 600

    def check_values(self, kind: Kind, fields: Fields) -> protocol.FieldErrors:
        """Lyrics require custom mode, in which style and title are required."""
        if kind is Kind.PERSONA:
            return _check_section(fields)
        missing = [name for name in ("style", "title") if "lyrics" in fields and name not in fields]
        problems = tuple((name, "is required by this gateway when lyrics are given") for name in missing)
        return problems + super().check_values(kind, fields)

    def description(self, kind: Kind, fields: Fields) -> str:  # noqa: ARG002
        return describe(fields, negative=True)

    def path_and_body(self, kind: Kind, fields: Fields, sources: Sequence[protocol.Source]) -> tuple[str, Body]:
        if kind is Kind.PERSONA:
            ids = {"source_task_id": sources[0].task_id, "result_id": sources[0].track_id}
            return _GENERATIONS, {"model": "suno-persona", "model_params": ids | rename_fields(fields, _PERSONA)}
        return _GENERATIONS, {"model": self.model_of(kind, fields), **_song(fields)}

    def with_key(self, request: GatewayRequest, key: str) -> GatewayRequest:
        return replace(request, headers={"Idempotency-Key": key})

    def status_request(self, kind: Kind, task_id: str) -> GatewayRequest:  # noqa: ARG002
        return GatewayRequest("GET", f"{_TASKS}/{quote(task_id, safe='')}")

    def read_task(self, kind: Kind, reply: GatewayReply, body: Body) -> TaskReport | None:
        return _read_task(kind, body) if rules.is_ok(reply) else None

    def read_cost(self, body: Body) -> Cost | None:
        return reported_cost(inner(body, "usage").get("credits_used"), "credits")

    def read_balance(self, replies: Sequence[GatewayReply]) -> protocol.Balance | protocol.ReadFailed:
        return self.balance_in(replies[0], _remaining_credits)

    def batch_request(self, task_ids: Sequence[str]) -> GatewayRequest:
        return GatewayRequest("POST", f"{_TASKS}/batch", json={"task_ids": list(task_ids)})

    def read_batch(
        self, kinds: Mapping[str, Kind], reply: GatewayReply
    ) -> Mapping[str, protocol.Reading] | protocol.ReadFailed:
        """Tasks that EvoLink does not find are missing."""
        body = read_object(reply.body)
        items = (body or {}).get("data")
        if self.find_error(reply, body) or not isinstance(items, list):
            return self.failed_read(reply, body)
        tasks = {find_task_id(item, "id"): item for item in objects_in(items)}
        found = {each: _read_task(kind, tasks[each]) for each, kind in kinds.items() if each in tasks}
        return {each: report for each, report in found.items() if report is not None}

    def error_in(self, reply: GatewayReply, body: Body) -> rules.ErrorReply | None:
        """The ``error`` of a failed task is in a reply that is no error."""
        if rules.is_ok(reply) and (code_text(body.get("status")) or pick(body, "error") is None):
            return None
        code, message = _error_fields(body)
        http = None if rules.is_ok(reply) else rules.http_code(reply)
        trace_id = single_line(reply.headers.get("x-request-id") or reply.headers.get("x-oneapi-request-id"), 100)
        return rules.ErrorReply((code, http), message, trace_id)


def _remaining_credits(body: Body) -> float | None:
    """A key may have a limit below what its user has left."""
    user, token = (inner(inner(body, "data"), each) for each in ("user", "token"))
    limited = [user, token] if token.get("unlimited_credits") is False else [user]
    amounts = [parse_amount(each.get("remaining_credits")) for each in limited]
    return min((each for each in amounts if each is not None), default=None)


def _song(fields: Fields) -> Body:
    """Simple mode has a description only. Weights have steps of 0.01."""
    custom = "lyrics" in fields
    given = {name: round(value, 2) if name in WEIGHTS else value for name, value in fields.items()}
    text = rename_fields(given, _CUSTOM) if custom else {"prompt": describe(fields, negative=True)}
    return without_none({"custom_mode": custom, "instrumental": fields.get("instrumental", False), **text})


def _check_section(fields: Fields) -> protocol.FieldErrors:
    start, end = fields.get("start_s"), fields.get("end_s")
    if start is None and end is None:
        return ()
    if start is None or end is None:
        return (("start_s" if start is None else "end_s", "is required by this gateway, unless neither is given"),)
    return () if 10 <= end - start <= 30 else (("end_s", "must be 10 to 30 seconds after start_s at this gateway"),)


def _error_fields(body: Body) -> tuple[str | None, Any]:
    error = pick(body, "error")
    if isinstance(error, dict):
        return code_text(error.get("code")), error.get("message")
    return None, error


def _read_task(kind: Kind, body: Body) -> TaskReport | None:
    status = code_text(body.get("status"))
    if status is None or find_task_id(body, "id") is None:
        return None
    match status.lower():
        case "completed":
            if kind is Kind.PERSONA:
                return read_id(inner(body, "result_data"), "persona_id", "persona_id")
            return finished_report(_tracks(body))
        case failed if failed in _FAILED:
            code, message = _error_fields(body)
            reason = rules.ErrorReply((code, failed), message).task_fault(_TASK_RULES)
            # Documented for failed tasks only.
            refunded = True if failed == "failed" else None
            return failed_report(_tracks(body), replace(reason, refunded=refunded))
        case other:
            return running_report(TaskStatus.PENDING, (), () if other in _RUNNING else (status,))


def _tracks(body: Body) -> tuple[TaskTrack, ...]:
    """The songs in ``result_data``, or in its ``songs``. Without them, the bare links in ``results``."""
    data = body.get("result_data")
    songs = read_tracks(data if isinstance(data, list) else inner(body, "result_data").get("songs"), _TRACK)
    urls = body.get("results")
    if songs or not isinstance(urls, list):
        return songs
    return file_tracks("audio", Media.AUDIO, map(media_url, urls))
