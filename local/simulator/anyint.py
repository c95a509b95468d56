"""AnyInt: ``POST /suno/generate``, ``GET /suno/query/task?taskId=``; callbacks at the stages text, first and complete.

Neither the envelope of the submit answer nor the body of the query is published: both follow the upstream contract of
sunoapi.org (``{code, msg, data}`` and record-info). Callbacks are flat, as AnyInt's page shows them. No callback is documented
for a failure, so none is sent. ``style`` and ``title`` are required in custom mode (AnyInt's page on music generation).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from local.simulator.tasks import Report, Song, Stage, TrackReport
from local.simulator.wire import Fields, Find, Json, Purpose, Reason, Refusal, Reply, Request, json_reply

DOCUMENTED = frozenset(("customMode", "instrumental", "model", "callBackUrl", "prompt", "style", "title", "personaId"))
UPSTREAM = frozenset(("negativeTags", "vocalGender", "styleWeight", "weirdnessConstraint", "audioWeight", "personaModel"))

_CODES = {
    Reason.NO_KEY: 401,
    Reason.WRONG_KEY: 401,
    Reason.TOO_LONG: 413,
    Reason.NO_CREDITS: 429,
    Reason.TOO_FREQUENT: 430,
    Reason.SERVER_ERROR: 500,
}
_STATUS = {
    Stage.QUEUED: "PENDING",
    Stage.RUNNING: "PENDING",
    Stage.TEXT: "TEXT_SUCCESS",
    Stage.FIRST: "FIRST_SUCCESS",
    Stage.DONE: "SUCCESS",
}
_CALLBACK_TYPES = {Stage.TEXT: "text", Stage.FIRST: "first", Stage.DONE: "complete"}
MODEL_NAMES = {
    "V4": "chirp-v4",
    "V4_5": "chirp-auk",
    "V4_5PLUS": "chirp-bluejay",
    "V4_5ALL": "chirp-auk-turbo",
    "V5": "chirp-crow",
}


class AnyInt:
    name = "anyint"
    callback_stages = (Stage.TEXT, Stage.FIRST, Stage.DONE)

    def key(self, request: Request) -> str | None:
        return request.bearer()

    def purpose(self, request: Request) -> Purpose | None:
        routes: dict[tuple[str, str], Purpose] = {("POST", "/suno/generate"): "submit", ("GET", "/suno/query/task"): "status"}
        return routes.get((request.method, request.path))

    def song(self, request: Request) -> Song:
        fields = Fields(request.json())
        custom, instrumental = fields.flag("customMode", required=True), fields.flag("instrumental", required=True)
        model = fields.word("model", MODEL_NAMES, required=True)
        for name in ("styleWeight", "weirdnessConstraint", "audioWeight"):
            fields.number(name, 0, 1)
        fields.word("vocalGender", {"m", "f"})
        fields.text("negativeTags")
        longest = (3000 if model == "V4" else 5000) if custom else 500
        return Song(
            fields=fields.values,
            words=fields.text("prompt", required=not (custom and instrumental), longest=longest),
            title=fields.text("title", required=custom, longest=80 if model in ("V4", "V4_5ALL") else 100),
            style=fields.text("style", required=custom, longest=200 if model == "V4" else 1000),
            model=model,
            callback_url=fields.url("callBackUrl", required=True),
            undocumented=fields.others(DOCUMENTED | UPSTREAM),
        )

    def accepted(self, report: Report) -> Reply:
        return json_reply(200, {"code": 200, "msg": "success", "data": {"taskId": report.task.task_id}})

    def refused(self, refusal: Refusal) -> Reply:
        if refusal.reason is Reason.NO_SUCH_ROUTE:
            return json_reply(404, {"code": 404, "msg": refusal.message, "data": None})
        return json_reply(200, {"code": _CODES.get(refusal.reason, 400), "msg": refusal.message, "data": None})

    def status(self, request: Request, find: Find) -> Reply:
        if not (task_id := request.query.get("taskId")):
            raise Refusal(Reason.INVALID, "taskId is required")
        if (report := find(task_id)) is None:
            raise Refusal(Reason.NO_SUCH_TASK, "task not found")
        return json_reply(200, {"code": 200, "msg": "success", "data": _record(report)})

    def callback(self, report: Report) -> Json | None:
        if report.stage is Stage.DONE and _fails(report):
            return None
        return {
            "callbackType": _CALLBACK_TYPES[report.stage],
            "task_id": report.task.task_id,
            "data": [_callback_track(report, track) for track in report.tracks()],
        }


def _fails(report: Report) -> bool:
    return bool(report.task.faults.keys() & {"failed_task", "one_track_failed"})


def _record(report: Report) -> Json:
    failed = report.done and _fails(report)
    return {
        "taskId": report.task.task_id,
        "parentMusicId": "",
        "param": json.dumps(dict(report.song.fields)),
        "response": {"taskId": report.task.task_id, "sunoData": _record_tracks(report)},
        "status": "MASTERING" if report.strange else "GENERATE_AUDIO_FAILED" if failed else _STATUS[report.stage],
        "type": "GENERATE",
        "operationType": "generate",
        "errorCode": 500 if failed else None,
        "errorMessage": "Audio generation failed" if failed else None,
    }


def _record_tracks(report: Report) -> list[Json]:
    if report.strange or report.failed or report.stage < Stage.TEXT:
        return []
    return [_record_track(report, track) for track in report.tracks()]


def _record_track(report: Report, track: TrackReport) -> Json:
    return {
        "id": track.track_id,
        "audioUrl": track.audio_url or "",
        "streamAudioUrl": track.preview_url,
        "imageUrl": track.image_url,
        "prompt": report.song.words,
        "modelName": MODEL_NAMES[report.song.model],
        "title": report.song.shown_title,
        "tags": report.song.style,
        "createTime": datetime.fromtimestamp(report.task.created_at, UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "duration": track.duration,
    }


def _callback_track(report: Report, track: TrackReport) -> Json:
    return {
        "id": track.track_id,
        "audio_url": track.audio_url or "",
        "stream_audio_url": track.preview_url,
        "image_url": track.image_url,
        "title": report.song.shown_title,
        "tags": report.song.style,
        "duration": track.duration,
    }
