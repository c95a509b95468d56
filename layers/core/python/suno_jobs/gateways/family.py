"""The sunoapi.org family: sunoapi.org itself, kie.ai, and AnyInt, which repeats its codes, states and fields.

One adapter; what differs between them are the tables that it is made with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from suno_jobs.gateways import family_replies as replies
from suno_jobs.gateways.asking import check_lengths, check_offer, describe, said
from suno_jobs.gateways.base import (
    Accepted,
    GatewayReply,
    GatewayRequest,
    Kind,
    Limits,
    Offer,
    Problems,
    Rate,
    Reading,
    Source,
    Submission,
)
from suno_jobs.gateways.family_requests import BODIES, FOLDED, WITH_MODEL
from suno_jobs.gateways.models import their_model
from suno_jobs.gateways.replies import read_object
from suno_jobs.gateways.verdicts import Complaint, Meanings, settle

if TYPE_CHECKING:
    from suno_jobs.kinds import KindInput

MODELS: Mapping[str, str] = {
    "v4": "V4",
    "v4.5": "V4_5",
    "v4.5plus": "V4_5PLUS",
    "v4.5all": "V4_5ALL",
    "v5": "V5",
    "v5.5": "V5_5",
}

# Of V4_5 and later; titles of 80 or, on some pages, of 100 characters.
NEW_LIMITS = Limits(prompt=500, lyrics=5000, style=1000, title=80)
_OLD_MODELS = frozenset({"V3_5", "V4"})
_OLD_LIMITS = Limits(prompt=500, lyrics=3000, style=200, title=80)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a kind is submitted and where its task is read. A synchronous operation has no ``query``."""

    submit: str
    query: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """An adapter made of tables.

    ``split_by_path``: the routes for the two ways to split stems, where the path tells them apart instead of a field ``type``.
    """

    name: str
    base_url: str
    rate: Rate
    meanings: Meanings
    routes: Mapping[Kind, Route]
    kinds: Mapping[Kind, Offer]
    models: Mapping[str, str]
    link_days: Mapping[str, float | None]
    callback_stages: tuple[str, ...]
    split_by_path: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = NEW_LIMITS
    default_model: str = "v5"

    def authorization(self, api_key: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {api_key}"}

    def check(self, kind: Kind, given: KindInput) -> Problems:
        """Style and title are required in custom mode, which lyrics ask for."""
        asked = given.given()
        problems = check_offer(self.kinds[kind], asked)
        if kind is Kind.LYRICS:
            return problems
        if kind in FOLDED and "lyrics" in asked:
            missing = [name for name in ("style", "title") if name not in asked]
            problems += tuple((name, "is required by this gateway when lyrics are given") for name in missing)
        limits = _OLD_LIMITS if self._model(asked) in _OLD_MODELS else self.limits
        description = describe(asked, negative=False) if kind in FOLDED else None
        return problems + check_lengths(asked, limits, description=description)

    def request(self, kind: Kind, given: KindInput, *, sources: Sequence[Source], callback_url: str) -> GatewayRequest:
        asked = given.given()
        if "vocal_gender" in asked:
            asked["vocal_gender"] = asked["vocal_gender"][0]
        body: dict[str, Any] = BODIES[kind](asked, sources)
        if kind in WITH_MODEL or "model" in asked:
            body["model"] = self._model(asked)
        if not self.kinds[kind].synchronous:
            body["callBackUrl"] = callback_url
        path = self.routes[kind].submit
        if kind is Kind.STEMS:
            split = asked.get("split", "vocals")
            path = self.split_by_path.get(split, path)
            body["type"] = None if self.split_by_path else {"vocals": "separate_vocal", "all": "split_stem"}[split]
        return GatewayRequest("POST", path, json=said(body))

    def _model(self, asked: Mapping[str, Any]) -> str:
        return their_model(self.models, asked.get("model", self.default_model))

    def read_submission(self, kind: Kind, reply: GatewayReply) -> Submission:
        body = read_object(reply.body)
        refusal, task_id = replies.complaint(reply, body), replies.named_task(body)
        if refusal is not None and task_id and not self.kinds[kind].synchronous and _is_duplicate(kind, refusal):
            return Accepted(task_id)
        report = replies.read_answer(kind, body) if self.kinds[kind].synchronous else None
        return settle(reply, self.meanings, refusal, None if self.kinds[kind].synchronous else task_id, report)

    def status_request(self, kind: Kind, task_id: str) -> GatewayRequest:
        route = self.routes[kind]
        return GatewayRequest("GET", route.query or self.routes[Kind.MUSIC].query, params={"taskId": task_id})

    def read_status(self, kind: Kind, reply: GatewayReply) -> Reading:
        return replies.read_record(kind, reply, read_object(reply.body), self.meanings)

    def read_callback(self, body: bytes) -> str | None:
        """Wrapped in ``data`` or flat, ``taskId`` or ``task_id``, of whatever kind, stage or failure it tells."""
        return replies.named_task(read_object(body))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveringFamily(Family):
    """With new links for a task whose links have expired. Their files may be of another type than the first ones."""

    def recovery_request(self, task_id: str) -> GatewayRequest:
        return GatewayRequest("POST", "/api/v1/suno/recovery", json={"sunoTaskId": task_id})

    def read_recovery_submission(self, reply: GatewayReply) -> Submission:
        body = read_object(reply.body)
        return settle(reply, self.meanings, replies.complaint(reply, body), replies.named_task(body))

    def recovery_status_request(self, recovery_task_id: str) -> GatewayRequest:
        return GatewayRequest("GET", "/api/v1/suno/recovery/record-info", params={"task_id": recovery_task_id})

    def read_recovery(self, reply: GatewayReply) -> Reading:
        return replies.read_recovered(reply, read_object(reply.body), self.meanings)


def _is_duplicate(kind: Kind, refusal: Complaint) -> bool:
    """The same was asked for before, and the answer names the task of then. For cover art one page says 400 instead of 409."""
    return refusal.codes[:1] == ("409",) or (kind is Kind.COVER_ART and refusal.codes[:1] == ("400",))
