"""TTAPI: ``POST /suno/v1/<operation>``, ``GET /suno/v2/fetch?jobId=``; the callback's body is the fetch reply.

Uploads and personas are answered with the result. An upload with ``is_async`` is refused: what its job shows is not published,
and neither are the contracts of lyrics, wav, mp4 and timing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from local.simulator.archive import Archive
from local.simulator.parts import SONG, SONGS, TEXT, TWELVE, Part, stem_title, stems
from local.simulator.tasks import Report, Source, Stage, TrackReport, Work
from local.simulator.wire import Fields, Find, Json, Purpose, Reason, Refusal, Reply, Request, json_reply, known

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
_HTTP_STATUS = {
    Reason.NO_KEY: 401,
    Reason.WRONG_KEY: 401,
    Reason.NO_CREDITS: 402,
    Reason.NO_SUCH_TASK: 404,
    Reason.NO_SUCH_SOURCE: 404,
    Reason.NO_SUCH_ROUTE: 404,
    Reason.TOO_FREQUENT: 429,
    Reason.SERVER_ERROR: 500,
    Reason.MAINTENANCE: 500,
}
_PROGRESS = {Stage.QUEUED: "0%", Stage.RUNNING: "10%", Stage.TEXT: "40%", Stage.FIRST: "70%", Stage.DONE: "100%"}
_PREFIX = "/suno/v1/"
_RESULT_IDS = {"upload": "music_id", "persona": "persona_id"}


class Ttapi:
    name = "ttapi"
    renews_links = True

    def callback_stages(self, _work: Work) -> Sequence[Stage]:
        return (Stage.DONE,)

    def key(self, request: Request) -> str | None:
        return request.headers.get("tt-api-key")

    def purpose(self, request: Request) -> Purpose | None:
        if request.method == "POST" and request.path.removeprefix(_PREFIX) in _OPERATIONS:
            return "submit" if request.path.startswith(_PREFIX) else None
        return "status" if (request.method, request.path) == ("GET", "/suno/v2/fetch") else None

    def work(self, request: Request, archive: Archive) -> Work:
        fields, operation = Fields(request.json()), request.path.removeprefix(_PREFIX)
        work = _OPERATIONS[operation](Work(operation, fields.values), fields, archive)
        return replace(work, undocumented=fields.others())

    def accepted(self, report: Report) -> Reply:
        task_id, work = report.task.task_id, report.work
        if not work.instant:
            return _success({"jobId": task_id})
        if report.failed:
            raise Refusal(Reason.FAILED, report.failure)
        track = report.track()
        return _success({_RESULT_IDS[work.operation]: track.track_id if track.there else None})

    def refused(self, refusal: Refusal) -> Reply:
        status = _HTTP_STATUS.get(refusal.reason, 400)
        data = {"jobId": refusal.existing} if refusal.existing else None
        return json_reply(status, {"status": "FAILED", "message": refusal.message, "data": data})

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
            status = "CANCELLED" if "cancelled_task" in report.task.faults else "FAILED"
            return {"status": status, "message": report.failure, "jobId": job_id, "data": data}
        if not report.done:
            return {"status": _running_word(report), "message": None, "jobId": job_id, "data": _running(report)}
        return {"status": "SUCCESS", "message": "success", "jobId": job_id, "data": _finished(report)}


def _success(data: Json) -> Reply:
    return json_reply(200, {"status": "SUCCESS", "message": "success", "data": data})


def _tuned(work: Work, fields: Fields) -> Work:
    """The fields that music has in common with what is made from earlier audio."""
    fields.shares("style_weight", "weirdness_constraint", "audio_weight")
    fields.number("duration", 10, 360)
    fields.word("vocal_gender", {"Male", "Female"})
    fields.texts("negative_tags", "persona_id", "variety", "audio_format")
    for name in ("isStorage", "auto_lyrics"):
        fields.flag(name)
    return replace(
        work,
        title=fields.text("title", longest=80),
        style=fields.text("tags", longest=1000),
        model=fields.word("mv", MODELS),
        callback_url=fields.url("hookUrl"),
    )


def _music(work: Work, fields: Fields, _: Archive) -> Work:
    custom, instrumental = fields.flag("custom", required=True), fields.flag("instrumental", required=True)
    fields.word("mv", MODELS, required=True)
    description = fields.text("gpt_description_prompt", required=not custom, longest=500)
    lyrics = fields.text("prompt", required=custom and not instrumental)
    return replace(_tuned(work, fields), words=lyrics if custom else description)


def _varied(work: Work, fields: Fields, *, parts: tuple[Part, ...] = SONGS, source: Source | None = None) -> Work:
    for name in ("custom", "instrumental"):
        fields.flag(name)
    words = fields.text("prompt") or fields.text("gpt_description_prompt", longest=500)
    return replace(_tuned(work, fields), words=words, parts=parts, source=source)


def _source(fields: Fields, archive: Archive) -> Source:
    return known(archive.of_track(fields.text("music_id", required=True)), "music_id was")


def _extend(work: Work, fields: Fields, archive: Archive) -> Work:
    fields.number("continue_at", required=True)
    return _varied(work, fields, source=_source(fields, archive))


def _variation(work: Work, fields: Fields, archive: Archive) -> Work:
    return _varied(work, fields, source=_source(fields, archive))


def _concat(work: Work, fields: Fields, archive: Archive) -> Work:
    return replace(work, parts=SONG, source=_source(fields, archive), callback_url=fields.url("hookUrl"))


def _upload(work: Work, fields: Fields, _: Archive) -> Work:
    fields.media_url("audio_url")
    if fields.flag("is_async"):
        raise Refusal(Reason.NOT_SIMULATED, "is_async is not simulated")
    callback_url = fields.url("hookUrl")
    return replace(work, parts=SONG, callback_url=callback_url, waits=True, instant=True)


def _upload_cover(work: Work, fields: Fields, _: Archive) -> Work:
    fields.media_url("audio_url")
    return _varied(work, fields)


def _inspo(work: Work, fields: Fields, _: Archive) -> Work:
    fields.media_urls("audio_urls", 1, 4)
    return _varied(work, fields)


def _stem(work: Work, fields: Fields, archive: Archive) -> Work:
    """The names of the stems that ``stem_type`` may have are not published: any is taken."""
    parts = stems(fields.text("stem_type", required=True))
    return replace(work, parts=parts, source=_source(fields, archive), callback_url=fields.url("hookUrl"))


def _all_stems(work: Work, fields: Fields, archive: Archive) -> Work:
    return replace(work, parts=stems(*TWELVE), source=_source(fields, archive), callback_url=fields.url("hookUrl"))


def _persona(work: Work, fields: Fields, archive: Archive) -> Work:
    fields.texts("name", "describe", "styles")
    fields.span("vocal_start_s", "vocal_end_s")
    return replace(work, parts=TEXT, source=_source(fields, archive), waits=True, instant=True)


def _sounds(work: Work, fields: Fields, _: Archive) -> Work:
    fields.word("type", {"one-shot", "loop"})
    fields.number("bpm", 1, 300)
    fields.text("key")
    fields.flag("isStorage")
    words, model = fields.text("sound", required=True), fields.word("mv", MODELS)
    return replace(work, words=words, model=model, callback_url=fields.url("hookUrl"))


_OPERATIONS: Mapping[str, Callable[[Work, Fields, Archive], Work]] = {
    "music": _music,
    "extend": _extend,
    "concat": _concat,
    "cover": _variation,
    "upload": _upload,
    "upload-cover": _upload_cover,
    "add-vocals": _variation,
    "inspo": _inspo,
    "stems": _stem,
    "stems-all": _all_stems,
    "persona": _persona,
    "sounds": _sounds,
}


def _running_word(report: Report) -> str:
    if report.strange:
        return "MASTERING"
    return "PENDING_QUEUE" if report.stage is Stage.QUEUED else "ON_QUEUE"


def _running(report: Report) -> Json:
    action, progress = report.work.operation, _PROGRESS[report.stage]
    return {"jobId": report.task.task_id, "action": action, "progress": progress, "musics": None}


def _finished(report: Report) -> Json:
    return {
        "jobId": report.task.task_id,
        "action": report.work.operation,
        "progress": "100%",
        "mv": report.work.model,
        "quota": "6",
        "hookUrl": report.work.callback_url,
        "musics": [_music_item(report, track) for track in report.tracks()],
    }


def _music_item(report: Report, track: TrackReport) -> Json:
    """Durations are documented as a text and as a number; the first take has one, the others the other."""
    work = report.work
    return {
        "musicId": track.track_id,
        "prompt": work.words,
        "title": stem_title(work.shown_title, track.name),
        "tags": work.style,
        "imageUrl": track.image_url,
        "imageLargeUrl": track.image_large_url,
        "audioUrl": track.url,
        "videoUrl": track.video_url if track.there else None,
        "duration": str(track.duration) if track.duration is not None and track.number == 0 else track.duration,
        "negativeTags": work.fields.get("negative_tags", ""),
        "styleWeight": str(work.fields.get("style_weight", 0.5)),
        "weirdnessConstraint": str(work.fields.get("weirdness_constraint", 0.5)),
        "audioWeight": str(work.fields.get("audio_weight", 0.5)),
        "createdAt": datetime.fromtimestamp(report.finished_at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    }
