"""crun.ai: ``POST /api/v1/client/job/CreateTask``, ``GET /api/v1/client/job/TaskInfo?task_id=``.

The body of a callback is not published; it is taken to be the TaskInfo envelope. Errors come with HTTP status 200 and their
code in the body.
"""

from __future__ import annotations

from typing import Any

from local.simulator.tasks import Report, Song, Stage, TrackReport
from local.simulator.wire import Fields, Find, Json, Purpose, Reason, Refusal, Reply, Request, json_reply

MUSIC = "suno/music-generate"
MODEL_NAMES = {
    "v3": "chirp-v3",
    "v3.5": "chirp-v3-5",
    "v4": "chirp-v4",
    "v4.5": "chirp-auk",
    "v4.5plus": "chirp-bluejay",
    "v4.5all": "chirp-auk-turbo",
    "v5": "chirp-crow",
    "v5.5": "chirp-fenix",
}
DOCUMENTED = frozenset(
    (
        "mode",
        "model",
        "instrumental",
        "prompt",
        "title",
        "tags",
        "lyrics",
        "vocal_gender",
        "style_weight",
        "weirdness_constraint",
        "audio_weight",
        "negative_tags",
        "persona_id",
    )
)
TASK_ID_LENGTH = 36

_CODES = {
    Reason.NO_KEY: 401,
    Reason.WRONG_KEY: 401,
    Reason.NO_CREDITS: 402,
    Reason.NO_SUCH_TASK: 404,
    Reason.NO_SUCH_ROUTE: 404,
    Reason.TOO_FREQUENT: 429,
    Reason.SERVER_ERROR: 500,
    Reason.NOT_SIMULATED: 505,
}


class Crun:
    name = "crun"
    callback_stages = (Stage.DONE,)

    def key(self, request: Request) -> str | None:
        return request.headers.get("x-api-key")

    def purpose(self, request: Request) -> Purpose | None:
        routes: dict[tuple[str, str], Purpose] = {
            ("POST", "/api/v1/client/job/CreateTask"): "submit",
            ("GET", "/api/v1/client/job/TaskInfo"): "status",
        }
        return routes.get((request.method, request.path))

    def song(self, request: Request) -> Song:
        outer = Fields(request.json())
        if outer.text("model", required=True) != MUSIC:
            raise Refusal(Reason.NOT_SIMULATED, f"only {MUSIC} is enabled")
        if not isinstance(given := outer.values.get("input"), dict):
            raise Refusal(Reason.INVALID, "input is required")
        fields = Fields(given)
        custom = fields.word("mode", {"simple", "custom"}, required=True) == "custom"
        instrumental = fields.flag("instrumental")
        for name in ("style_weight", "weirdness_constraint", "audio_weight"):
            fields.number(name, 0, 1)
        fields.word("vocal_gender", {"m", "f"})
        fields.text("negative_tags")
        prompt = fields.text("prompt", required=not custom)
        lyrics = fields.text("lyrics", required=custom and not instrumental, longest=5000)
        return Song(
            fields=outer.values,
            words=lyrics if custom else prompt,
            title=fields.text("title", longest=100),
            style=fields.text("tags", longest=1000),
            model=fields.word("model", MODEL_NAMES, required=True),
            callback_url=outer.url("callback_url"),
            undocumented=outer.others(("model", "callback_url", "input")) + fields.others(DOCUMENTED),
        )

    def accepted(self, report: Report) -> Reply:
        return json_reply(200, {"code": 200, "message": "success", "data": {"task_id": report.task.task_id}})

    def refused(self, refusal: Refusal) -> Reply:
        return json_reply(200, {"code": _CODES.get(refusal.reason, 422), "message": refusal.message, "data": None})

    def status(self, request: Request, find: Find) -> Reply:
        task_id = request.query.get("task_id", "")
        if len(task_id) != TASK_ID_LENGTH:
            raise Refusal(Reason.INVALID, f"task_id must have {TASK_ID_LENGTH} characters")
        if (report := find(task_id)) is None:
            raise Refusal(Reason.NO_SUCH_TASK, "task not found")
        return json_reply(200, self.callback(report))

    def callback(self, report: Report) -> Json:
        return {"code": 200, "message": "success", "data": _task_info(report)}


def _task_info(report: Report) -> Json:
    created = int(report.task.created_at)
    finished = int(report.finished_at)
    info: Json = {
        "task_id": report.task.task_id,
        "provider": "Suno",
        "model_version": "suno" + report.song.model,
        "status": _status(report),
        "param": _param(report.song),
        "create_at": created,
        "result": None,
        "duration_s": None,
        "complete_at": None,
        "source": "api",
    }
    if report.done:
        info |= {"complete_at": finished, "duration_s": finished - created, "credits": 12, "result": _result(report)}
    return info


def _status(report: Report) -> str:
    if report.strange:
        return "mastering"
    if report.done:
        return "failed" if report.failed else "success"
    return "pending" if report.stage is Stage.QUEUED else "running"


def _param(song: Song) -> Json:
    return {"model": MUSIC, "callback_url": song.callback_url, "input": song.fields["input"]}


def _result(report: Report) -> Json:
    if report.failed:
        return {"code": 501, "message": "Generation failed"}
    tracks = report.tracks()
    return {
        "code": 200,
        "message": "success",
        "media_urls": [track.audio_url for track in tracks if track.audio_url],
        "suno_data": [_suno_item(report, track) for track in tracks],
    }


def _suno_item(report: Report, track: TrackReport) -> dict[str, Any]:
    return {
        "suno_id": track.track_id,
        "title": report.song.shown_title,
        "prompt": report.song.words,
        "tags": report.song.style,
        "suno_audio_url": track.audio_url,
        "suno_image_url": track.image_url,
        "suno_image_large_url": track.image_url,
        "suno_model_name": MODEL_NAMES[report.song.model],
        "duration": track.duration,
        "created_at": int(report.task.created_at),
    }
