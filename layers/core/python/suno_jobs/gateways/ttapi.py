"""TTAPI (ttapi.io), kind music."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.base import (
    GatewayReply,
    GatewayRequest,
    MusicLimits,
    Rate,
    Reading,
    Submission,
    TaskStatus,
    check_lengths,
    describe,
)
from suno_jobs.gateways.replies import code_word, inner, pick, read_object, task_id
from suno_jobs.gateways.tracks import Spelling, ended, failed, read_tracks, running
from suno_jobs.gateways.verdicts import Complaint, Meaning, http_code, is_ok, settle, shapeless, unread

if TYPE_CHECKING:
    from suno_jobs.requests import MusicInput

_MODELS = {
    "v3.5": "chirp-v3-5",
    "v4": "chirp-v4",
    "v4.5": "chirp-v4-5",
    "v4.5plus": "chirp-v4-5+",
    "v4.5all": "chirp-v4-5-all",
    "v5": "chirp-v5",
    "v5.5": "chirp-v5-5",
}

MEANINGS = {
    "400": Meaning(ErrorCode.INVALID_REQUEST),  # banned words too
    "401": Meaning(ErrorCode.AUTHENTICATION),
    "402": Meaning(ErrorCode.QUOTA),
    "403": Meaning(ErrorCode.AUTHENTICATION),  # the account is blocked
    "404": Meaning(ErrorCode.NOT_FOUND),
    "429": Meaning(ErrorCode.RATE_LIMITED, again=True),
    "499": Meaning(ErrorCode.RATE_LIMITED, again=True),  # the account's queue of tasks in progress is full
    "500": Meaning(ErrorCode.GATEWAY_ERROR, refused=False),
    "504": Meaning(ErrorCode.GATEWAY_ERROR, refused=False),
    # "Rejected" in the response guide, which names no code of its own for it.
    "FAILED": Meaning(ErrorCode.INVALID_REQUEST),
}

_JOB_ID = ("jobId", "job_id")
_TRACK = Spelling(track_id=("musicId",), audio_url=("audioUrl",))
_RUNNING = frozenset({"PENDING_QUEUE", "ON_QUEUE"})


class TTAPI:
    """Facts: TTAPI's pages on Suno Music, Fetch V2 and the response guide, and the Suno async workflow guide."""

    name = "ttapi"
    base_url = "https://api.ttapi.io"
    # Our own cap: TTAPI limits the tasks in progress, not the requests.
    rate = Rate(5, 1.0)
    # The strictest of the pages: older ones have 200 for tags, newer ones 1000.
    limits = MusicLimits(prompt=500, lyrics=5000, style=200, title=80)
    default_model = "v5"

    def authorization(self, api_key: str) -> Mapping[str, str]:
        return {"TT-API-KEY": api_key}

    def check_music(self, music: MusicInput) -> tuple[tuple[str, str], ...]:
        return check_lengths(music, self.limits, description=describe(music, negative=True))

    def music_request(self, music: MusicInput, *, callback_url: str) -> GatewayRequest:
        """``title``, ``tags`` and ``negative_tags`` count in custom mode only, so the description takes them otherwise.

        ``isStorage`` is always sent, since its default differs between the pages; true puts the files on TTAPI's own CDN.
        """
        model = music.model or self.default_model
        body: dict[str, Any] = {
            "custom": music.lyrics is not None,
            "instrumental": music.instrumental,
            "mv": _MODELS.get(model, model),
            "vocal_gender": music.vocal_gender and music.vocal_gender.capitalize(),
            "isStorage": True,
            "hookUrl": callback_url,
        }
        if music.lyrics is None:
            body["gpt_description_prompt"] = describe(music, negative=True)
        else:
            body |= {"prompt": music.lyrics, "title": music.title, "tags": music.style, "negative_tags": music.negative_style}
        return GatewayRequest("POST", "/suno/v1/music", json={name: value for name, value in body.items() if value is not None})

    def read_submission(self, reply: GatewayReply) -> Submission:
        """``SUCCESS`` means accepted here, not finished."""
        body = read_object(reply.body)
        return settle(reply, MEANINGS, _complaint(reply, body), task_id(body, *_JOB_ID))

    def status_request(self, task_id: str) -> GatewayRequest:
        return GatewayRequest("GET", "/suno/v2/fetch", params={"jobId": task_id})

    def read_status(self, reply: GatewayReply) -> Reading:
        body = read_object(reply.body)
        if body is None or not is_ok(reply):
            return unread(reply, MEANINGS, _complaint(reply, body) or shapeless(reply))
        data = inner(body, "data")
        status = code_word(body.get("status"))
        named = task_id(body, *_JOB_ID) is not None or isinstance(data.get("musics"), list)
        if status is None or not named:
            # A refused query has the words of a failed task, but names none.
            return unread(reply, MEANINGS, _complaint(reply, body) or shapeless(reply))
        tracks = read_tracks(data.get("musics"), _TRACK)
        match status.upper():
            case "SUCCESS":
                return ended(tracks)
            case "FAILED":
                reason = pick(body, "message") or pick(data, "failReason", "message")
                return failed(tracks, Complaint(("FAILED",), reason).fault(ErrorCode.GENERATION_FAILED))
            case word:
                return running(TaskStatus.PENDING, tracks, () if word in _RUNNING else (status,))

    def read_callback(self, body: bytes) -> str | None:
        """The body is that of a Fetch reply, with the id at the top, in ``data`` or both."""
        return task_id(read_object(body), *_JOB_ID)


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
