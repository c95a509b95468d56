"""crun.ai, kind music."""

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
    TaskStatus,
    TaskTrack,
    check_lengths,
    describe,
)
from suno_jobs.gateways.replies import audio_url, code_word, inner, pick, read_object, task_id
from suno_jobs.gateways.tracks import Spelling, ended, failed, read_tracks, running
from suno_jobs.gateways.verdicts import Complaint, Meaning, http_code, is_ok, settle, shapeless, unread

if TYPE_CHECKING:
    from suno_jobs.requests import MusicInput

_JOB = "/api/v1/client/job"

MEANINGS = {
    "401": Meaning(ErrorCode.AUTHENTICATION),
    "402": Meaning(ErrorCode.QUOTA),
    "404": Meaning(ErrorCode.NOT_FOUND, refused=False),
    "422": Meaning(ErrorCode.INVALID_REQUEST),
    "429": Meaning(ErrorCode.RATE_LIMITED, again=True),
    "455": Meaning(ErrorCode.MAINTENANCE, again=True),
    "500": Meaning(ErrorCode.GATEWAY_ERROR, refused=False),
    "501": Meaning(ErrorCode.GENERATION_FAILED, refused=False),
    "505": Meaning(ErrorCode.INVALID_REQUEST),  # the feature is disabled
}

_TRACK = Spelling(track_id=("suno_id",), audio_url=("suno_audio_url",))
_RUNNING = frozenset({"pending", "running"})


class Crun:
    """Facts: crun.ai's pages Suno Task Info, Generate Music and Get Task Info. Its own model names are the ones we use."""

    name = "crun"
    base_url = "https://api.crun.ai"
    # Documented: 15 per second for each account.
    rate = Rate(15, 1.0)
    # Title, tags and lyrics are documented; the other two are the strictest that any gateway sets.
    limits = MusicLimits(prompt=500, lyrics=5000, style=1000, title=100)
    default_model = "v5"

    def authorization(self, api_key: str) -> Mapping[str, str]:
        return {"x-api-key": api_key}

    def check_music(self, music: MusicInput) -> tuple[tuple[str, str], ...]:
        return check_lengths(music, self.limits, description=describe(music, negative=False))

    def music_request(self, music: MusicInput, *, callback_url: str) -> GatewayRequest:
        song: dict[str, Any] = {
            "mode": "simple" if music.lyrics is None else "custom",
            "model": music.model or self.default_model,
            "instrumental": music.instrumental,
            "vocal_gender": music.vocal_gender and music.vocal_gender[0],
            "negative_tags": music.negative_style,
        }
        if music.lyrics is None:
            song["prompt"] = describe(music, negative=False)
        else:
            song |= {"title": music.title, "tags": music.style, "lyrics": music.lyrics}
        body = {
            "model": "suno/music-generate",
            "callback_url": callback_url,
            "input": {name: value for name, value in song.items() if value is not None},
        }
        return GatewayRequest("POST", f"{_JOB}/CreateTask", json=body)

    def read_submission(self, reply: GatewayReply) -> Submission:
        body = read_object(reply.body)
        return settle(reply, MEANINGS, _complaint(reply, body), task_id(body, "task_id"))

    def status_request(self, task_id: str) -> GatewayRequest:
        return GatewayRequest("GET", f"{_JOB}/TaskInfo", params={"task_id": task_id})

    def read_status(self, reply: GatewayReply) -> Reading:
        """``data.status`` is the authority; the code inside ``result`` only explains a failure."""
        body = read_object(reply.body)
        complaint = _complaint(reply, body)
        if complaint is not None and is_ok(reply) and complaint.codes[:1] == ("501",):
            return failed((), complaint.fault(ErrorCode.GENERATION_FAILED))
        data = inner(body, "data")
        status = code_word(data.get("status"))
        if complaint is not None or status is None:
            return unread(reply, MEANINGS, complaint or shapeless(reply))
        result = inner(data, "result")
        match status.lower():
            case "success":
                return ended(_tracks(result))
            case "failed":
                reason = Complaint((code_word(result.get("code")), status), pick(result, "message"))
                return failed(_tracks(result), reason.fault(ErrorCode.GENERATION_FAILED))
            case word:
                return running(TaskStatus.PENDING, _tracks(result), () if word in _RUNNING else (status,))

    def read_callback(self, body: bytes) -> str | None:
        """crun publishes no callback body: that of TaskInfo is expected, anything else leads to no task."""
        return task_id(read_object(body), "task_id")


def _complaint(reply: GatewayReply, body: dict[str, Any] | None) -> Complaint | None:
    """Good only if HTTP status and body code both say 200."""
    if body is None:
        return shapeless(reply)
    code = code_word(body.get("code"))
    if is_ok(reply) and code == "200":
        return None
    codes = tuple(each for each in (code, http_code(reply)) if each not in (None, "200"))
    return Complaint(codes, pick(body, "message"))


def _tracks(result: dict[str, Any]) -> tuple[TaskTrack, ...]:
    """The songs of ``suno_data``; ``media_urls`` (one page: ``media_url``) stand in for audio that is missing there."""
    given = pick(result, "media_urls", "media_url")
    urls = [audio_url(each) for each in (given if isinstance(given, list) else [given])]
    tracks = read_tracks(result.get("suno_data"), _TRACK)
    if not tracks:
        return tuple(TaskTrack(f"track-{position}", audio_url=url) for position, url in enumerate(filter(None, urls), 1))
    if len(urls) != len(tracks):
        return tracks
    return tuple(replace(track, audio_url=track.audio_url or url) for track, url in zip(tracks, urls, strict=True))
