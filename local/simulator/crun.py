"""crun.ai: ``POST /api/v1/client/job/CreateTask`` with a model, ``GET /api/v1/client/job/TaskInfo?task_id=``.

The body of a callback is not published; it is taken to be the TaskInfo envelope. Errors come with HTTP status 200 and their
code in the body. Of a vocal separation is published that its stems are in ``media_info``, not how: here it is an object from
``vocal_url`` and the like to URLs. The modes of a separation are not published either: any is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from local.simulator.archive import Archive
from local.simulator.media import Media
from local.simulator.parts import FILM, TWELVE, stems
from local.simulator.tasks import Report, Source, Stage, TrackReport, Work
from local.simulator.wire import Credits, Fields, Find, Json, Purpose, Reason, Refusal, Reply, Request, json_reply, known

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
TASK_ID_LENGTH = 36

_CODES = {
    Reason.NO_KEY: 401,
    Reason.WRONG_KEY: 401,
    Reason.NO_CREDITS: 402,
    Reason.NO_SUCH_TASK: 404,
    Reason.NO_SUCH_ROUTE: 404,
    Reason.TOO_FREQUENT: 429,
    Reason.MAINTENANCE: 455,
    Reason.SERVER_ERROR: 500,
    Reason.NOT_SIMULATED: 505,
}


class Crun:
    name = "crun"
    renews_links = True
    balance_paths = frozenset({"/api/v1/client/account/balance"})

    def callback_stages(self, _work: Work) -> Sequence[Stage]:
        return (Stage.DONE,)

    def key(self, request: Request) -> str | None:
        return request.headers.get("x-api-key")

    def purpose(self, request: Request) -> Purpose | None:
        routes: dict[tuple[str, str], Purpose] = {
            ("POST", "/api/v1/client/job/CreateTask"): "submit",
            ("GET", "/api/v1/client/job/TaskInfo"): "status",
        }
        return routes.get((request.method, request.path))

    def work(self, request: Request, archive: Archive) -> Work:
        outer = Fields(request.json())
        operation = outer.text("model", required=True)
        if operation not in _OPERATIONS:
            raise Refusal(Reason.NOT_SIMULATED, f"only {', '.join(_OPERATIONS)} are enabled")
        if not isinstance(given := outer.values.get("input"), dict):
            raise Refusal(Reason.INVALID, "input is required")
        fields = Fields(given)
        work = _OPERATIONS[operation](Work(operation, outer.values, callback_url=outer.url("callback_url")), fields, archive)
        others = tuple(name for name in outer.others() if name != "input")
        return replace(work, undocumented=others + fields.others())

    def accepted(self, report: Report) -> Reply:
        return json_reply(200, {"code": 200, "message": "success", "data": {"task_id": report.task.task_id}})

    def refused(self, refusal: Refusal) -> Reply:
        data = {"task_id": refusal.existing} if refusal.existing else None
        return json_reply(200, {"code": _CODES.get(refusal.reason, 422), "message": refusal.message, "data": data})

    def status(self, request: Request, find: Find) -> Reply:
        task_id = request.query.get("task_id", "")
        if len(task_id) != TASK_ID_LENGTH:
            raise Refusal(Reason.INVALID, f"task_id must have {TASK_ID_LENGTH} characters")
        if (report := find(task_id)) is None:
            raise Refusal(Reason.NO_SUCH_TASK, "task not found")
        return json_reply(200, self.callback(report))

    def balance(self, _path: str, account: Credits) -> Json:
        """The reply is not published; this is where public clients find it."""
        return {"code": 200, "message": "success", "data": {"balance": account.left}}

    def callback(self, report: Report) -> Json:
        return {"code": 200, "message": "success", "data": _task_info(report)}


def _tuned(work: Work, fields: Fields, *, custom: bool | None) -> Work:
    """``custom`` is None where there are no modes."""
    instrumental = fields.flag("instrumental")
    fields.shares("style_weight", "weirdness_constraint", "audio_weight")
    fields.word("vocal_gender", {"m", "f"})
    fields.texts("negative_tags", "persona_id")
    prompt = fields.text("prompt", required=custom is False)
    lyrics = fields.text("lyrics", required=custom is True and not instrumental, longest=5000)
    return replace(
        work,
        words=lyrics if custom else prompt or lyrics,
        title=fields.text("title", longest=100),
        style=fields.text("tags", longest=1000),
        model=fields.word("model", MODEL_NAMES, required=custom is not None),
    )


def _music(work: Work, fields: Fields, _: Archive) -> Work:
    custom = fields.word("mode", {"simple", "custom"}, required=True) == "custom"
    return _tuned(work, fields, custom=custom)


def _extend_upload(work: Work, fields: Fields, _: Archive) -> Work:
    fields.media_url("audio_url")
    fields.number("continue_at", required=True)
    fields.word("mode", {"simple", "custom"})
    return _tuned(work, fields, custom=None)


def _source(fields: Fields, archive: Archive) -> Source:
    task_id, suno_id = fields.text("task_id", required=True), fields.text("suno_id", required=True)
    return known(archive.of_track(suno_id, task_id), "task_id")


def _video(work: Work, fields: Fields, archive: Archive) -> Work:
    fields.texts("author", "brand")
    return replace(work, parts=FILM, source=_source(fields, archive))


def _separation(work: Work, fields: Fields, archive: Archive) -> Work:
    split = "split" in fields.text("mode")
    return replace(work, parts=stems(*TWELVE) if split else stems("vocal", "instrumental"), source=_source(fields, archive))


_OPERATIONS: Mapping[str, Callable[[Work, Fields, Archive], Work]] = {
    "suno/music-generate": _music,
    "suno/music-extend-upload": _extend_upload,
    "suno/music-video": _video,
    "suno/vocal-separation": _separation,
}


def _task_info(report: Report) -> Json:
    created = int(report.task.created_at)
    finished = int(report.finished_at)
    info: Json = {
        "task_id": report.task.task_id,
        "provider": "Suno",
        "model_version": "suno" + report.work.model,
        "status": _status(report),
        "param": _param(report.work),
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
        if report.failed:
            return "error" if "cancelled_task" in report.task.faults else "failed"
        return "success"
    return "pending" if report.stage is Stage.QUEUED else "running"


def _param(work: Work) -> Json:
    return {"model": work.operation, "callback_url": work.callback_url, "input": work.fields["input"]}


def _result(report: Report) -> Json:
    if report.failed:
        return {"code": 501, "message": report.failure}
    done: Json = {"code": 200, "message": "success"}
    tracks = report.tracks()
    if tracks[0].name:
        return done | {"media_info": {f"{track.name}_url": track.url for track in tracks}}
    done |= {"media_urls": [track.url for track in tracks if track.url]}
    if report.task.takes[0].part.media is Media.MP4:
        return done
    return done | {"suno_data": [_suno_item(report, track) for track in tracks]}


def _suno_item(report: Report, track: TrackReport) -> dict[str, Any]:
    return {
        "suno_id": track.track_id,
        "title": report.work.shown_title,
        "prompt": report.work.words,
        "tags": report.work.style,
        "suno_audio_url": track.url,
        "suno_image_url": track.image_url,
        "suno_image_large_url": track.image_large_url,
        "suno_model_name": MODEL_NAMES.get(report.work.model, ""),
        "duration": track.duration,
        "created_at": int(report.task.created_at),
    }
