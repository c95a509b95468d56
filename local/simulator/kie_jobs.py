"""The jobs route of kie.ai: an operation and its input in snake case; the result is JSON in a string.

The body of a callback is not documented. The test of a public client has that of the older route.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from local.simulator import record_orders
from local.simulator.archive import Archive
from local.simulator.media import Media
from local.simulator.record_callbacks import snake_track
from local.simulator.record_orders import V6_MODELS
from local.simulator.record_replies import STRANGE, Dialect
from local.simulator.tasks import Report, Stage, Work
from local.simulator.wire import Fields, Json, Reason, Refusal, Request

CREATE, RECORD = "/api/v1/jobs/createTask", "/api/v1/jobs/recordInfo"
PREFIX = "ai-music-api/"
MODELS = frozenset(("V5_5", *V6_MODELS))
OPERATIONS = {
    "generate": "generate",
    "extend": "extend",
    "upload-and-cover-audio": "upload-cover",
    "upload-and-extend-audio": "upload-extend",
    "add-vocals": "add-vocals",
    "add-instrumental": "add-instrumental",
    "mashup": "mashup",
    "replace-section": "replace-section",
    "sounds": "sounds",
    "convert-to-wav-format": "wav",
    "create-music-video": "mp4",
    "cover-generate": "cover-art",
}
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "generate": ("custom_mode", "instrumental", "model"),
    "extend": ("audio_id", "model"),
    "upload-and-cover-audio": ("upload_url", "model", "instrumental"),
    "upload-and-extend-audio": ("upload_url", "model", "instrumental"),
    "add-vocals": ("upload_url", "title", "negative_tags", "style"),
    "add-instrumental": ("upload_url", "title", "negative_tags", "tags"),
    "mashup": ("upload_url_list", "model", "style", "title"),
    "replace-section": ("prompt", "tags", "title", "full_lyrics", "infill_start_s", "infill_end_s"),
    "sounds": ("prompt", "model"),
}
FORBIDDEN: Mapping[str, tuple[str, ...]] = {
    "upload-and-cover-audio": ("custom_mode",),
    "upload-and-extend-audio": ("duration",),
}
NOT_IN_SIMPLE_MODE = ("duration", "vocal_gender", "style_weight", "weirdness_constraint", "audio_weight", "variety")


def is_job(work: Work) -> bool:
    return str(work.fields.get("model", "")).startswith(PREFIX)


def work(request: Request, archive: Archive) -> Work:
    body = request.json()
    outer = Fields(body)
    name = outer.text("model", required=True).removeprefix(PREFIX)
    if name not in OPERATIONS or not body["model"].startswith(PREFIX):
        raise Refusal(Reason.INVALID, f"model must be {PREFIX} and one of {', '.join(OPERATIONS)}")
    if not isinstance(given := body.get("input"), dict):
        raise Refusal(Reason.INVALID, "input is required")
    _check(name, given)
    fields = {_camel(field): value for field, value in given.items()}
    fields |= {"callBackUrl": body["callBackUrl"]} if "callBackUrl" in body else {}
    order = record_orders.Order(OPERATIONS[name], fields, Fields(fields), archive, MODELS, jobs=True)
    others = tuple(sorted(body.keys() - {"model", "input", "callBackUrl"}))
    made = record_orders.parse(order)
    return replace(made, fields=body, undocumented=made.undocumented + others)


def _check(name: str, given: Json) -> None:
    for field in REQUIRED.get(name, ()):
        if given.get(field) in (None, "", []):
            raise Refusal(Reason.INVALID, f"{field} is required")
    forbidden = FORBIDDEN.get(name, ())
    if name == "generate" and not given["custom_mode"]:
        forbidden = NOT_IN_SIMPLE_MODE
    if wrong := [field for field in forbidden if field in given]:
        raise Refusal(Reason.INVALID, f"{', '.join(wrong)} cannot be used here")


def record(report: Report, dialect: Dialect) -> Json:
    done = report.done
    return {
        "taskId": report.task.task_id,
        "model": report.work.fields["model"],
        "state": _state(report),
        "param": json.dumps(dict(report.work.fields)),
        "resultJson": json.dumps(_result(report, dialect)) if done and not report.failed else "",
        "failCode": _fail_code(report) if report.failed else "",
        "failMsg": report.failure if report.failed else "",
        "createTime": int(report.task.created_at * 1000),
        "completeTime": int(report.finished_at * 1000) if done else None,
        "costTime": int(report.finished_at - report.task.created_at) if done else None,
        "creditsConsumed": 12 if done and not report.failed else 0,
    }


def _state(report: Report) -> str:
    if report.strange:
        return STRANGE.lower()
    if report.done:
        return "fail" if report.failed else "success"
    return {Stage.QUEUED: "waiting", Stage.RUNNING: "queuing"}.get(report.stage, "generating")


def _fail_code(report: Report) -> str:
    if "refunded_task" in report.task.faults:
        return "531"
    return "400" if report.rejected else "501"


def _result(report: Report, dialect: Dialect) -> Json:
    """A song has the shape that clients found, a file that of the generic pages."""
    if report.task.takes[0].part.media is Media.MP3:
        return {"code": 200, "data": [snake_track(report, track, dialect) for track in report.tracks()]}
    return {"resultUrls": [track.url for track in report.tracks() if track.url]}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))
