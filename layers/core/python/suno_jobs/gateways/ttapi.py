"""TTAPI (ttapi.io)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.asking import WORDS, Given, check_lengths, check_offer, describe, renamed, said
from suno_jobs.gateways.base import (
    GatewayReply,
    GatewayRequest,
    Kind,
    Limits,
    Offer,
    Problems,
    Rate,
    Reading,
    Result,
    Source,
    Submission,
    TaskReport,
    TaskStatus,
    TaskTrack,
)
from suno_jobs.gateways.models import their_model
from suno_jobs.gateways.replies import code_word, inner, pick, read_object, task_id
from suno_jobs.gateways.results import read_id, stems_by_title
from suno_jobs.gateways.tracks import Spelling, ended, failed, read_tracks, running
from suno_jobs.gateways.verdicts import (
    DENIED,
    INVALID,
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

MODELS = {
    "v3": "chirp-v3-0",
    "v3.5": "chirp-v3-5",
    "v4": "chirp-v4",
    "v4.5": "chirp-v4-5",
    "v4.5plus": "chirp-v4-5+",
    "v4.5all": "chirp-v4-5-all",
    "v5": "chirp-v5",
    "v5.5": "chirp-v5-5",
}

MEANINGS = {
    "400": INVALID,  # banned words too
    "401": DENIED,
    "402": QUOTA,
    "403": DENIED,  # the account is blocked
    "404": NOT_FOUND,
    "429": RATE,
    "499": RATE,  # the account's queue of tasks in progress is full
    "500": UNKNOWN,
    "504": UNKNOWN,
    # "Rejected" in the response guide, which names no code of its own for it.
    "FAILED": INVALID,
}

_SONG = WORDS | {"persona_id"}
_SUNG = (_SONG - {"prompt", "instrumental"}) | {"lyrics"}
_OPEN = "The page names the lyrics (its prompt) and leaves the other fields open: those of music are sent."

KINDS: Mapping[Kind, Offer] = MappingProxyType(
    {
        Kind.MUSIC: Offer(fields=_SONG, required=("prompt/lyrics",)),
        Kind.EXTEND: Offer(
            sources=1, fields=_SONG | {"source", "continue_at"}, required=("source", "continue_at", "prompt/lyrics")
        ),
        Kind.COVER: Offer(sources=1, fields=_SONG | {"source"}, required=("source", "prompt/lyrics")),
        Kind.UPLOAD: Offer(Result.ID, fields=frozenset({"audio_url"}), required=("audio_url",), synchronous=True),
        Kind.UPLOAD_COVER: Offer(fields=_SUNG | {"audio_url"}, required=("audio_url", "lyrics"), note=_OPEN),
        Kind.ADD_VOCALS: Offer(sources=1, fields=_SUNG | {"source"}, required=("source", "lyrics"), note=_OPEN),
        Kind.CONCAT: Offer(sources=1, fields=frozenset({"source"}), required=("source",)),
        Kind.STEMS: Offer(
            Result.STEMS,
            sources=1,
            fields=frozenset({"source", "split"}),
            required=("source",),
            note="All stems only: the names of single ones are not documented.",
        ),
        Kind.PERSONA: Offer(
            Result.ID,
            sources=1,
            fields=frozenset({"source", "name", "description", "style", "start_s", "end_s"}),
            required=("source", "name", "description"),
            synchronous=True,
        ),
        Kind.SOUNDS: Offer(fields=frozenset({"prompt", "model", "loop", "bpm", "key"}), required=("prompt",)),
    }
)

_PATHS = {
    Kind.MUSIC: "music",
    Kind.EXTEND: "extend",
    Kind.COVER: "cover",
    Kind.UPLOAD: "upload",
    Kind.UPLOAD_COVER: "upload-cover",
    Kind.ADD_VOCALS: "add-vocals",
    Kind.CONCAT: "concat",
    Kind.STEMS: "stems-all",
    Kind.PERSONA: "persona",
    Kind.SOUNDS: "sounds",
}

_MANNER = {
    "style_weight": "style_weight",
    "weirdness": "weirdness_constraint",
    "audio_weight": "audio_weight",
    "persona_id": "persona_id",
    "vocal_gender": "vocal_gender",
}
_CUSTOM = {"lyrics": "prompt", "title": "title", "style": "tags", "negative_style": "negative_tags"}
_PERSONA = {
    "name": "name",
    "description": "describe",
    "style": "styles",
    "start_s": "vocal_start_s",
    "end_s": "vocal_end_s",
}

_JOB_ID = ("jobId", "job_id")
_TRACK = Spelling(
    track_id=("musicId",),
    audio=("audioUrl",),
    image=("imageLargeUrl", "imageUrl"),
    video=("videoUrl",),
    lyrics=("prompt",),
)
_RUNNING = frozenset({"PENDING_QUEUE", "ON_QUEUE"})


class TTAPI:
    """Facts: TTAPI's pages on each Suno operation, Fetch V2 and the response guide, and the Suno async workflow guide."""

    name = "ttapi"
    base_url = "https://api.ttapi.io"
    # Our own cap: TTAPI limits the tasks in progress, not the requests.
    rate = Rate(5, 1.0)
    # The strictest of the pages: older ones have 200 for tags, newer ones 1000.
    limits = Limits(prompt=500, lyrics=5000, style=200, title=80)
    default_model = "v5"
    models: Mapping[str, str] = MappingProxyType(MODELS)
    kinds = KINDS
    callback_stages = ("final",)
    link_days: Mapping[str, float | None] = MappingProxyType({"cdn.ttapi.io": 30.0, "cloudflarer2.ttapi.io": 3.0, "*": None})
    meanings = MappingProxyType(MEANINGS)

    def authorization(self, api_key: str) -> Mapping[str, str]:
        return {"TT-API-KEY": api_key}

    def check(self, kind: Kind, given: KindInput) -> Problems:
        asked = given.given()
        problems = check_offer(KINDS[kind], asked)
        if asked.get("split") == "vocals":
            problems += (("split", "cannot be vocals: this gateway always gives all stems"),)
        return problems + check_lengths(asked, self.limits, description=describe(asked, negative=True))

    def request(self, kind: Kind, given: KindInput, *, sources: Sequence[Source], callback_url: str) -> GatewayRequest:
        asked = given.given()
        if "vocal_gender" in asked:
            asked["vocal_gender"] = asked["vocal_gender"].capitalize()
        body = _BODIES.get(kind, _song)(asked)
        if kind not in _BODIES or "model" in asked:
            body["mv"] = their_model(MODELS, asked.get("model", self.default_model))
        if sources:
            body["music_id"] = sources[0].track_id
        if not KINDS[kind].synchronous:
            body["hookUrl"] = callback_url
        return GatewayRequest("POST", f"/suno/v1/{_PATHS[kind]}", json=said(body))

    def read_submission(self, kind: Kind, reply: GatewayReply) -> Submission:
        """``SUCCESS`` means accepted here, not finished, but for the synchronous operations."""
        body = read_object(reply.body)
        report = _read_id(kind, inner(body, "data")) if KINDS[kind].synchronous else None
        return settle(reply, MEANINGS, _complaint(reply, body), task_id(body, *_JOB_ID), report)

    def status_request(self, kind: Kind, task_id: str) -> GatewayRequest:  # noqa: ARG002
        return GatewayRequest("GET", "/suno/v2/fetch", params={"jobId": task_id})

    def read_status(self, kind: Kind, reply: GatewayReply) -> Reading:
        body = read_object(reply.body)
        if body is None or not is_ok(reply):
            return unread(reply, MEANINGS, _complaint(reply, body) or shapeless(reply))
        data = inner(body, "data")
        status = code_word(body.get("status"))
        named = task_id(body, *_JOB_ID) is not None or isinstance(data.get("musics"), list)
        if status is None or not named:
            # A refused query has the words of a failed task, but names none.
            return unread(reply, MEANINGS, _complaint(reply, body) or shapeless(reply))
        tracks = _tracks(kind, data)
        match status.upper():
            case "SUCCESS":
                return _read_id(kind, data) or ended(tracks)
            case "FAILED":
                reason = pick(body, "message") or pick(data, "failReason", "message")
                return failed(tracks, Complaint(("FAILED",), reason).fault(ErrorCode.GENERATION_FAILED))
            case word:
                return running(TaskStatus.PENDING, tracks, () if word in _RUNNING else (status,))

    def read_callback(self, body: bytes) -> str | None:
        """The body is that of a Fetch reply, with the id at the top, in ``data`` or both."""
        return task_id(read_object(body), *_JOB_ID)


def _song(asked: Given) -> dict[str, Any]:
    """``title``, ``tags`` and ``negative_tags`` count in custom mode only, so the description takes them otherwise.

    ``isStorage`` is always sent, since its default differs between the pages; true puts the files on TTAPI's own CDN.
    """
    custom = "lyrics" in asked
    return {
        "custom": custom,
        "instrumental": asked.get("instrumental", False),
        "isStorage": True,
        "audio_url": asked.get("audio_url"),
        "continue_at": asked.get("continue_at"),
        **renamed(asked, _MANNER),
        **(renamed(asked, _CUSTOM) if custom else {"gpt_description_prompt": describe(asked, negative=True)}),
    }


def _sounds(asked: Given) -> dict[str, Any]:
    loop = {True: "loop", False: "one-shot"}.get(asked["loop"]) if "loop" in asked else None
    return {"sound": asked["prompt"], "type": loop, **renamed(asked, {"bpm": "bpm", "key": "key"})}


_BODIES: Mapping[Kind, Callable[[Given], dict[str, Any]]] = {
    Kind.UPLOAD: lambda asked: {"audio_url": asked["audio_url"]},
    Kind.CONCAT: lambda _: {},
    Kind.STEMS: lambda _: {},
    Kind.PERSONA: lambda asked: renamed(asked, _PERSONA),
    Kind.SOUNDS: _sounds,
}


def _tracks(kind: Kind, data: dict[str, Any]) -> tuple[TaskTrack, ...]:
    musics = data.get("musics")
    if KINDS[kind].result is Result.STEMS:
        return stems_by_title(musics if isinstance(musics, list) else [], _TRACK.audio)
    return read_tracks(musics, _TRACK)


def _read_id(kind: Kind, data: dict[str, Any]) -> TaskReport | None:
    """The result of an upload or a persona, None where there is none."""
    theirs, ours = {Kind.UPLOAD: ("music_id", "audio_id"), Kind.PERSONA: ("persona_id",) * 2}.get(kind, ("", ""))
    return read_id(data, ours, theirs) if pick(data, theirs) is not None else None


def _complaint(reply: GatewayReply, body: dict[str, Any] | None) -> Complaint | None:
    """The HTTP status is the code. The word FAILED decides only where HTTP says nothing: never over a 5xx or a 408."""
    if body is None:
        return shapeless(reply)
    status = (code_word(body.get("status")) or "").upper()
    if is_ok(reply) and status != "FAILED":
        return None
    certain = is_ok(reply) or (400 <= reply.status < 500 and reply.status != 408)
    http = None if is_ok(reply) else http_code(reply)
    return Complaint((http, "FAILED" if status == "FAILED" and certain else None), pick(body, "message"))
