"""crun.ai."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from suno_jobs.catalog.costs import Cost
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Media, Result
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways import error_rules as rules
from suno_jobs.gateways import protocol
from suno_jobs.gateways.adapter import Adapter, Body
from suno_jobs.gateways.input_fields import SONG_FIELDS, Fields, describe, rename_fields, same_names, without_none
from suno_jobs.gateways.parsing import code_text, inner, media_url, pick
from suno_jobs.gateways.prices import reported_cost
from suno_jobs.gateways.protocol import GatewayReply, GatewayRequest, Offer, Price, TaskReport, TaskStatus, TaskTrack
from suno_jobs.gateways.reports import failed_report, finished_report, running_report
from suno_jobs.gateways.results import stems_by_field, stems_by_title
from suno_jobs.gateways.tracks import TrackFields, as_objects, file_tracks, read_tracks, track_links

_JOB = "/api/v1/client/job"

MODELS: Mapping[str, str] = {name: name for name in ("v3", "v3.5", "v4", "v4.5", "v4.5plus", "v4.5all", "v5", "v5.5")}
"""crun.ai's names are our common names."""

ERROR_RULES: rules.ErrorRules = {
    "401": rules.AUTHENTICATION,
    "402": rules.QUOTA,
    # A task may be unknown for a moment after it was created.
    "404": protocol.ErrorRule(ErrorCode.NOT_FOUND, refused=False, retry_read=True),
    "422": rules.INVALID_REQUEST,
    "429": rules.RATE_LIMITED,
    "455": rules.MAINTENANCE,
    "500": rules.UNKNOWN,
    "501": rules.GENERATION_FAILED,
    "505": rules.INVALID_REQUEST,  # the feature is disabled
}

_SONG = SONG_FIELDS | {"persona_id"}

KINDS: Mapping[Kind, Offer] = {
    Kind.MUSIC: Offer(fields=_SONG, required=("prompt/lyrics",)),
    Kind.UPLOAD_EXTEND: Offer(
        fields=_SONG | {"audio_url", "continue_at"},
        required=("audio_url", "continue_at", "prompt/lyrics"),
        note="The page documents only audio_url and continue_at. The other fields are those of music-generate.",
    ),
    Kind.MP4: Offer.of_source(
        Result.FILES,
        ("author", "brand"),
        note="The video is read from media_urls, where crun.ai returns the files of every other task.",
    ),
    Kind.STEMS: Offer.of_source(
        Result.STEMS,
        note="The values of mode are not documented, so crun.ai's default decides which stems are returned. The format of "
        "media_info is not documented either: objects and lists with known stem names are read.",
    ),
}

_TASK_MODELS = {
    Kind.MUSIC: "suno/music-generate",
    Kind.UPLOAD_EXTEND: "suno/music-extend-upload",
    Kind.MP4: "suno/music-video",
    Kind.STEMS: "suno/vocal-separation",
}

_COMMON = {
    **same_names("vocal_gender", "style_weight", "audio_weight", "persona_id", "audio_url", "continue_at"),
    "weirdness": "weirdness_constraint",
    "negative_style": "negative_tags",
}
_CUSTOM = {"title": "title", "style": "tags", "lyrics": "lyrics"}

_TRACK = TrackFields(
    track_id=("suno_id",),
    audio=("suno_audio_url",),
    image=("suno_image_large_url", "suno_image_url"),
    lyrics=("prompt",),
    model=("suno_model_name",),
)
_STEM_URLS = ("url", "audio_url", "media_url")
_STEM_NAMES = ("name", "title", "type")
_RUNNING = frozenset({"pending", "running"})
_FAILED = frozenset({"failed", "error"})
"""Only the first one is documented. A public client takes the second one for a failure as well."""


class Crun(Adapter):
    """Sources: crun.ai's pages Suno Task Info, Generate Music, Get Task Info and the task info of vocal separation.

    The body of a callback is not documented. That of TaskInfo is expected; any other has no task id.
    """

    name = "crun"
    base_url = "https://api.crun.ai"
    key_header = ("x-api-key", "")
    # Documented, per account.
    rate = protocol.Rate(15, 1.0)
    # Title, style and lyrics are documented. The other two are the lowest of all gateways.
    limits = protocol.Limits(prompt=500, lyrics=5000, style=1000, title=100)
    models = MODELS
    default_model = "v5.5"
    # Measured by a public client.
    prices = (Price(Kind.MUSIC, 12, "credits", "2026-08", models=("v5.5",)),)
    always_with_model = frozenset({Kind.MUSIC, Kind.UPLOAD_EXTEND})
    kinds = KINDS
    # For crun.ai's own files. Nothing is documented for files that Suno serves.
    link_days = MappingProxyType({"*": 14.0})
    error_rules = ERROR_RULES
    balance_requests = (GatewayRequest("GET", "/api/v1/client/account/balance"),)
    task_id_fields = ("task_id",)
    callback_field = "callback_url"

    def path_and_body(self, kind: Kind, fields: Fields, sources: Sequence[protocol.Source]) -> tuple[str, Body]:
        task_input = _of_track(fields, sources[0]) if sources else self._song(kind, fields)
        return f"{_JOB}/CreateTask", {"model": _TASK_MODELS[kind], "input": without_none(task_input)}

    def _song(self, kind: Kind, fields: Fields) -> Body:
        custom = "lyrics" in fields
        return {
            "mode": "custom" if custom else "simple",
            "model": self.model_of(kind, fields),
            "instrumental": fields.get("instrumental", False),
            **rename_fields(fields, _COMMON),
            **(rename_fields(fields, _CUSTOM) if custom else {"prompt": describe(fields, negative=False)}),
        }

    def status_request(self, kind: Kind, task_id: str) -> GatewayRequest:  # noqa: ARG002
        return GatewayRequest("GET", f"{_JOB}/TaskInfo", params={"task_id": task_id})

    def read_task(self, kind: Kind, reply: GatewayReply, body: Body) -> TaskReport | None:
        """``data.status`` decides. The code in ``result`` only explains a failure."""
        if error := self.error_in(reply, body):
            task_failed = rules.is_ok(reply) and error.codes[:1] == ("501",)
            return failed_report((), error.task_fault({})) if task_failed else None
        data = inner(body, "data")
        status = code_text(data.get("status"))
        if status is None:
            return None
        result = inner(data, "result")
        tracks = _tracks(kind, result)
        match status.lower():
            case "success":
                return finished_report(tracks)
            case failed if failed in _FAILED:
                reason = rules.ErrorReply((code_text(result.get("code")), status), pick(result, "message"))
                return failed_report(tracks, reason.task_fault({}))
            case other:
                return running_report(TaskStatus.PENDING, tracks, () if other in _RUNNING else (status,))

    def read_balance(self, replies: Sequence[GatewayReply]) -> protocol.Balance | protocol.ReadFailed:
        """The page shows no reply. Two public clients read ``data.balance``."""
        return self.balance_in(replies[0], lambda body: inner(body, "data").get("balance"))

    def read_cost(self, body: Body) -> Cost | None:
        return reported_cost(inner(body, "data").get("credits"), "credits")

    def error_in(self, reply: GatewayReply, body: Body) -> rules.ErrorReply | None:
        return rules.find_code(reply, body, "message", success=("200",))


def _of_track(fields: Fields, source: protocol.Source) -> Body:
    ids = {"task_id": source.task_id, "suno_id": source.track_id}
    return ids | rename_fields(fields, same_names("author", "brand"))


def _tracks(kind: Kind, result: Body) -> tuple[TaskTrack, ...]:
    match KINDS[kind].result:
        case Result.STEMS:
            info = result.get("media_info")
            if isinstance(info, list):
                return stems_by_title(info, _STEM_URLS, _STEM_NAMES)
            return stems_by_field(inner(result, "media_info"))
        case Result.FILES:
            return file_tracks("video", Media.VIDEO, _media_urls(result))
        case _:
            return _songs(result)


def _songs(result: Body) -> tuple[TaskTrack, ...]:
    """The songs in ``suno_data``. Missing audio is read from ``media_urls`` (on one page ``media_url``)."""
    urls, items = _media_urls(result), result.get("suno_data")
    tracks = read_tracks(items, _TRACK)
    if not tracks:
        return file_tracks("audio", Media.AUDIO, urls)
    if len(urls) != len(tracks):
        return tracks
    songs = zip(tracks, urls, as_objects(items), strict=True)
    return tuple(track if track.ready else replace(track, links=track_links(url, song, _TRACK)) for track, url, song in songs)


def _media_urls(result: Body) -> list[str | None]:
    urls = pick(result, "media_urls", "media_url")
    return [media_url(each) for each in (urls if isinstance(urls, list) else [urls])] if urls else []
