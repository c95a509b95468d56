"""Checking a request against the capabilities of the gateways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from suno_jobs.catalog.inputs import FieldMissing
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import POSITIONAL_TRACK_ID, Result
from suno_jobs.errors import json_pointer
from suno_jobs.gateways.protocol import FieldErrors, Source
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.gateways.sandbox import find_marker
from suno_jobs.intake.requests import AUTO, JobRequest
from suno_jobs.intake.wording import invalid, wrong_member
from suno_jobs.jobs.identifiers import Mode, mode_of
from suno_jobs.jobs.record import Item, JobView
from suno_jobs.storage.jobs import JobStore

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


@dataclass(frozen=True, slots=True)
class ValidRequest:
    """A request that can be submitted to each of ``gateways``, in order. ``sources`` are its references in gateway ids.

    ``account`` is the account that has them; None if there are none.
    """

    request: JobRequest
    gateways: tuple[str, ...]
    sources: tuple[Source, ...]
    account: str | None = None

    def to_item(self) -> Item:
        return {
            "gateway": self.request.gateway,
            "input": self.request.input_item(),
            "sources": [asdict(each) for each in self.sources],
            "gateways": list(self.gateways),
            **({"account": self.account} if self.account else {}),
            **({"callback_url": self.request.callback_url} if self.request.callback_url else {}),
        }


def validate_request(body: Any, tenant: str, jobs: JobStore, auto_gateways: Sequence[str]) -> ValidRequest:
    """Every gateway in the request must be able to run it; of ``auto``, at least one.

    Raises InvalidRequest, which lists every invalid field.
    """
    request, wrong = _parse(body)
    if request is None:
        raise invalid(wrong)
    views = [(jobs.view(each.job_id), each.track_id) for each in request.input.references()]
    names = request.gateways(auto_gateways)
    accounts = sorted({view.job.account for view, _ in views if view})
    own = [(view if view and view.job.tenant == tenant else None, track_id) for view, track_id in views]
    sources = {name: [_source(view, request.kind, name, track_id, accounts) for view, track_id in own] for name in names}
    errors = {name: _check(request, name, sources[name]) for name in names}
    able = tuple(name for name in names if not errors[name])
    if not able or (request.gateway != AUTO and len(able) < len(names)):
        known = {pointer for pointer, _ in wrong}
        found = _combine(errors) if names else ((json_pointer("kind"), "is not offered by any gateway behind auto"),)
        wrong = (*wrong, *(each for each in found if each[0] not in known))
    if mode_of(tenant) is Mode.TEST:
        wrong = (*wrong, *_check_marker(request))
    if wrong:
        raise invalid(wrong)
    chosen = tuple(each for each in sources[able[0]] if isinstance(each, Source))
    return ValidRequest(request, able, chosen, accounts[0] if accounts else None)


def _check_marker(request: JobRequest) -> FieldErrors:
    try:
        find_marker(request.input)
    except ValueError as error:
        return ((json_pointer("input", "prompt"), str(error)),)
    return ()


def _parse(body: Any) -> tuple[JobRequest | None, FieldErrors]:
    """The request and what is wrong with it. What is left without the wrong fields is judged, too, by gateways if possible."""
    request, found = _try(body)
    if request is None:
        request, further = _try(_without([each["loc"] for each in found], body))
        # A field that is missing now was there, and is wrong.
        found += [each for each in further if each not in found and not _is_missing(each)]
    return request, tuple(map(wrong_member, found))


def _try(body: Any) -> tuple[JobRequest | None, list[ErrorDetails]]:
    try:
        return JobRequest.parse(body), []
    except ValidationError as error:
        return None, error.errors(include_url=False, include_input=False)


def _is_missing(error: ErrorDetails) -> bool:
    return error["type"] == "missing" or isinstance(error.get("ctx", {}).get("error"), FieldMissing)


def _without(places: Sequence[tuple[int | str, ...]], body: Any) -> Any:
    """The body without these members of it and of its input."""
    if not isinstance(body, dict):
        return body
    kept = {
        name: value for name, value in body.items() if name == "input" or name not in {place[0] for place in places if place}
    }
    fields = {place[1] for place in places if len(place) > 1 and place[0] == "input"}
    if isinstance(body.get("input"), dict):
        kept["input"] = {name: value for name, value in body["input"].items() if name not in fields}
    return kept


def _check(request: JobRequest, gateway: str, sources: Sequence[Source | str]) -> FieldErrors:
    source = json_pointer("input", "source" if len(sources) < 2 else "sources")
    refused = GATEWAYS[gateway].check(request.kind, request.input)
    return (
        *((json_pointer("input", name), reason + _alternatives(request, name)) for name, reason in refused),
        *((source, reason) for reason in dict.fromkeys(sources) if isinstance(reason, str)),
    )


def _alternatives(request: JobRequest, name: str) -> str:
    """The gateways that accept the value of a field, if the request has it."""
    if name not in request.input.provided_fields():
        return ""
    offering = (each for each in GATEWAYS.values() if request.kind in each.kinds)
    names = [each.name for each in offering if name not in dict(each.check(request.kind, request.input))]
    return f"; accepted by {', '.join(names)}" if names else ""


def _combine(by_gateway: Mapping[str, FieldErrors]) -> FieldErrors:
    """Each error once, with the names of its gateways unless it is the same for all."""
    found: dict[tuple[str, str], list[str]] = {}
    for gateway, errors in by_gateway.items():
        for each in errors:
            found.setdefault(each, []).append(gateway)
    return tuple(
        (pointer, reason if len(names) == len(by_gateway) else f"{', '.join(names)}: {reason}")
        for (pointer, reason), names in found.items()
    )


def _source(view: JobView | None, kind: Kind, gateway: str, track_id: str, accounts: Sequence[str]) -> Source | str:
    """The referenced result in the gateway's ids, or the reason why it cannot be used."""
    if view is None:
        return "no job of yours has this job_id"
    if view.job.gateway != gateway:
        return _other_gateway(view.job.gateway, kind)
    if len(accounts) > 1:
        return "the sources were made with different accounts of the gateway"
    songs = view.tracks if view.job.expects is Result.TRACKS else ()
    tasks = {track.track_id: view.job.attempts[track.attempt].task_id for track in songs if track.links}
    known = tasks.keys() | {(view.result or {}).get("audio_id")}
    # Stems, converted files and songs without an id have ids of ours, which the gateway does not know.
    if track_id not in known or POSITIONAL_TRACK_ID.fullmatch(track_id):
        return "that job has no finished song with this track_id"
    return Source(tasks.get(track_id, view.job.task_id) or "", track_id)


def _other_gateway(home: str, kind: Kind) -> str:
    """Why no other gateway can use a song of ``home``, and what is possible instead."""
    offers = GATEWAYS[home].kinds if home in GATEWAYS else {}
    if kind in offers:
        return f"that job ran on {home}, and only {home} can use its songs; it offers {kind}"
    others = [each for each, offer in offers.items() if {"source", "sources"} & offer.fields]
    return f"that job ran on {home}, which offers no {kind}; with its songs it offers {', '.join(others)}"
