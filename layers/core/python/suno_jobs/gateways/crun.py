"""crun.ai."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.asking import WORDS, Given, check_lengths, check_offer, describe, renamed, said
from suno_jobs.gateways.base import (
    GatewayReply,
    GatewayRequest,
    Kind,
    Limits,
    Media,
    Offer,
    Problems,
    Rate,
    Reading,
    Result,
    Source,
    Submission,
    TaskStatus,
    TaskTrack,
)
from suno_jobs.gateways.models import their_model
from suno_jobs.gateways.replies import code_word, inner, media_url, pick, read_object, task_id
from suno_jobs.gateways.results import stems_by_field, stems_by_title
from suno_jobs.gateways.tracks import Spelling, ended, failed, files, objects, read_tracks, running, song_links
from suno_jobs.gateways.verdicts import (
    BROKEN,
    DENIED,
    INVALID,
    LATER,
    QUOTA,
    RATE,
    UNKNOWN,
    Complaint,
    Meaning,
    http_code,
    is_ok,
    settle,
    shapeless,
    unread,
)

if TYPE_CHECKING:
    from suno_jobs.kinds import KindInput

_JOB = "/api/v1/client/job"

MODELS = {name: name for name in ("v3", "v3.5", "v4", "v4.5", "v4.5plus", "v4.5all", "v5", "v5.5")}
"""Its own names are the ones that we use."""

MEANINGS = {
    "401": DENIED,
    "402": QUOTA,
    # A task is not found for a moment after it was made.
    "404": Meaning(ErrorCode.NOT_FOUND, refused=False, reread=True),
    "422": INVALID,
    "429": RATE,
    "455": LATER,
    "500": UNKNOWN,
    "501": BROKEN,
    "505": INVALID,  # the feature is disabled
}

_SONG = WORDS | {"persona_id"}

KINDS: Mapping[Kind, Offer] = MappingProxyType(
    {
        Kind.MUSIC: Offer(fields=_SONG, required=("prompt/lyrics",)),
        Kind.UPLOAD_EXTEND: Offer(
            fields=_SONG | {"audio_url", "continue_at"},
            required=("audio_url", "continue_at", "prompt/lyrics"),
            note="The page leaves the fields beside audio_url and continue_at open: those of music-generate are sent.",
        ),
        Kind.MP4: Offer(
            Result.FILES,
            sources=1,
            fields=frozenset({"source", "author", "brand"}),
            required=("source",),
            note="The video is looked for in media_urls, where crun.ai puts the files of every other task.",
        ),
        Kind.STEMS: Offer(
            Result.STEMS,
            sources=1,
            fields=frozenset({"source"}),
            required=("source",),
            note="The values of mode are not documented: crun.ai's default decides which stems come. They come in media_info, "
            "whose shape is not documented either: fields and lists of known stem names are read.",
        ),
    }
)

_SLUGS = {
    Kind.MUSIC: "suno/music-generate",
    Kind.UPLOAD_EXTEND: "suno/music-extend-upload",
    Kind.MP4: "suno/music-video",
    Kind.STEMS: "suno/vocal-separation",
}

_MANNER = {
    "vocal_gender": "vocal_gender",
    "style_weight": "style_weight",
    "weirdness": "weirdness_constraint",
    "audio_weight": "audio_weight",
    "negative_style": "negative_tags",
    "persona_id": "persona_id",
    "audio_url": "audio_url",
    "continue_at": "continue_at",
}
_CUSTOM = {"title": "title", "style": "tags", "lyrics": "lyrics"}

_TRACK = Spelling(
    track_id=("suno_id",),
    audio=("suno_audio_url",),
    image=("suno_image_large_url", "suno_image_url"),
    lyrics=("prompt",),
    model=("suno_model_name",),
)
_STEM_URLS = ("url", "audio_url", "media_url")
_STEM_NAMES = ("name", "title", "type")
_RUNNING = frozenset({"pending", "running"})


class Crun:
    """Facts: crun.ai's pages Suno Task Info, Generate Music, Get Task Info and the task info of vocal separation."""

    name = "crun"
    base_url = "https://api.crun.ai"
    # Documented: 15 per second for each account.
    rate = Rate(15, 1.0)
    # Title, tags and lyrics are documented; the other two are the strictest that any gateway sets.
    limits = Limits(prompt=500, lyrics=5000, style=1000, title=100)
    default_model = "v5"
    models: Mapping[str, str] = MappingProxyType(MODELS)
    kinds = KINDS
    callback_stages = ("final",)
    # Of its own files; those that Suno serves are promised nothing.
    link_days: Mapping[str, float | None] = MappingProxyType({"*": 14.0})
    meanings = MappingProxyType(MEANINGS)

    def authorization(self, api_key: str) -> Mapping[str, str]:
        return {"x-api-key": api_key}

    def check(self, kind: Kind, given: KindInput) -> Problems:
        asked = given.given()
        return check_offer(KINDS[kind], asked) + check_lengths(asked, self.limits, description=describe(asked, negative=False))

    def request(self, kind: Kind, given: KindInput, *, sources: Sequence[Source], callback_url: str) -> GatewayRequest:
        asked = given.given()
        fields = _of_track(asked, sources[0]) if sources else self._song(asked)
        body = {"model": _SLUGS[kind], "callback_url": callback_url, "input": said(fields)}
        return GatewayRequest("POST", f"{_JOB}/CreateTask", json=body)

    def _song(self, asked: dict[str, Any]) -> dict[str, Any]:
        if "vocal_gender" in asked:
            asked["vocal_gender"] = asked["vocal_gender"][0]
        custom = "lyrics" in asked
        return {
            "mode": "custom" if custom else "simple",
            "model": their_model(MODELS, asked.get("model", self.default_model)),
            "instrumental": asked.get("instrumental", False),
            **renamed(asked, _MANNER),
            **(renamed(asked, _CUSTOM) if custom else {"prompt": describe(asked, negative=False)}),
        }

    def read_submission(self, kind: Kind, reply: GatewayReply) -> Submission:  # noqa: ARG002
        body = read_object(reply.body)
        return settle(reply, MEANINGS, _complaint(reply, body), task_id(body, "task_id"))

    def status_request(self, kind: Kind, task_id: str) -> GatewayRequest:  # noqa: ARG002
        return GatewayRequest("GET", f"{_JOB}/TaskInfo", params={"task_id": task_id})

    def read_status(self, kind: Kind, reply: GatewayReply) -> Reading:
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
        tracks = _tracks(kind, result)
        match status.lower():
            case "success":
                return ended(tracks)
            case "failed":
                reason = Complaint((code_word(result.get("code")), status), pick(result, "message"))
                return failed(tracks, reason.fault(ErrorCode.GENERATION_FAILED))
            case word:
                return running(TaskStatus.PENDING, tracks, () if word in _RUNNING else (status,))

    def read_callback(self, body: bytes) -> str | None:
        """crun publishes no callback body: that of TaskInfo is expected, anything else leads to no task."""
        return task_id(read_object(body), "task_id")


def _of_track(asked: Given, source: Source) -> dict[str, Any]:
    names = {"author": "author", "brand": "brand"}
    return {"task_id": source.task_id, "suno_id": source.track_id, **renamed(asked, names)}


def _complaint(reply: GatewayReply, body: dict[str, Any] | None) -> Complaint | None:
    """Good only if HTTP status and body code both say 200."""
    if body is None:
        return shapeless(reply)
    code = code_word(body.get("code"))
    if is_ok(reply) and code == "200":
        return None
    codes = tuple(each for each in (code, http_code(reply)) if each not in (None, "200"))
    return Complaint(codes, pick(body, "message"))


def _tracks(kind: Kind, result: dict[str, Any]) -> tuple[TaskTrack, ...]:
    match KINDS[kind].result:
        case Result.STEMS:
            info = result.get("media_info")
            if isinstance(info, list):
                return stems_by_title(info, _STEM_URLS, _STEM_NAMES)
            return stems_by_field(inner(result, "media_info"))
        case Result.FILES:
            return files("video", Media.VIDEO, _media_urls(result))
        case _:
            return _songs(result)


def _songs(result: dict[str, Any]) -> tuple[TaskTrack, ...]:
    """The songs of ``suno_data``; ``media_urls`` (one page: ``media_url``) stand in for audio that is missing there."""
    urls, items = _media_urls(result), result.get("suno_data")
    tracks = read_tracks(items, _TRACK)
    if not tracks:
        return files("audio", Media.AUDIO, urls)
    if len(urls) != len(tracks):
        return tracks
    songs = zip(tracks, urls, objects(items), strict=True)
    return tuple(track if track.ready else replace(track, links=song_links(url, song, _TRACK)) for track, url, song in songs)


def _media_urls(result: dict[str, Any]) -> list[str | None]:
    given = pick(result, "media_urls", "media_url")
    return [media_url(each) for each in (given if isinstance(given, list) else [given])] if given else []
