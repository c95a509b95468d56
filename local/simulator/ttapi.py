"""TTAPI: ``POST /suno/v1/music``, ``GET /suno/v2/fetch?jobId=``; the callback's body is the fetch reply."""

from __future__ import annotations

from datetime import UTC, datetime

from local.simulator.tasks import Report, Song, Stage, TrackReport
from local.simulator.wire import Fields, Find, Json, Purpose, Reason, Refusal, Reply, Request, json_reply

MODELS = frozenset(
    (
        "chirp-v3-0",
        "chirp-v3-5",
        "chirp-v4",
        "chirp-v4-5",
        "chirp-v4-5+",
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
        "custom",
        "instrumental",
        "mv",
        "gpt_description_prompt",
        "prompt",
        "title",
        "tags",
        "negative_tags",
        "style_weight",
        "weirdness_constraint",
        "audio_weight",
        "vocal_gender",
        "auto_lyrics",
        "persona_id",
        "variety",
        "audio_format",
        "duration",
        "isStorage",
        "hookUrl",
    )
)

_HTTP_STATUS = {
    Reason.NO_KEY: 401,
    Reason.WRONG_KEY: 401,
    Reason.NO_CREDITS: 402,
    Reason.NO_SUCH_TASK: 404,
    Reason.NO_SUCH_ROUTE: 404,
    Reason.TOO_FREQUENT: 429,
    Reason.SERVER_ERROR: 500,
}
_PROGRESS = {Stage.QUEUED: "0%", Stage.RUNNING: "10%", Stage.TEXT: "40%", Stage.FIRST: "70%", Stage.DONE: "100%"}


class Ttapi:
    name = "ttapi"
    callback_stages = (Stage.DONE,)

    def key(self, request: Request) -> str | None:
        return request.headers.get("tt-api-key")

    def purpose(self, request: Request) -> Purpose | None:
        routes: dict[tuple[str, str], Purpose] = {("POST", "/suno/v1/music"): "submit", ("GET", "/suno/v2/fetch"): "status"}
        return routes.get((request.method, request.path))

    def song(self, request: Request) -> Song:
        fields = Fields(request.json())
        custom, instrumental = fields.flag("custom", required=True), fields.flag("instrumental", required=True)
        for name in ("style_weight", "weirdness_constraint", "audio_weight"):
            fields.number(name, 0, 1)
        fields.number("duration", 10, 360)
        fields.word("vocal_gender", {"Male", "Female"})
        fields.text("negative_tags")
        fields.flag("isStorage")
        description = fields.text("gpt_description_prompt", required=not custom, longest=500)
        lyrics = fields.text("prompt", required=custom and not instrumental)
        return Song(
            fields=fields.values,
            words=lyrics if custom else description,
            title=fields.text("title", longest=80),
            style=fields.text("tags", longest=1000),
            model=fields.word("mv", MODELS, required=True),
            callback_url=fields.url("hookUrl"),
            undocumented=fields.others(DOCUMENTED),
        )

    def accepted(self, report: Report) -> Reply:
        return json_reply(200, {"status": "SUCCESS", "message": "success", "data": {"jobId": report.task.task_id}})

    def refused(self, refusal: Refusal) -> Reply:
        status = _HTTP_STATUS.get(refusal.reason, 400)
        return json_reply(status, {"status": "FAILED", "message": refusal.message, "data": None})

    def status(self, request: Request, find: Find) -> Reply:
        if not (job_id := request.query.get("jobId")):
            raise Refusal(Reason.INVALID, "Parameter error")
        if (report := find(job_id)) is None:
            raise Refusal(Reason.NO_SUCH_TASK, "job not found")
        return json_reply(200, self.callback(report))

    def callback(self, report: Report) -> Json:
        job_id = report.task.task_id
        if report.failed:
            data: Json = {"jobId": job_id, "musics": None}
            return {"status": "FAILED", "message": "Generation failed", "jobId": job_id, "data": data}
        if not report.done:
            return {"status": _running_word(report), "message": None, "jobId": job_id, "data": _running(report)}
        return {"status": "SUCCESS", "message": "success", "jobId": job_id, "data": _finished(report)}


def _running_word(report: Report) -> str:
    if report.strange:
        return "MASTERING"
    return "PENDING_QUEUE" if report.stage is Stage.QUEUED else "ON_QUEUE"


def _running(report: Report) -> Json:
    return {"jobId": report.task.task_id, "action": "music", "progress": _PROGRESS[report.stage], "musics": None}


def _finished(report: Report) -> Json:
    return {
        "jobId": report.task.task_id,
        "action": "music",
        "progress": "100%",
        "mv": report.song.model,
        "quota": "6",
        "hookUrl": report.song.callback_url,
        "musics": [_music(report, track, number) for number, track in enumerate(report.tracks())],
    }


def _music(report: Report, track: TrackReport, number: int) -> Json:
    """Durations are documented as a text and as a number; the first take has one, the second the other."""
    song = report.song
    return {
        "musicId": track.track_id,
        "prompt": song.words,
        "title": song.shown_title,
        "tags": song.style,
        "imageUrl": track.image_url,
        "imageLargeUrl": track.image_url,
        "audioUrl": track.audio_url,
        "duration": str(track.duration) if track.duration is not None and number == 0 else track.duration,
        "negativeTags": song.fields.get("negative_tags", ""),
        "styleWeight": str(song.fields.get("style_weight", 0.5)),
        "weirdnessConstraint": str(song.fields.get("weirdness_constraint", 0.5)),
        "audioWeight": str(song.fields.get("audio_weight", 0.5)),
        "createdAt": datetime.fromtimestamp(report.finished_at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    }
