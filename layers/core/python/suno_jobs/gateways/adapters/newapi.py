"""The relays that run new-api or Suno-API: one contract, many resellers. The address of the instance is in its account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Result
from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways import error_rules as rules
from suno_jobs.gateways import protocol
from suno_jobs.gateways.adapter import Adapter, Body
from suno_jobs.gateways.input_fields import Fields, check_lengths, describe, rename_fields
from suno_jobs.gateways.model_names import COMMON_NAMES
from suno_jobs.gateways.parsing import clean_message, code_text, find_task_id, inner, pick, read_object
from suno_jobs.gateways.prices import parse_amount
from suno_jobs.gateways.protocol import GatewayReply, GatewayRequest, Offer, TaskReport, TaskStatus, TaskTrack
from suno_jobs.gateways.reports import failed_report, finished_report, running_report
from suno_jobs.gateways.results import read_lyrics
from suno_jobs.gateways.tracks import TrackFields, objects_in, read_tracks

ERROR_RULES: rules.ErrorRules = {
    "invalid_request": rules.INVALID_REQUEST,
    "prompt_empty": rules.INVALID_REQUEST,
    "invalid_action": rules.INVALID_REQUEST,
    "model_price_error": rules.INVALID_REQUEST,  # the instance has no price for the model
    "invalid_api_platform": rules.INVALID_REQUEST,
    "task_not_exist": rules.NOT_FOUND,
    "task_origin_not_exist": rules.NOT_FOUND,
    "task_channel_disable": rules.NOT_FOUND,  # the account that made the source is disabled
    "insufficient_user_quota": rules.QUOTA,
    "do_request_failed": rules.UNKNOWN,
    "read_response_body_failed": rules.UNKNOWN,
    "unmarshal_response_body_failed": rules.UNKNOWN,
    "internal_error": rules.UNKNOWN,
    # The status of the server behind the relay is passed on; only its 4xx are refusals, see ``error_in``.
    "fail_to_fetch_task": rules.INVALID_REQUEST,
    # HTTP statuses, for a response without such a word.
    "400": rules.INVALID_REQUEST,
    "401": rules.AUTHENTICATION,
    "403": rules.AUTHENTICATION,
    "429": rules.RATE_LIMITED,
    "500": rules.UNKNOWN,
}

_TEXTS = ("prompt", "lyrics", "style", "title", "model", "instrumental")
_MODEL_NOTE = "The names of models differ between instances, so the model is required, by the name of the instance."

KINDS: Mapping[Kind, Offer] = {
    Kind.MUSIC: Offer(fields=frozenset(_TEXTS), required=("prompt/lyrics", "model"), note=_MODEL_NOTE),
    Kind.EXTEND: Offer.of_source(
        fields=(*_TEXTS, "continue_at"), required=("continue_at", "prompt/lyrics", "model"), note=_MODEL_NOTE
    ),
    Kind.LYRICS: Offer(Result.LYRICS, fields=frozenset({"prompt"}), required=("prompt",)),
}

_CUSTOM = {"lyrics": "prompt", "style": "tags", "title": "title"}
_CLIP = TrackFields(
    track_id=("id",),
    audio=("audio_url",),
    image=("image_url",),
    video=("video_url",),
    streams=("stream_url",),
    lyrics=("prompt",),
    model=("model_name", "major_model_version"),
)
_RUNNING = frozenset({"NOT_START", "SUBMITTED", "QUEUED", "IN_PROGRESS"})
_FINISHED = frozenset({"SUCCESS", "UNKNOWN"})
"""``UNKNOWN`` is a finished task in the reference server."""
_FAILED = frozenset({"FAILURE", "FAIL"})
_CLIP_ENDS = frozenset({"complete", "error"})


class NewApi(Adapter):
    """Sources: the pages and the source of new-api and Suno-API, and the pages of two resellers.

    new-api drops every field that its own structure does not have, ``notify_hook`` among them: the tasks are polled.
    """

    name = "newapi"
    base_url = ""
    key_header = ("Authorization", "Bearer ")
    # Our own limit: it depends on the instance.
    rate = protocol.Rate(5, 1.0)
    # They depend on the instance: the largest of all gateways.
    limits = protocol.Limits(prompt=3000, lyrics=5000, style=1000, title=100)
    models: Mapping[str, str] = MappingProxyType({})
    default_model = ""
    always_with_model = frozenset({Kind.MUSIC, Kind.EXTEND})
    kinds = KINDS
    calls_back = False
    link_days = MappingProxyType({"*": None})
    error_rules = ERROR_RULES
    task_id_fields = ("task_id",)
    callback_field = "notify_hook"
    # Our own number: no maximum is documented.
    batch_size = 20
    # The first two are those of new-api, the last one is that of Suno-API.
    balance_requests = tuple(
        GatewayRequest("GET", path)
        for path in ("/v1/dashboard/billing/subscription", "/v1/dashboard/billing/usage", "/suno/account")
    )

    def check_values(self, kind: Kind, fields: Fields) -> protocol.FieldErrors:
        """A common name means nothing to an instance."""
        ours = fields.get("model") in COMMON_NAMES
        unusable = (("model", "must be the instance's own name of the model, such as chirp-v6"),) if ours else ()
        return unusable + check_lengths(fields, self.limits, description=self.description(kind, fields))

    def model_of(self, kind: Kind, fields: Fields) -> str:  # noqa: ARG002
        """An instance may know Suno's internal names, so none is translated."""
        return str(fields.get("model", ""))

    def path_and_body(self, kind: Kind, fields: Fields, sources: Sequence[protocol.Source]) -> tuple[str, Body]:
        if kind is Kind.LYRICS:
            return "/suno/submit/lyrics", {"prompt": fields["prompt"]}
        custom = "lyrics" in fields
        text = rename_fields(fields, _CUSTOM) if custom else {"gpt_description_prompt": describe(fields, negative=False)}
        song = {"mv": self.model_of(kind, fields), "make_instrumental": fields.get("instrumental", False), **text}
        return "/suno/submit/music", song | (_continuation(fields, sources[0]) if sources else {})

    def task_id(self, kind: Kind, body: Body | None) -> str | None:
        """A bare string in the reply to a submission."""
        return super().task_id(kind, body) or find_task_id(body, "data")

    def status_request(self, kind: Kind, task_id: str) -> GatewayRequest:  # noqa: ARG002
        return GatewayRequest("GET", f"/suno/fetch/{quote(task_id, safe='')}")

    def read_task(self, kind: Kind, reply: GatewayReply, body: Body) -> TaskReport | None:
        """The reference Suno-API answers with the clips alone."""
        if self.error_in(reply, body):
            return None
        data = body.get("data")
        if isinstance(data, list):
            return _read_clips(objects_in(data)) if objects_in(data) and kind is not Kind.LYRICS else None
        return _read_task(kind, inner(body, "data"))

    def batch_request(self, task_ids: Sequence[str]) -> GatewayRequest:
        return GatewayRequest("POST", "/suno/fetch", json={"ids": list(task_ids)})

    def read_batch(
        self, kinds: Mapping[str, Kind], reply: GatewayReply
    ) -> Mapping[str, protocol.Reading] | protocol.ReadFailed:
        """Items may be in any order, and those of unknown tasks are missing."""
        body = read_object(reply.body)
        if self.find_error(reply, body):
            return self.failed_read(reply, body)
        tasks = {find_task_id(item, "task_id"): item for item in objects_in((body or {}).get("data"))}
        found = {each: _read_task(kind, tasks[each]) for each, kind in kinds.items() if each in tasks}
        return {each: report for each, report in found.items() if report is not None}

    def read_balance(self, replies: Sequence[GatewayReply]) -> protocol.Balance | protocol.ReadFailed:
        """In new-api the limit contains what was used, and the usage is in hundredths. An instance may show another currency
        in these fields. A limit of 100,000,000 stands for none."""
        limit, usage, account = (read_object(reply.body) or {} if rules.is_ok(reply) else {} for reply in replies)
        most, used = parse_amount(limit.get("hard_limit_usd")), parse_amount(usage.get("total_usage"))
        if most is not None and used is not None:
            return protocol.Balance(most - used / 100, "USD")
        left = parse_amount(pick({**account, **inner(account, "data")}, "credits_left"))
        return self.failed_read(replies[0], read_object(replies[0].body)) if left is None else protocol.Balance(left, "credits")

    def error_in(self, reply: GatewayReply, body: Body) -> rules.ErrorReply | None:
        error = rules.find_code(reply, body, "message", success=("success",))
        if error is None or error.codes[:1] != ("fail_to_fetch_task",):
            return error
        refused = 400 <= reply.status < 500
        return replace(error, codes=(rules.http_code(reply), *(error.codes[:1] if refused else ())))


def _continuation(fields: Fields, source: protocol.Source) -> Body:
    return {"task_id": source.task_id, "continue_clip_id": source.track_id, "continue_at": fields["continue_at"]}


def _read_task(kind: Kind, task: Body) -> TaskReport | None:
    status = code_text(task.get("status"))
    if status is None or find_task_id(task, "task_id") is None:
        return None
    clips = objects_in(task.get("data"))
    name = status.upper()
    if name in _FAILED:
        reason = rules.ErrorReply((name,), pick(task, "fail_reason", "failReason")).task_fault({})
        return failed_report((replace(track, fault=None) for track in _tracks(clips)), reason)
    if name in _FINISHED:
        return read_lyrics(task.get("data")) if kind is Kind.LYRICS else finished_report(_tracks(clips))
    unknown = () if name in _RUNNING else (status,)
    tracks = () if kind is Kind.LYRICS else _tracks(clips)
    return running_report(_stage(tracks), (replace(track, fault=None) for track in tracks), unknown)


def _read_clips(clips: Sequence[Body]) -> TaskReport:
    """A task without a status: the slowest clip decides."""
    tracks, states = _tracks(clips), {_state(clip) for clip in clips}
    if not states <= _CLIP_ENDS:
        return running_report(_stage(tracks), (replace(track, fault=None) for track in tracks))
    if states == {"error"}:
        fault = next(track.fault for track in tracks if track.fault)
        return failed_report(tracks, fault)
    return finished_report(tracks)


def _stage(tracks: Sequence[TaskTrack]) -> TaskStatus:
    return TaskStatus.FIRST_READY if any(track.ready for track in tracks) else TaskStatus.PENDING


def _state(clip: Body) -> str:
    return (code_text(clip.get("status")) or "complete").lower()


def _tracks(clips: Sequence[Body]) -> tuple[TaskTrack, ...]:
    """Each clip is judged by itself: only the audio of a complete one is a file; before that it is a stream."""
    return tuple(
        replace(track, fault=_clip_fault(clip) if _state(clip) == "error" else None)
        for track, clip in zip(read_tracks([_flat(clip) for clip in clips], _CLIP), clips, strict=True)
    )


def _flat(clip: Body) -> Body:
    flat: dict[str, Any] = {**inner(clip, "metadata"), **clip}
    if _state(clip) == "complete":
        return flat
    stream = None if _state(clip) == "error" else flat.get("audio_url")
    return {**flat, "audio_url": None, "stream_url": stream}


def _clip_fault(clip: Body) -> Fault:
    details = inner(clip, "metadata")
    code = code_text(details.get("error_type"))
    message = clean_message(details.get("error_message")) or "the gateway could not generate this track"
    return rules.fault(ErrorCode.GENERATION_FAILED, message, gateway_code=code)
