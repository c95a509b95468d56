"""What takes the place of every gateway for a job in test mode. Nothing is sent anywhere, and nothing is stored.

A task is a pure function of its id, which contains the job, the time of its submission and the marker in its prompt. So reading
it twice gives the same result, in whichever function.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from suno_jobs.catalog.costs import Cost
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.models import RequestedModel
from suno_jobs.catalog.results import Link, Media, Result
from suno_jobs.errors import ErrorCode, Fault, GatewayUnreachable
from suno_jobs.gateways.protocol import (
    Accepted,
    Done,
    FieldErrors,
    Gateway,
    GatewayReply,
    GatewayRequest,
    Limits,
    Reading,
    Refused,
    Source,
    Submission,
    TaskReport,
    TaskStatus,
    TaskTrack,
)
from suno_jobs.gateways.reports import data_report, failed_report, finished_report, running_report
from suno_jobs.media.sandbox_files import SOUND_SECONDS, file_url

if TYPE_CHECKING:
    from suno_jobs.catalog.inputs import KindInput

TASK_SECONDS = 4
SLOW_SECONDS = 60
DEADLINE_SECONDS = 120
"""The deadline of every job in test mode, unless that of the stack is shorter."""

LATE_SECONDS = 180
"""After that deadline, and before the first run of recovery."""

FILE_DAYS = 1 / 24

_MARKER = re.compile(r"\[test:([^\[\]]{0,40})\]")
_STAGES = ((1, TaskStatus.TEXT_READY), (3, TaskStatus.FIRST_READY))
_LYRICS = "[Verse]\nThis is a song of the sandbox\n[Chorus]\nAnd it has cost nothing"


class Marker(StrEnum):
    """How a job is to end, as its client wrote it into the prompt: ``[test:failed]``. NONE: it succeeds."""

    NONE = "none"
    REFUSED = "refused"
    NO_CREDITS = "no_credits"
    AMBIGUOUS = "ambiguous"
    FAILED = "failed"
    PARTIAL = "partial"
    NO_AUDIO = "no_audio"
    DAMAGED_FILE = "damaged_file"
    SLOW = "slow"
    LATE = "late"
    TIMED_OUT = "timed_out"


_ENDS_AFTER = {Marker.SLOW: SLOW_SECONDS, Marker.LATE: LATE_SECONDS, Marker.TIMED_OUT: inf}
_REFUSALS = {
    Marker.REFUSED: Fault(ErrorCode.CONTENT_REJECTED, "the sandbox refuses this prompt, as its marker demands"),
    Marker.NO_CREDITS: Fault(ErrorCode.QUOTA, "the sandbox has no credits, as the marker in the prompt demands"),
}
_FAILED = Fault(ErrorCode.GENERATION_FAILED, "the task failed, as the marker in the prompt demands", retryable=True)


def find_marker(job_input: KindInput) -> Marker:
    """The marker in the prompt. Raises ValueError, which names the known ones, for an unknown one and for several."""
    found = _MARKER.findall(getattr(job_input, "prompt", None) or "")
    known = [each for each in Marker if each is not Marker.NONE]
    if len(found) > 1 or not set(found) <= set(known):
        raise ValueError(f"may contain one marker of test mode: {', '.join(f'[test:{each}]' for each in known)}")
    return Marker(found[0]) if found else Marker.NONE


def answer(request: GatewayRequest, now: int) -> GatewayReply:
    """What a gateway would answer. Raises GatewayUnreachable if the marker demands that the answer is lost."""
    body = request.json
    if body is None:
        return _reply(_task(request.path.rpartition("/")[2], now))
    marker = Marker(body["marker"])
    if marker is Marker.AMBIGUOUS:
        raise GatewayUnreachable("sandbox: the answer was lost, as the marker in the prompt demands", sent=True)
    if marker in _REFUSALS:
        return _reply({"marker": marker}, 422)
    task_id = f"{body['job_id']}.{now}.{marker}"
    return _reply(_task(task_id, inf if body["synchronous"] else now))


def _reply(body: dict[str, Any], status: int = 200) -> GatewayReply:
    return GatewayReply(status, json.dumps(body).encode())


def _task(task_id: str, now: float) -> dict[str, Any]:
    _, begun_at, name = task_id.split(".")
    marker, age = Marker(name), now - int(begun_at)
    status = TaskStatus.PENDING
    for seconds, stage in _STAGES:
        status = stage if age >= seconds else status
    if age >= _ENDS_AFTER.get(marker, TASK_SECONDS):
        status = TaskStatus.FAILED if marker in (Marker.FAILED, Marker.PARTIAL) else TaskStatus.SUCCEEDED
    return {"task_id": task_id, "status": status, "marker": marker}


class Sandbox(Gateway):
    """The sandbox in place of one gateway: with that gateway's kinds, limits and models, and free of charge."""

    calls_back = False
    callback_stages = ("final",)

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.name, self.base_url, self.rate = gateway.name, "", gateway.rate
        self.limits, self.default_model, self.models = gateway.limits, gateway.default_model, gateway.models
        self.kinds, self.prices, self.error_rules = gateway.kinds, gateway.prices, gateway.error_rules
        self.usd_per_unit = gateway.usd_per_unit
        self.link_days, self.stage_words = {"*": FILE_DAYS}, {}

    def authorization(self, api_key: str) -> dict[str, str]:  # noqa: ARG002 - there is no key
        return {}

    def check(self, kind: Kind, job_input: KindInput) -> FieldErrors:
        return self._gateway.check(kind, job_input)

    def requested_model(self, kind: Kind, job_input: KindInput) -> RequestedModel | None:
        return self._gateway.requested_model(kind, job_input)

    def listed_cost(self, kind: Kind, job_input: KindInput) -> Cost | None:
        cost = self._gateway.listed_cost(kind, job_input)
        return replace(cost, amount=0) if cost else None

    def limits_for(self, kind: Kind, job_input: KindInput) -> Limits:
        return self._gateway.limits_for(kind, job_input)

    def request(
        self,
        kind: Kind,
        job_input: KindInput,
        *,
        sources: Sequence[Source],  # noqa: ARG002 - nothing is made of them
        callback_url: str,
    ) -> GatewayRequest:
        """``callback_url`` is the id of the job: the sandbox sends no callback."""
        body = {"job_id": callback_url, "marker": find_marker(job_input), "synchronous": self.kinds[kind].synchronous}
        return GatewayRequest("POST", "/tasks", json=body)

    def read_submission(self, kind: Kind, reply: GatewayReply) -> Submission:
        task = json.loads(reply.body)
        if "task_id" not in task:
            return Refused(_REFUSALS[Marker(task["marker"])])
        if self.kinds[kind].synchronous:
            return Done(self._report(kind, task), task["task_id"])
        return Accepted(task["task_id"])

    def status_request(self, kind: Kind, task_id: str) -> GatewayRequest:  # noqa: ARG002 - a task knows no kind
        return GatewayRequest("GET", f"/tasks/{task_id}")

    def read_status(self, kind: Kind, reply: GatewayReply) -> Reading:
        return self._report(kind, json.loads(reply.body))

    def read_callback(self, body: bytes) -> str | None:  # noqa: ARG002 - the sandbox sends no callback
        return None

    def _report(self, kind: Kind, task: dict[str, Any]) -> TaskReport:
        status, marker = TaskStatus(task["status"]), Marker(task["marker"])
        if not status.ended:
            return running_report(status)
        result, without = self.kinds[kind].result, marker in (Marker.NO_AUDIO, Marker.FAILED)
        tracks = _tracks(kind, result, task["task_id"], marker)
        if status is TaskStatus.FAILED:
            return failed_report(tracks, _FAILED)
        if result.is_files:
            return finished_report(tracks)
        return data_report(None if without else _data(kind, result, task["task_id"]))


def _tracks(kind: Kind, result: Result, task_id: str, marker: Marker) -> tuple[TaskTrack, ...]:
    """Two songs, or one track with the files of any other kind. Only the first song of a ``partial`` task is ready."""
    if not result.is_files:
        return ()
    tracks = []
    for number in range(2 if result is Result.TRACKS else 1):
        file_id = str(uuid5(NAMESPACE_URL, f"{task_id}/{number}"))
        lacking = marker in (Marker.NO_AUDIO, Marker.FAILED) or (marker is Marker.PARTIAL and number > 0)
        track = TaskTrack(
            # Only songs have an id of their gateway, to which later jobs can refer.
            file_id if result is Result.TRACKS else f"track-{number + 1}",
            links=() if lacking else _links(kind, result, file_id, damaged=marker is Marker.DAMAGED_FILE),
            title=f"Sandbox {number + 1}",
            duration_seconds=SOUND_SECONDS,
            lyrics=_LYRICS if result is Result.TRACKS else None,
        )
        tracks.append(track)
    return tuple(tracks)


def _links(kind: Kind, result: Result, file_id: str, *, damaged: bool) -> tuple[Link, ...]:
    audio = file_url(file_id, "wav", damaged=damaged)
    if result is Result.STEMS:
        return tuple(Link(name, file_url(f"{file_id}/{name}", "wav", damaged=damaged)) for name in ("vocals", "instrumental"))
    match kind:
        case Kind.WAV:
            return (Link("wav", audio),)
        case Kind.MP4:
            return (Link("video", file_url(file_id, "mp4", damaged=damaged), Media.VIDEO),)
        case Kind.COVER_ART:
            return (Link("image", file_url(file_id, "png", damaged=damaged), Media.IMAGE),)
    return Link("audio", audio), Link("image", file_url(file_id, "png"), Media.IMAGE, required=False)


def _data(kind: Kind, result: Result, task_id: str) -> dict[str, Any]:
    if result is Result.LYRICS:
        return {"lyrics": [{"title": f"Sandbox {number}", "text": _LYRICS} for number in (1, 2)]}
    if result is Result.WORDS:
        words = ("This", "is", "the", "sandbox")
        return {"words": [{"word": word, "start_s": at, "end_s": at + 0.5} for at, word in enumerate(words)]}
    return {"persona_id" if kind is Kind.PERSONA else "audio_id": str(uuid5(NAMESPACE_URL, task_id))}
