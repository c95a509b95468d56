"""A relay that runs new-api: ``POST /suno/submit/<action>``, ``GET /suno/fetch/{id}``, ``POST /suno/fetch`` for several tasks.

It drops ``notify_hook`` like every field that its structure does not have, so it never calls back. Its models are those of one
instance. While a task runs, its clips have the links of streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from local.simulator import words
from local.simulator.archive import Archive
from local.simulator.parts import TEXT
from local.simulator.tasks import Report, Source, Stage, TrackReport, Work
from local.simulator.wire import Credits, Fields, Find, Json, Purpose, Reason, Refusal, Reply, Request, json_reply, known

MUSIC, LYRICS, FETCH = "/suno/submit/music", "/suno/submit/lyrics", "/suno/fetch"
MODELS = {
    "chirp-v6": ("chirp-hawk", "v6"),
    "chirp-v6-wild": ("chirp-hawk", "v6"),
    "chirp-hawk": ("chirp-hawk", "v6"),
    "chirp-v5": ("chirp-crow", "v5"),
    "chirp-v3-0": ("chirp-v3", "v3"),
}
SUBSCRIPTION, USAGE = "/v1/dashboard/billing/subscription", "/v1/dashboard/billing/usage"
BATCH_SIZE = 50
_ERRORS = {
    Reason.NO_KEY: (401, "unauthorized"),
    Reason.WRONG_KEY: (401, "unauthorized"),
    Reason.NO_CREDITS: (403, "insufficient_user_quota"),
    Reason.NO_SUCH_TASK: (400, "task_not_exist"),
    Reason.NO_SUCH_SOURCE: (400, "task_origin_not_exist"),
    Reason.NO_SUCH_ROUTE: (404, "not_found"),
    Reason.TOO_FREQUENT: (429, "too_many_requests"),
    Reason.RETIRED_MODEL: (400, "fail_to_fetch_task"),
    Reason.SERVER_ERROR: (500, "do_request_failed"),
    Reason.MAINTENANCE: (503, "fail_to_fetch_task"),
}
_STATUSES = {
    Stage.QUEUED: "NOT_START",
    Stage.RUNNING: "SUBMITTED",
    Stage.TEXT: "QUEUED",
    Stage.FIRST: "IN_PROGRESS",
    Stage.DONE: "SUCCESS",
}


class NewApi:
    name = "newapi"
    renews_links = True
    balance_paths = frozenset({SUBSCRIPTION, USAGE})

    def callback_stages(self, _work: Work) -> Sequence[Stage]:
        return ()

    def key(self, request: Request) -> str | None:
        return request.bearer()

    def purpose(self, request: Request) -> Purpose | None:
        if request.method == "POST":
            return "submit" if request.path in (MUSIC, LYRICS) else "status" if request.path == FETCH else None
        return "status" if request.path.startswith(FETCH + "/") else None

    def work(self, request: Request, archive: Archive) -> Work:
        fields = Fields(request.json())
        work = Work("music", fields.values, callback_url=fields.url("notify_hook"))
        work = _lyrics(work, fields) if request.path == LYRICS else _music(work, fields, archive)
        return replace(work, undocumented=fields.others())

    def accepted(self, report: Report) -> Reply:
        return json_reply(200, {"code": "success", "message": "", "data": report.task.task_id})

    def refused(self, refusal: Refusal) -> Reply:
        status, code = _ERRORS.get(refusal.reason, (400, "invalid_request"))
        return json_reply(status, {"code": code, "message": refusal.message, "data": refusal.existing})

    def status(self, request: Request, find: Find) -> Reply:
        if request.path == FETCH:
            fields = Fields(request.json())
            fields.word("action", {"MUSIC", "LYRICS"})
            found = [report for task_id in reversed(fields.ids("ids", 0, BATCH_SIZE)) if (report := find(task_id))]
            return json_reply(200, {"code": "success", "message": "", "data": [self.callback(each) for each in found] or None})
        if (report := find(request.path.removeprefix(FETCH + "/"))) is None:
            raise Refusal(Reason.NO_SUCH_TASK, "task_not_exist")
        return json_reply(200, {"code": "success", "message": "", "data": self.callback(report)})

    def balance(self, path: str, account: Credits) -> Json:
        """The limit contains what was used, and the usage is in hundredths."""
        if path == USAGE:
            return {"object": "list", "total_usage": 100 * account.used}
        return {"object": "billing_subscription", "hard_limit_usd": account.left + account.used}

    def callback(self, report: Report) -> Json:
        """The task, as a relay that does call back would send it."""
        data = _lyric(report) if report.work.operation == "lyrics" else [_clip(report, each) for each in report.tracks()]
        return {
            "task_id": report.task.task_id,
            "action": report.work.operation.upper(),
            "status": _status(report),
            "fail_reason": report.failure if report.failed else "",
            "submit_time": int(report.task.created_at),
            "start_time": int(report.task.created_at),
            "finish_time": int(report.finished_at) if report.done else 0,
            "progress": "100%" if report.done else "30%",
            "data": None if report.failed or report.stage < Stage.TEXT else data,
        }


def _status(report: Report) -> str:
    if report.strange:
        return "MASTERING"
    if report.failed:
        return "FAIL" if "cancelled_task" in report.task.faults else "FAILURE"
    return _STATUSES[report.stage]


def _clip(report: Report, track: TrackReport) -> Json:
    name, version = MODELS[report.work.model]
    stream = f"https://audiopipe.suno.ai/?item_id={track.track_id}"
    failed = track.failed and "one_track_failed" in report.task.faults
    complete = track.there or report.done
    return {
        "id": track.track_id,
        "title": report.work.shown_title,
        "status": "error" if failed else "complete" if complete else "streaming",
        "audio_url": "" if failed else (track.url or "") if complete else stream,
        "video_url": "",
        "image_url": track.image_url,
        "model_name": name,
        "major_model_version": version,
        "metadata": {
            "tags": report.work.style,
            "prompt": report.work.words,
            "duration": track.duration,
            "error_type": "generation_error" if failed else None,
            "error_message": "Generation failed" if failed else None,
        },
    }


def _lyric(report: Report) -> Json | None:
    track = report.track()
    if not report.done or not track.there:
        return None
    text = words.lyrics(report.work.words, track.track_id)
    return {"id": track.track_id, "text": text, "title": report.work.shown_title, "status": "complete"}


def _music(work: Work, fields: Fields, archive: Archive) -> Work:
    fields.flag("make_instrumental")
    described, sung = fields.text("gpt_description_prompt"), fields.text("prompt")
    title, style = fields.text("title"), fields.text("tags")
    if not described and not sung:
        raise Refusal(Reason.INVALID, "prompt_empty")
    return replace(
        work,
        words=described or sung,
        title=title,
        style=style,
        model=fields.word("mv", MODELS) or "chirp-v3-0",
        source=_source(fields, archive),
    )


def _source(fields: Fields, archive: Archive) -> Source | None:
    clip_id, task_id = fields.text("continue_clip_id"), fields.text("task_id")
    at = fields.number("continue_at")
    if not clip_id:
        return None
    if at is None:
        raise Refusal(Reason.INVALID, "continue_at is required")
    return known(archive.of_track(clip_id, task_id), "continue_clip_id was")


def _lyrics(work: Work, fields: Fields) -> Work:
    return replace(work, operation="lyrics", parts=TEXT, words=fields.text("prompt", required=True))
