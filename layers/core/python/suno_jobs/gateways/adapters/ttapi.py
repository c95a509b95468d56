"""TTAPI (ttapi.io)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from suno_jobs.catalog.costs import Cost
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Result
from suno_jobs.gateways import error_rules as rules
from suno_jobs.gateways import protocol
from suno_jobs.gateways.adapter import Adapter, Body
from suno_jobs.gateways.input_fields import SONG_FIELDS, Fields, describe, rename_fields, same_names
from suno_jobs.gateways.parsing import code_text, find_task_id, inner, pick
from suno_jobs.gateways.prices import reported_cost
from suno_jobs.gateways.protocol import GatewayReply, GatewayRequest, Offer, Price, TaskReport, TaskStatus, TaskTrack
from suno_jobs.gateways.reports import failed_report, finished_report, running_report
from suno_jobs.gateways.results import read_id, stems_by_title
from suno_jobs.gateways.tracks import TrackFields, objects_in, read_tracks

MODELS: Mapping[str, str] = {
    "v3": "chirp-v3-0",
    "v3.5": "chirp-v3-5",
    "v4": "chirp-v4",
    "v4.5": "chirp-v4-5",
    "v4.5plus": "chirp-v4-5+",
    "v4.5all": "chirp-v4-5-all",
    "v5": "chirp-v5",
    "v5.5": "chirp-v5-5",
    "v6": "chirp-v6",
    "v6-wild": "chirp-v6-wild",
    "v6-mini": "chirp-v6-mini",
}

ERROR_RULES: rules.ErrorRules = {
    "400": rules.INVALID_REQUEST,  # also for banned words
    "401": rules.AUTHENTICATION,
    "402": rules.QUOTA,
    "403": rules.AUTHENTICATION,  # the account is blocked
    "404": rules.NOT_FOUND,
    "429": rules.RATE_LIMITED,
    "499": rules.RATE_LIMITED,  # the account's queue of tasks in progress is full
    "500": rules.UNKNOWN,
    "504": rules.UNKNOWN,
    # A status in the body. The response guide calls it "Rejected" and has no code for it.
    "FAILED": rules.INVALID_REQUEST,
}

_SONG = SONG_FIELDS | {"persona_id"}
_LYRICS_FIELDS = (_SONG - {"prompt", "instrumental"}) | {"lyrics"}
_FIELDS_NOTE = "The page documents only the lyrics (its prompt). The other fields are those of music."

KINDS: Mapping[Kind, Offer] = {
    Kind.MUSIC: Offer(fields=_SONG | {"duration"}, required=("prompt/lyrics",)),
    Kind.EXTEND: Offer.of_source(fields=_SONG | {"continue_at"}, required=("continue_at", "prompt/lyrics")),
    Kind.COVER: Offer.of_source(fields=_SONG, required=("prompt/lyrics",)),
    Kind.UPLOAD: Offer(Result.ID, fields=frozenset({"audio_url"}), required=("audio_url",), synchronous=True),
    Kind.UPLOAD_COVER: Offer(fields=_LYRICS_FIELDS | {"audio_url"}, required=("audio_url", "lyrics"), note=_FIELDS_NOTE),
    Kind.ADD_VOCALS: Offer.of_source(fields=_LYRICS_FIELDS, required=("lyrics",), note=_FIELDS_NOTE),
    Kind.CONCAT: Offer.of_source(),
    Kind.STEMS: Offer.of_source(
        Result.STEMS, ("split",), note="Always all stems: the names of single stems are not documented."
    ),
    Kind.PERSONA: Offer.of_source(
        Result.ID, ("name", "description", "style", "start_s", "end_s"), ("name", "description"), synchronous=True
    ),
    Kind.SOUNDS: Offer(fields=frozenset({"prompt", "model", "loop", "bpm", "key"}), required=("prompt",)),
}

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

_COMMON = {
    **same_names("style_weight", "audio_weight", "persona_id", "vocal_gender", "audio_url", "continue_at", "duration"),
    "weirdness": "weirdness_constraint",
}
_CUSTOM = {"lyrics": "prompt", "title": "title", "style": "tags", "negative_style": "negative_tags"}
_PERSONA = {"name": "name", "description": "describe", "style": "styles", "start_s": "vocal_start_s", "end_s": "vocal_end_s"}

_TRACK = TrackFields(
    # The second spelling of each is known from public clients.
    track_id=("musicId", "id"),
    audio=("audioUrl", "audio_url"),
    image=("imageLargeUrl", "imageUrl"),
    video=("videoUrl",),
    lyrics=("prompt",),
)
_RUNNING = frozenset({"PENDING_QUEUE", "ON_QUEUE"})
_FAILED = frozenset({"FAILED", "FAIL", "FAILURE", "ERROR", "CANCELLED", "CANCELED", "TIMEOUT"})
"""Only the first one is documented. Public clients take the others for failures as well."""
_STATUSES = frozenset({"SUCCESS"}) | _RUNNING | _FAILED


_OLDER = protocol.Limits(prompt=500, lyrics=5000, style=200, title=80)


class TTAPI(Adapter):
    """Sources: TTAPI's pages on each Suno operation, Fetch V2 and the response guide, and the Suno async workflow guide."""

    name = "ttapi"
    base_url = "https://api.ttapi.io"
    key_header = ("TT-API-KEY", "")
    # Our own limit: TTAPI limits tasks in progress, not requests.
    rate = protocol.Rate(5, 1.0)
    # The longest lyrics are not documented.
    limits = protocol.Limits(prompt=500, lyrics=5000, style=1000, title=80)
    older_limits = MappingProxyType(dict.fromkeys(("chirp-v3-0", "chirp-v3-5", "chirp-v4"), _OLDER))
    models = MODELS
    # As a public client does. The default of the page is a model that Suno has retired.
    default_model = "v6"
    usd_per_unit = 0.01
    # The price of a song is known for v6 only.
    prices = (
        Price(Kind.MUSIC, 6, "quota", "2026-09", models=("v6", "v6-wild", "v6-mini")),
        Price(Kind.CONCAT, 0, "quota", "2026-11"),
    )
    always_with_model = frozenset({Kind.MUSIC, Kind.EXTEND, Kind.COVER, Kind.UPLOAD_COVER, Kind.ADD_VOCALS})
    kinds = KINDS
    link_days = MappingProxyType({"cdn.ttapi.io": 30.0, "cloudflarer2.ttapi.io": 3.0, "*": None})
    error_rules = ERROR_RULES
    # At the top level, in ``data`` or in both.
    task_id_fields = ("jobId", "job_id")
    callback_field = "hookUrl"
    vocal_genders = MappingProxyType({"male": "Male", "female": "Female"})

    def check_values(self, kind: Kind, fields: Fields) -> protocol.FieldErrors:
        vocals = fields.get("split") == "vocals"
        problems = (("split", "cannot be vocals: this gateway always returns all stems"),) if vocals else ()
        return problems + super().check_values(kind, fields)

    def description(self, kind: Kind, fields: Fields) -> str:  # noqa: ARG002
        return describe(fields, negative=True)

    def path_and_body(self, kind: Kind, fields: Fields, sources: Sequence[protocol.Source]) -> tuple[str, Body]:
        body = _BODIES.get(kind, _song)(fields)
        if self.sends_model(kind, fields):
            body["mv"] = self.model_of(kind, fields)
        if sources:
            body["music_id"] = sources[0].track_id
        return f"/suno/v1/{_PATHS[kind]}", body

    def read_result(self, kind: Kind, body: Body) -> TaskReport | None:
        """``SUCCESS`` means accepted, not finished, except for the synchronous operations."""
        return _read_id(kind, inner(body, "data"))

    def status_request(self, kind: Kind, task_id: str) -> GatewayRequest:  # noqa: ARG002
        return GatewayRequest("GET", "/suno/v2/fetch", params={"jobId": task_id})

    def read_task(self, kind: Kind, reply: GatewayReply, body: Body) -> TaskReport | None:
        """A refused status request has the status of a failed task, but no task id."""
        data = inner(body, "data")
        status = _status(body, data)
        is_task = find_task_id(body, *self.task_id_fields) is not None or isinstance(data.get("musics"), list)
        if not rules.is_ok(reply) or status is None or not is_task:
            return None
        tracks = _tracks(kind, data)
        match status.upper():
            case "SUCCESS":
                return _read_id(kind, data) or finished_report(tracks)
            case failed if failed in _FAILED:
                reason = pick(body, "message") or pick(data, "failReason", "message")
                return failed_report(tracks, rules.ErrorReply((failed,), reason).task_fault({}))
            case other:
                return running_report(TaskStatus.PENDING, tracks, () if other in _RUNNING else (status,))

    def read_cost(self, body: Body) -> Cost | None:
        return reported_cost(inner(body, "data").get("quota"), "quota")

    def error_in(self, reply: GatewayReply, body: Body) -> rules.ErrorReply | None:
        """The HTTP status decides. ``FAILED`` in the body decides for HTTP 2xx, and for a 4xx without a rule other than 408."""
        status = (code_text(body.get("status")) or "").upper()
        if rules.is_ok(reply) and status != "FAILED":
            return None
        is_refusal = rules.is_ok(reply) or (400 <= reply.status < 500 and reply.status != 408)
        http = None if rules.is_ok(reply) else rules.http_code(reply)
        return rules.ErrorReply((http, "FAILED" if status == "FAILED" and is_refusal else None), pick(body, "message"))


def _song(fields: Fields) -> Body:
    """In simple mode ``title``, ``tags`` and ``negative_tags`` have no effect, so the description includes them.

    ``isStorage`` true stores the files on TTAPI's own CDN. Its documented default differs between pages, so it is always sent.
    """
    custom = "lyrics" in fields
    return {
        "custom": custom,
        "instrumental": fields.get("instrumental", False),
        "isStorage": True,
        **rename_fields(fields, _COMMON),
        **(rename_fields(fields, _CUSTOM) if custom else {"gpt_description_prompt": describe(fields, negative=True)}),
    }


def _sounds(fields: Fields) -> Body:
    loop = {True: "loop", False: "one-shot"}.get(fields["loop"]) if "loop" in fields else None
    return {"sound": fields["prompt"], "type": loop, **rename_fields(fields, same_names("bpm", "key"))}


_BODIES: Mapping[Kind, Callable[[Fields], Body]] = {
    Kind.UPLOAD: lambda fields: rename_fields(fields, same_names("audio_url")),
    Kind.CONCAT: lambda _: {},
    Kind.STEMS: lambda _: {},
    Kind.PERSONA: lambda fields: rename_fields(fields, _PERSONA),
    Kind.SOUNDS: _sounds,
}


def _status(body: Body, data: Body) -> str | None:
    """Public clients find the status of the task in ``data`` too. There it says more than that the request was answered."""
    outer, own = code_text(body.get("status")), code_text(data.get("status"))
    return own if own is not None and (outer is None or own.upper() in _STATUSES) else outer


def _tracks(kind: Kind, data: Body) -> tuple[TaskTrack, ...]:
    if KINDS[kind].result is Result.STEMS:
        return stems_by_title(objects_in(data.get("musics")), _TRACK.audio)
    return read_tracks(data.get("musics"), _TRACK)


def _read_id(kind: Kind, data: Body) -> TaskReport | None:
    """The result of an upload or a persona, or None."""
    theirs, ours = {Kind.UPLOAD: ("music_id", "audio_id"), Kind.PERSONA: ("persona_id",) * 2}.get(kind, ("", ""))
    return read_id(data, ours, theirs) if pick(data, theirs) is not None else None
