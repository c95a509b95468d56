"""EvoLink: ``POST /v1/audios/generations``, ``GET /v1/tasks/{id}`` and ``POST /v1/tasks/batch``.

The body of a callback is the reply to a read of the task. Failed tasks are refunded. A persona is a task too. A submission that
is repeated with its ``Idempotency-Key`` is answered with the first task; the HTTP status of a conflict is not documented.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from local.simulator.archive import Archive
from local.simulator.parts import TEXT
from local.simulator.tasks import Report, Stage, TrackReport, Work
from local.simulator.wire import Credits, Fields, Find, Json, Purpose, Reason, Refusal, Reply, Request, json_reply, known

V6_MODELS = ("suno-v6-beta", "suno-v6-wild-beta", "suno-v6-mini-beta")
MODELS = frozenset(
    (
        *("suno-v4-beta", "suno-v4.5-beta", "suno-v4.5plus-beta", "suno-v4.5all-beta", "suno-v5-beta", "suno-v5.5-beta"),
        *V6_MODELS,
    )
)
SUBMIT, TASKS, BATCH = "/v1/audios/generations", "/v1/tasks/", "/v1/tasks/batch"
PREFIX = "task-unified-"
BATCH_SIZE = 50
_CREDITS = 10
_KEY = re.compile(r"[A-Za-z0-9._-]{16,96}")
_ERRORS = {
    Reason.NO_KEY: (401, "unauthorized"),
    Reason.WRONG_KEY: (401, "unauthorized"),
    Reason.NO_CREDITS: (402, "insufficient_quota"),
    Reason.NO_SUCH_TASK: (404, "task_not_found"),
    Reason.NO_SUCH_ROUTE: (404, "not_found"),
    Reason.NO_SUCH_SOURCE: (404, "resource_not_found"),
    Reason.TOO_FREQUENT: (429, "rate_limit_exceeded"),
    Reason.SERVER_ERROR: (500, "service_error"),
    Reason.MAINTENANCE: (503, "service_unavailable"),
    Reason.KEY_CONFLICT: (409, "idempotency_conflict"),
    Reason.OUTCOME_UNKNOWN: (409, "paid_outcome_unknown"),
}
_STATUSES = {Stage.QUEUED: "pending", Stage.DONE: "completed"}
_PROGRESS = {Stage.QUEUED: 0, Stage.RUNNING: 10, Stage.TEXT: 40, Stage.FIRST: 70, Stage.DONE: 100}


class EvoLink:
    name = "evolink"
    renews_links = True
    balance_paths = frozenset({"/v1/credits"})

    def callback_stages(self, _work: Work) -> Sequence[Stage]:
        return (Stage.DONE,)

    def key(self, request: Request) -> str | None:
        return request.bearer()

    def idempotency_key(self, request: Request) -> str | None:
        key = request.headers.get("idempotency-key")
        if key is not None and not _KEY.fullmatch(key):
            raise Refusal(Reason.INVALID, "Idempotency-Key must have 16 to 96 letters, digits, '.', '_' or '-'")
        return key

    def replayed(self, reply: Reply) -> Reply:
        return replace(reply, headers={**reply.headers, "Idempotency-Replayed": "true"})

    def purpose(self, request: Request) -> Purpose | None:
        if (request.method, request.path) == ("POST", SUBMIT):
            return "submit"
        is_read = request.method == "GET" and request.path.startswith(TASKS)
        return "status" if is_read or (request.method, request.path) == ("POST", BATCH) else None

    def work(self, request: Request, archive: Archive) -> Work:
        fields = Fields(request.json())
        callback_url = fields.url("callback_url")
        if callback_url and len(callback_url) > 2048:
            raise Refusal(Reason.INVALID, "callback_url is too long")
        work = Work("music", fields.values, callback_url=callback_url)
        work = _persona(work, fields, archive) if fields.values.get("model") == "suno-persona" else _music(work, fields)
        return replace(work, undocumented=fields.others())

    def accepted(self, report: Report) -> Reply:
        return json_reply(200, _head(report) | {"status": "pending", "progress": 0})

    def refused(self, refusal: Refusal) -> Reply:
        status, code = _ERRORS.get(refusal.reason, (400, "invalid_request"))
        error = {"code": code, "message": refusal.message, "type": "invalid_request_error", "param": None}
        named = {"id": PREFIX + refusal.existing} if refusal.existing else {}
        return json_reply(status, {"error": error, **named})

    def status(self, request: Request, find: Find) -> Reply:
        if request.path == BATCH:
            ids = Fields(request.json()).ids("task_ids", 0, BATCH_SIZE)
            found = [report for task_id in ids if (report := find(task_id.removeprefix(PREFIX)))]
            return json_reply(200, {"data": [self.callback(report) for report in found]})
        task_id = request.path.removeprefix(TASKS)
        if not task_id.startswith(PREFIX):
            error = {"code": "invalid_task_id", "message": "the id has another prefix", "type": "invalid_request_error"}
            return json_reply(400, {"error": error})
        if (report := find(task_id.removeprefix(PREFIX))) is None:
            raise Refusal(Reason.NO_SUCH_TASK, "task not found")
        return json_reply(200, self.callback(report))

    def balance(self, _path: str, account: Credits) -> Json:
        numbers = {"remaining_credits": account.left, "used_credits": account.used}
        return {"data": {"user": numbers, "token": {**numbers, "unlimited_credits": True}}}

    def callback(self, report: Report) -> Json:
        shown = _head(report) | {"status": _status(report), "progress": _PROGRESS[report.stage]}
        if report.failed:
            code = "content_policy_violation" if report.rejected else "generation_failed_no_content"
            return shown | {"error": {"code": code, "message": report.failure, "type": "task_error"}}
        return shown | _result(report) if report.done else shown


def _head(report: Report) -> Json:
    used = {"credits_used": _CREDITS, "cost": {"credits": _CREDITS, "usd": 0.147}} if report.done and not report.failed else {}
    return {
        "id": PREFIX + report.task.task_id,
        "object": "audio.generation.task",
        "created": int(report.task.created_at),
        "model": report.work.fields["model"],
        "type": "audio",
        "task_info": {"can_cancel": True, "estimated_time": 120},
        "usage": {"billing_rule": "per_call", "credits_reserved": _CREDITS, **used},
    }


def _status(report: Report) -> str:
    if report.strange:
        return "mastering"
    if report.failed:
        return "cancelled" if "cancelled_task" in report.task.faults else "failed"
    return _STATUSES.get(report.stage, "processing")


def _result(report: Report) -> Json:
    if report.work.operation == "persona":
        return {"results": [], "result_data": {"persona_id": report.track().track_id if report.track().there else None}}
    tracks = report.tracks()
    return {"results": [track.url for track in tracks if track.url], "result_data": [_item(report, track) for track in tracks]}


def _item(report: Report, track: TrackReport) -> Json:
    return {
        "result_id": track.track_id,
        "title": report.work.shown_title,
        "tags": report.work.style,
        "duration": track.duration,
        "image_url": track.image_url,
        "audio_url": track.url or "",
        "stream_audio_url": track.preview_url,
    }


def _music(work: Work, fields: Fields) -> Work:
    custom, instrumental = fields.flag("custom_mode"), fields.flag("instrumental")
    model = fields.word("model", MODELS, required=True)
    old, v6 = model == "suno-v4-beta", model in V6_MODELS
    longest = (3000 if old else 5000) if custom else 3000 if v6 else 500
    fields.text("negative_tags", longest=200)
    fields.word("vocal_gender", {"m", "f"})
    fields.shares("style_weight", "weirdness_constraint", "audio_weight")
    if fields.number("duration", 10, 360) is not None and custom and model not in ("suno-v5.5-beta", *V6_MODELS):
        raise Refusal(Reason.INVALID, f"duration is not supported by {model}")
    persona = fields.text("persona_id")
    if fields.word("persona_model", {"style_persona", "voice_persona"}) and not persona:
        raise Refusal(Reason.INVALID, "persona_model requires persona_id")
    return replace(
        work,
        words=fields.text("prompt", required=not (custom and instrumental), longest=longest),
        title=fields.text("title", required=custom, longest=80),
        style=fields.text("style", required=custom, longest=200 if old else 1000),
        model=model,
    )


def _persona(work: Work, fields: Fields, archive: Archive) -> Work:
    fields.text("model")
    given = fields.nested("model_params")
    task_id, result_id = given.text("source_task_id", required=True), given.text("result_id", required=True)
    for name in ("name", "description"):
        given.text(name, required=True)
    given.text("style")
    given.span("vocal_start", "vocal_end")
    start, end = given.number("vocal_start"), given.number("vocal_end")
    if (start is None) is not (end is None) or (start is not None and end is not None and not 10 <= end - start <= 30):
        raise Refusal(Reason.INVALID, "vocal_start and vocal_end must be 10 to 30 seconds apart")
    source = known(archive.of_track(result_id, task_id.removeprefix(PREFIX)), "result_id was")
    if archive.made("persona", source):
        raise Refusal(Reason.INVALID, "this result has a persona")
    return replace(work, operation="persona", parts=TEXT, source=source)
