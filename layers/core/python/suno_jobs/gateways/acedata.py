"""Ace Data Cloud (acedata.cloud), kind music."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.base import (
    GatewayReply,
    GatewayRequest,
    MusicLimits,
    Rate,
    Reading,
    Submission,
    TaskReport,
    TaskStatus,
    TaskTrack,
    check_lengths,
    describe,
)
from suno_jobs.gateways.replies import clean_message, code_word, inner, pick, plain, read_object, task_id
from suno_jobs.gateways.tracks import Spelling, ended, failed, read_tracks, running
from suno_jobs.gateways.verdicts import Complaint, Meaning, fault, http_code, is_ok, settle, shapeless, unread

if TYPE_CHECKING:
    from suno_jobs.requests import MusicInput

_MODELS = {
    "v3.5": "chirp-v3-5",
    "v4": "chirp-v4",
    "v4.5": "chirp-v4-5",
    "v4.5plus": "chirp-v4-5-plus",
    "v4.5all": "chirp-v4-5-all",
    "v5": "chirp-v5",
    "v5.5": "chirp-v5-5",
}

_LATER = Meaning(ErrorCode.MAINTENANCE, again=True)
_OPEN = Meaning(ErrorCode.GATEWAY_ERROR, refused=False)

MEANINGS = {
    "bad_request": Meaning(ErrorCode.INVALID_REQUEST),
    "api_not_implemented": Meaning(ErrorCode.INVALID_REQUEST),
    "disabled": Meaning(ErrorCode.INVALID_REQUEST),
    "no_token": Meaning(ErrorCode.AUTHENTICATION),
    "token_mismatched": Meaning(ErrorCode.AUTHENTICATION),
    "invalid_token": Meaning(ErrorCode.AUTHENTICATION),
    "token_expired": Meaning(ErrorCode.AUTHENTICATION),
    "used_up": Meaning(ErrorCode.QUOTA),
    "forbidden": Meaning(ErrorCode.CONTENT_REJECTED),  # moderation, copyright, an artist's name
    "no_api": Meaning(ErrorCode.NOT_FOUND),
    "too_many_requests": Meaning(ErrorCode.RATE_LIMITED, again=True),
    "busy": Meaning(ErrorCode.RATE_LIMITED, again=True),
    "suno_processing_unavailable": _LATER,
    "suno_model_unavailable": _LATER,
    "api_error": _OPEN,
    "suno_processing_failed": Meaning(ErrorCode.GENERATION_FAILED, refused=False),
    "availability_unknown": _OPEN,
    # For an answer without such a word.
    "400": Meaning(ErrorCode.INVALID_REQUEST),
    "401": Meaning(ErrorCode.AUTHENTICATION),
    "403": Meaning(ErrorCode.AUTHENTICATION),
    "404": Meaning(ErrorCode.NOT_FOUND),
    "429": Meaning(ErrorCode.RATE_LIMITED, again=True),
    "500": _OPEN,
    "503": _OPEN,
    "504": _OPEN,
}

_TRACK = Spelling(track_id=("id",), audio_url=("audio_url",))
_TRACK_STATES = frozenset({"succeeded", "error", "pending", "running"})
_SONGS_OF_A_GENERATION = 2

_OLD_MODELS = frozenset({"chirp-v3-5", "chirp-v4"})
_OLD_LIMITS = MusicLimits(prompt=500, lyrics=3000, style=200, title=80)


class AceData:
    """Facts: Ace Data Cloud's guides to Suno audios and Suno tasks, and its OpenAPI for the error codes."""

    name = "acedata"
    base_url = "https://api.acedata.cloud"
    # Our own cap: none is documented.
    rate = Rate(5, 1.0)
    limits = MusicLimits(prompt=500, lyrics=5000, style=1000, title=100)
    default_model = "v5"

    def authorization(self, api_key: str) -> Mapping[str, str]:
        return {"authorization": f"Bearer {api_key}"}

    def check_music(self, music: MusicInput) -> tuple[tuple[str, str], ...]:
        limits = _OLD_LIMITS if self._model(music) in _OLD_MODELS else self.limits
        return check_lengths(music, limits, description=describe(music, negative=True))

    def music_request(self, music: MusicInput, *, callback_url: str) -> GatewayRequest:
        """``async`` and ``callback_url``, because a call that is neither keeps the connection for minutes.

        ``title``, ``style`` and ``negative_tags`` count in custom mode only, so the prompt takes them otherwise.
        """
        body: dict[str, Any] = {
            "action": "generate",
            "custom": music.lyrics is not None,
            "instrumental": music.instrumental,
            "model": self._model(music),
            "vocal_gender": music.vocal_gender and music.vocal_gender[0],
            "callback_url": callback_url,
            "async": True,
        }
        if music.lyrics is None:
            body["prompt"] = describe(music, negative=True)
        else:
            body |= {"lyric": music.lyrics, "title": music.title, "style": music.style, "negative_tags": music.negative_style}
        return GatewayRequest("POST", "/suno/audios", json={name: value for name, value in body.items() if value is not None})

    def _model(self, music: MusicInput) -> str:
        model = music.model or self.default_model
        return _MODELS.get(model, model)

    def read_submission(self, reply: GatewayReply) -> Submission:
        """``success: true`` means accepted here, not finished; older replies have the ``task_id`` only."""
        body = read_object(reply.body)
        return settle(reply, MEANINGS, _complaint(reply, body), task_id(body, "task_id"))

    def status_request(self, task_id: str) -> GatewayRequest:
        return GatewayRequest("POST", "/suno/tasks", json={"id": task_id, "action": "retrieve"})

    def read_status(self, reply: GatewayReply) -> Reading:
        """An id that Ace does not know, for which it documents no answer, reads as Unread, not as failed."""
        body = read_object(reply.body)
        complaint = _complaint(reply, body)
        if body is None or complaint is not None:
            return unread(reply, MEANINGS, complaint or shapeless(reply))
        if pick(body, "id") is None and "response" not in body:
            return unread(reply, MEANINGS, shapeless(reply))
        response = inner(body, "response")
        finished = bool(pick(body, "finished_at"))
        if response.get("success") is False or pick(response, "error") is not None:
            return _failure(body, response, finished=finished)
        return _progress(response, finished=finished)

    def read_callback(self, body: bytes) -> str | None:
        return task_id(read_object(body), "task_id")


def _complaint(reply: GatewayReply, body: dict[str, Any] | None) -> Complaint | None:
    """The word in ``error.code`` decides; some error bodies leave ``success`` out."""
    if body is None:
        return shapeless(reply)
    if is_ok(reply) and body.get("success") is not False and pick(body, "error") is None:
        return None
    word, message = _error(body)
    return Complaint((word, None if is_ok(reply) else http_code(reply)), message, plain(pick(body, "trace_id"), 100))


def _error(body: dict[str, Any]) -> tuple[str | None, Any]:
    error = pick(body, "error")
    if isinstance(error, dict):
        return code_word(error.get("code")), error.get("message")
    return None, error


def _failure(body: dict[str, Any], response: dict[str, Any], *, finished: bool) -> TaskReport:
    """A bare text as error on a task that is not finished is a passing hiccup, as the vendor's own SDK has it."""
    word, message = _error(response)
    tracks = [track for track, _ in _songs(response)]
    if word is None and not finished:
        return running(TaskStatus.PENDING, tracks, (clean_message(message) or "success: false",))
    trace_id = plain(pick(response, "trace_id") or pick(body, "trace_id"), 100)
    code = ErrorCode.CONTENT_REJECTED if word == "forbidden" else ErrorCode.GENERATION_FAILED
    return failed(tracks, Complaint((word,), message, trace_id).fault(code))


def _progress(response: dict[str, Any], *, finished: bool) -> TaskReport:
    """Done when Ace gives ``finished_at`` and no track still says it is under way, or when every track says how it ended.

    The published example of a finished task has neither ``finished_at`` nor ``state``: audio for both songs of a generation
    is enough there. A single song without ``state`` may still get its sibling.
    """
    songs = _songs(response)
    tracks = [track for track, _ in songs]
    states = {state for _, state in songs}
    unknown = sorted(state for state in states if state and state not in _TRACK_STATES)
    told = bool(songs) and all(state in ("succeeded", "error") or (state is None and track.audio_url) for track, state in songs)
    whole = told and (None not in states or len(songs) >= _SONGS_OF_A_GENERATION)
    under_way = bool(states - {None, "succeeded", "error"})
    if whole or (finished and response and not under_way):
        if states == {"error"}:
            return failed(tracks, fault(ErrorCode.GENERATION_FAILED, "every track of the task failed"))
        return ended(tracks)
    final = [track if state == "succeeded" else replace(track, audio_url=None) for track, state in songs]
    ready = any(track.audio_url for track in final)
    return running(TaskStatus.FIRST_READY if ready else TaskStatus.PENDING, final, unknown)


def _songs(response: dict[str, Any]) -> list[tuple[TaskTrack, str | None]]:
    """Each track beside its ``state``. The audio of a track that is under way is a preview, of a failed one nothing."""
    data = response.get("data")
    items = [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []
    states = [(code_word(item.get("state")) or "").lower() or None for item in items]
    songs = zip(read_tracks(items, _TRACK), states, strict=True)
    return [(track if state in (None, "succeeded") else _without_audio(track, state), state) for track, state in songs]


def _without_audio(track: TaskTrack, state: str | None) -> TaskTrack:
    reason = fault(ErrorCode.GENERATION_FAILED, "the gateway could not make this track") if state == "error" else None
    return replace(track, audio_url=None, fault=reason)
