"""What a client asks for, checked against what the gateways can do: from a request's body to an order that can be submitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError

from suno_jobs.errors import InvalidRequest
from suno_jobs.gateways import GATEWAYS
from suno_jobs.gateways.base import Source
from suno_jobs.models import Item, JobView
from suno_jobs.requests import AUTO, JobRequest
from suno_jobs.store import JobStore
from suno_jobs.vocabulary import OUR_TRACK_ID, Result

Wrong = list[tuple[str, str]]
"""Pairs of field and reason."""


@dataclass(frozen=True, slots=True)
class Order:
    """A valid request, with the gateways that can do it, in their order, and their own ids of what it refers to."""

    request: JobRequest
    gateways: tuple[str, ...]
    sources: tuple[Source, ...]

    def to_item(self) -> Item:
        return {
            "input": self.request.input_item(),
            "sources": [asdict(each) for each in self.sources],
            "gateways": list(self.gateways),
        }


def read_order(body: Any, tenant: str, jobs: JobStore, auto_gateways: Sequence[str]) -> Order:
    """Of gateways that are named each must be able to do it, of ``auto`` one.

    Raises InvalidRequest, which lists every field that is wrong.
    """
    request = _parse(body)
    views = [(jobs.view(each.job_id), each.track_id) for each in request.input.references()]
    names = request.gateways(auto_gateways)
    sources = {name: [_source(view, tenant, name, track_id) for view, track_id in views] for name in names}
    wrong = {name: _wrong(request, name, sources[name]) for name in names}
    able = tuple(name for name in names if not wrong[name])
    if not able or (request.gateway != AUTO and len(able) < len(names)):
        raise _invalid(_told(wrong) if names else [("kind", "is not offered by any gateway that auto stands for")])
    return Order(request, able, tuple(each for each in sources[able[0]] if isinstance(each, Source)))


def _parse(body: Any) -> JobRequest:
    try:
        return JobRequest.parse(body)
    except ValidationError as error:
        found = [(".".join(map(str, e["loc"])) or "body", e["msg"]) for e in error.errors(include_url=False)]
        raise _invalid(found) from error


def _wrong(request: JobRequest, gateway: str, sources: Sequence[Source | str]) -> Wrong:
    field = "input.source" if len(sources) < 2 else "input.sources"
    problems = GATEWAYS[gateway].check(request.kind, request.input)
    return [(f"input.{name}", reason) for name, reason in problems] + [
        (field, each) for each in sources if isinstance(each, str)
    ]


def _told(wrong: Mapping[str, Wrong]) -> Wrong:
    """Of several gateways each says what it minds; what all of them mind alike is said once."""
    if len(wrong) == 1 or len({tuple(each) for each in wrong.values()}) == 1:
        return next(iter(wrong.values()))
    return [(field, f"{gateway}: {reason}") for gateway, each in wrong.items() for field, reason in each]


def _invalid(wrong: Wrong) -> InvalidRequest:
    errors = [{"field": field, "detail": reason.removeprefix("Value error, ")} for field, reason in wrong]
    return InvalidRequest("; ".join(f"{e['field']}: {e['detail']}" for e in errors), errors=errors)


def _source(view: JobView | None, tenant: str, gateway: str, track_id: str) -> Source | str:
    """What a reference means at the gateway, or what is wrong with it."""
    if view is None or view.job.tenant != tenant:
        return "no job of yours has this job_id"
    if view.job.gateway != gateway:
        return f"that job was made by {view.job.gateway}; a job can only refer to one of the same gateway"
    songs = view.tracks if view.job.expects is Result.TRACKS else ()
    known = {track.track_id for track in songs if track.links} | {(view.result or {}).get("audio_id")}
    # Stems, converted files and songs without an id bear names of ours, which the gateway does not know.
    if track_id not in known or OUR_TRACK_ID.fullmatch(track_id):
        return "that job has no finished song with this track_id"
    return Source(view.job.task_id or "", track_id)
