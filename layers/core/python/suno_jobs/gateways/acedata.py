"""Ace Data Cloud (acedata.cloud)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from suno_jobs.gateways.acedata_replies import MODELS, error_of, read_response, task_tracing
from suno_jobs.gateways.acedata_requests import KINDS, PATHS, audio, operation
from suno_jobs.gateways.asking import check_lengths, check_offer, describe, said
from suno_jobs.gateways.base import (
    GatewayReply,
    GatewayRequest,
    Kind,
    Limits,
    Problems,
    Rate,
    Reading,
    Source,
    Submission,
    TaskReport,
    TaskStatus,
    Unread,
)
from suno_jobs.gateways.models import their_model
from suno_jobs.gateways.replies import pick, plain, read_object, task_id
from suno_jobs.gateways.tracks import objects
from suno_jobs.gateways.verdicts import (
    BROKEN,
    CONTENT,
    DENIED,
    INVALID,
    LATER,
    NOT_FOUND,
    QUOTA,
    RATE,
    UNKNOWN,
    Complaint,
    http_code,
    is_ok,
    settle,
    shapeless,
    unread,
)

if TYPE_CHECKING:
    from suno_jobs.kinds import KindInput

MEANINGS = {
    "bad_request": INVALID,
    "api_not_implemented": INVALID,
    "disabled": INVALID,
    "no_token": DENIED,
    "token_mismatched": DENIED,
    "invalid_token": DENIED,
    "token_expired": DENIED,
    "used_up": QUOTA,
    "forbidden": CONTENT,  # moderation, copyright, an artist's name
    "no_api": NOT_FOUND,
    "too_many_requests": RATE,
    "busy": RATE,
    "suno_processing_unavailable": LATER,
    "suno_model_unavailable": LATER,
    "api_error": UNKNOWN,
    "suno_processing_failed": BROKEN,
    "availability_unknown": UNKNOWN,
    # For an answer without such a word.
    "400": INVALID,
    "401": DENIED,
    "403": DENIED,
    "404": NOT_FOUND,
    "429": RATE,
    "500": UNKNOWN,
    "503": UNKNOWN,
    "504": UNKNOWN,
}

_OLD_MODELS = frozenset({"chirp-v3-0", "chirp-v3-5", "chirp-v4"})
_OLD_LIMITS = Limits(prompt=500, lyrics=3000, style=200, title=80)


class AceData:
    """Facts: Ace Data Cloud's guides to each Suno API and to Suno tasks, and its OpenAPI for the error codes."""

    name = "acedata"
    base_url = "https://api.acedata.cloud"
    # Our own cap: none is documented.
    rate = Rate(5, 1.0)
    limits = Limits(prompt=500, lyrics=5000, style=1000, title=100)
    default_model = "v5"
    models: Mapping[str, str] = MappingProxyType(dict(MODELS))
    kinds = KINDS
    callback_stages = ("final",)
    link_days: Mapping[str, float | None] = MappingProxyType({"*": None})
    meanings = MappingProxyType(MEANINGS)
    # Its own tool takes no more in one request.
    batch_size = 50

    def authorization(self, api_key: str) -> Mapping[str, str]:
        return {"authorization": f"Bearer {api_key}"}

    def check(self, kind: Kind, given: KindInput) -> Problems:
        asked = given.given()
        problems = check_offer(KINDS[kind], asked)
        if kind in PATHS:
            return problems
        limits = _OLD_LIMITS if self._model(asked) in _OLD_MODELS else self.limits
        return problems + check_lengths(asked, limits, description=describe(asked, negative=True))

    def request(self, kind: Kind, given: KindInput, *, sources: Sequence[Source], callback_url: str) -> GatewayRequest:
        """``async`` and ``callback_url`` wherever Ace takes them: a call with neither keeps the connection for minutes."""
        asked = given.given()
        if "vocal_gender" in asked:
            asked["vocal_gender"] = asked["vocal_gender"][0]
        path = PATHS.get(kind)
        body = operation(kind, asked, sources) if path else audio(kind, asked, sources, self._model(asked))
        if not KINDS[kind].synchronous:
            body |= {"callback_url": callback_url, "async": True}
        return GatewayRequest("POST", path or "/suno/audios", json=said(body))

    def _model(self, asked: Mapping[str, Any]) -> str:
        return their_model(MODELS, asked.get("model", self.default_model))

    def read_submission(self, kind: Kind, reply: GatewayReply) -> Submission:
        """``success: true`` means accepted here, not finished; older replies have the ``task_id`` only."""
        body = read_object(reply.body)
        report = _answer(kind, body) if KINDS[kind].synchronous and body is not None else None
        return settle(reply, MEANINGS, _complaint(reply, body), task_id(body, "task_id"), report)

    def status_request(self, kind: Kind, task_id: str) -> GatewayRequest:  # noqa: ARG002
        return GatewayRequest("POST", "/suno/tasks", json={"id": task_id, "action": "retrieve"})

    def read_status(self, kind: Kind, reply: GatewayReply) -> Reading:
        """An id that Ace does not know, for which it documents no answer, reads as Unread, not as failed."""
        body = read_object(reply.body)
        complaint = _complaint(reply, body)
        if body is None or complaint is not None:
            return unread(reply, MEANINGS, complaint or shapeless(reply))
        return _task(kind, body) or unread(reply, MEANINGS, shapeless(reply))

    def batch_request(self, task_ids: Sequence[str]) -> GatewayRequest:
        return GatewayRequest("POST", "/suno/tasks", json={"ids": list(task_ids), "action": "retrieve_batch"})

    def read_batch(self, kinds: Mapping[str, Kind], reply: GatewayReply) -> Mapping[str, Reading] | Unread:
        """The items may come in any order, and not for every id."""
        body = read_object(reply.body)
        complaint = _complaint(reply, body)
        items = (body or {}).get("items")
        if complaint is not None or not isinstance(items, list):
            return unread(reply, MEANINGS, complaint or shapeless(reply))
        tasks = {item["id"]: item for item in objects(items) if isinstance(item.get("id"), str)}
        found = {each: _task(kind, tasks[each]) for each, kind in kinds.items() if each in tasks}
        return {each: report for each, report in found.items() if report is not None}

    def read_callback(self, body: bytes) -> str | None:
        return task_id(read_object(body), "task_id")


def _answer(kind: Kind, body: dict[str, Any]) -> TaskReport | None:
    """The result in the answer of a synchronous operation; None if it is not there, so that the task is asked for it."""
    report = read_response(kind, body, finished=False, trace_id=None)
    return report if report.status in (TaskStatus.SUCCEEDED, TaskStatus.FAILED) else None


def _task(kind: Kind, body: dict[str, Any]) -> TaskReport | None:
    if pick(body, "id") is None and "response" not in body:
        return None
    response, finished, trace_id = task_tracing(body)
    return read_response(kind, response, finished=finished, trace_id=trace_id)


def _complaint(reply: GatewayReply, body: dict[str, Any] | None) -> Complaint | None:
    """The word in ``error.code`` decides; some error bodies leave ``success`` out."""
    if body is None:
        return shapeless(reply)
    if is_ok(reply) and body.get("success") is not False and pick(body, "error") is None:
        return None
    word, message = error_of(body)
    return Complaint((word, None if is_ok(reply) else http_code(reply)), message, plain(pick(body, "trace_id"), 100))
