"""Ace Data Cloud: ``POST /suno/audios`` and ``POST /suno/tasks`` with the actions retrieve and retrieve_batch.

A submission without ``async`` and ``callback_url`` is answered with the result. What an unknown task id is answered with is not
published; here it is an empty object, and is missing in a batch. Before a task is finished its tracks show a preview stream as
``audio_url``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from local.simulator.tasks import Report, Song, Stage, TrackReport
from local.simulator.wire import Fields, Find, Json, Purpose, Reason, Refusal, Reply, Request, json_reply

MODELS = frozenset(
    (
        "chirp-v3-0",
        "chirp-v3-5",
        "chirp-v4",
        "chirp-v4-5",
        "chirp-v4-5+",
        "chirp-v4-5-plus",
        "chirp-v4-5-all",
        "chirp-v5",
        "chirp-v5-5",
        "chirp-v6",
        "chirp-v6-wild",
        "chirp-v6-mini",
    )
)
DOCUMENTED = frozenset(
    (
        "action",
        "prompt",
        "custom",
        "lyric",
        "lyric_prompt",
        "style",
        "title",
        "model",
        "instrumental",
        "audio_id",
        "continue_at",
        "persona_id",
        "vocal_gender",
        "negative_tags",
        "style_negative",
        "weirdness",
        "style_influence",
        "audio_weight",
        "duration",
        "variation_category",
        "callback_url",
        "async",
    )
)

_ERRORS = {
    Reason.NO_KEY: (400, "no_token"),
    Reason.WRONG_KEY: (401, "invalid_token"),
    Reason.NOT_SIMULATED: (400, "api_not_implemented"),
    Reason.NO_CREDITS: (403, "used_up"),
    Reason.NO_SUCH_ROUTE: (404, "no_api"),
    Reason.TOO_FREQUENT: (429, "too_many_requests"),
    Reason.SERVER_ERROR: (500, "api_error"),
}


class AceData:
    name = "acedata"
    callback_stages = (Stage.DONE,)

    def key(self, request: Request) -> str | None:
        return request.bearer()

    def purpose(self, request: Request) -> Purpose | None:
        routes: dict[tuple[str, str], Purpose] = {("POST", "/suno/audios"): "submit", ("POST", "/suno/tasks"): "status"}
        return routes.get((request.method, request.path))

    def song(self, request: Request) -> Song:
        fields = Fields(request.json())
        if fields.text("action") not in ("", "generate"):
            raise Refusal(Reason.NOT_SIMULATED, "only the action generate is available")
        custom, instrumental = fields.flag("custom"), fields.flag("instrumental")
        for name in ("weirdness", "style_influence", "audio_weight"):
            fields.number(name, 0, 1)
        fields.number("duration", 10, 360)
        fields.word("variation_category", {"high", "normal", "subtle"})
        for name in ("vocal_gender", "negative_tags", "style_negative"):
            fields.text(name)
        lyric_needed = custom and not instrumental and not fields.text("lyric_prompt")
        prompt, lyric = fields.text("prompt", required=not custom, longest=500), fields.text("lyric", required=lyric_needed)
        callback_url = fields.url("callback_url")
        return Song(
            fields=fields.values,
            words=lyric if custom else prompt,
            title=fields.text("title"),
            style=fields.text("style"),
            model=fields.word("model", MODELS) or "chirp-v5",
            callback_url=callback_url,
            undocumented=fields.others(DOCUMENTED),
            waits=not fields.flag("async") and callback_url is None,
        )

    def accepted(self, report: Report) -> Reply:
        if not report.song.waits:
            return json_reply(200, {"success": True, "task_id": report.task.task_id, "trace_id": _trace_id(report)})
        return json_reply(500 if report.failed else 200, self.callback(report))

    def refused(self, refusal: Refusal) -> Reply:
        status, code = _ERRORS.get(refusal.reason, (400, "bad_request"))
        error = {"code": code, "message": refusal.message}
        trace_id = str(uuid5(NAMESPACE_URL, refusal.message))
        return json_reply(status, {"success": False, "error": error, "trace_id": trace_id})

    def status(self, request: Request, find: Find) -> Reply:
        fields = Fields(request.json())
        if fields.word("action", {"retrieve", "retrieve_batch"}, required=True) == "retrieve":
            report = find(fields.text("id", required=True))
            return json_reply(200, _task(report, self) if report else {})
        ids = fields.values.get("ids")
        if not isinstance(ids, list) or not all(isinstance(task_id, str) for task_id in ids):
            raise Refusal(Reason.INVALID, "ids must be a list of task ids")
        items = [_task(report, self) for task_id in ids if (report := find(task_id))]
        return json_reply(200, {"items": items, "count": len(items)})

    def callback(self, report: Report) -> Json:
        body: Json = {"success": True, "task_id": report.task.task_id, "trace_id": _trace_id(report)}
        if report.failed:
            return body | {"success": False, "error": {"code": "api_error", "message": "Generation failed"}}
        return body | {"data": [_track(report, track) for track in report.tracks()]}


def _task(report: Report, wire: AceData) -> Json:
    song = report.song
    task: Json = {
        "_id": uuid5(NAMESPACE_URL, report.task.task_id).hex[:24],
        "id": report.task.task_id,
        "api_id": "09a26295-5972-4392-9318-dcd9b218f90d",
        "application_id": str(uuid5(NAMESPACE_URL, "application")),
        "created_at": round(report.task.created_at, 3),
        "credential_id": str(uuid5(NAMESPACE_URL, "credential")),
        "request": {"action": "generate", **song.fields},
        "trace_id": _trace_id(report),
        "user_id": str(uuid5(NAMESPACE_URL, "user")),
        "response": _response(report, wire),
    }
    return task | {"finished_at": round(report.finished_at, 3)} if report.done else task


def _response(report: Report, wire: AceData) -> Json | None:
    """Running tasks go through every shape that clients have seen: nothing, an acceptance, tracks with preview streams."""
    if report.strange or report.stage >= Stage.TEXT:
        return wire.callback(report)
    if report.stage is Stage.QUEUED:
        return None
    return {"success": True, "task_id": report.task.task_id}


def _track(report: Report, track: TrackReport) -> Json:
    song, state = report.song, _state(report, track)
    shown: Json = {
        "id": track.track_id,
        "title": song.shown_title,
        "image_url": track.image_url,
        "image_large_url": track.image_url,
        "lyric": song.words,
        "created_at": _iso(report.task.created_at),
        "model": song.model,
        "state": state,
        "prompt": song.fields.get("prompt", ""),
        "style": song.style,
    }
    if state == "running":
        return shown | {"audio_url": track.preview_url}
    if state == "succeeded" and track.audio_url:
        return shown | {"audio_url": track.audio_url, "duration": track.duration}
    return shown


def _state(report: Report, track: TrackReport) -> str:
    if report.strange:
        return "mastering"
    if not report.done:
        return "running" if report.stage is Stage.FIRST else "pending"
    return "error" if track.failed and "one_track_failed" in report.task.faults else "succeeded"


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace_id(report: Report) -> str:
    return str(uuid5(NAMESPACE_URL, "trace/" + report.task.task_id))
