"""The machinery that sunoapi.org, kie.ai and AnyInt share: POST to an operation, GET from the record-info of its kind.

Errors come with HTTP status 200 and their code in the body; each gateway has its own codes, paths and spellings.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from local.simulator import record_orders, record_replies
from local.simulator.archive import Archive
from local.simulator.record_callbacks import wrapped
from local.simulator.record_replies import INSTANT, RECORDS, Dialect
from local.simulator.tasks import Report, Stage, Work
from local.simulator.wire import Fields, Find, Json, Purpose, Reason, Refusal, Reply, Request, json_reply

MUSIC = (
    "generate",
    "extend",
    "upload-cover",
    "upload-extend",
    "add-vocals",
    "add-instrumental",
    "mashup",
    "replace-section",
    "sounds",
)

SUBMIT_PATHS = {
    "/api/v1/generate": "generate",
    "/api/v1/generate/extend": "extend",
    "/api/v1/generate/upload-cover": "upload-cover",
    "/api/v1/generate/upload-extend": "upload-extend",
    "/api/v1/generate/add-vocals": "add-vocals",
    "/api/v1/generate/add-instrumental": "add-instrumental",
    "/api/v1/generate/mashup": "mashup",
    "/api/v1/generate/replace-section": "replace-section",
    "/api/v1/generate/sounds": "sounds",
    "/api/v1/lyrics": "lyrics",
    "/api/v1/vocal-removal/generate": "vocal-removal",
    "/api/v1/wav/generate": "wav",
    "/api/v1/mp4/generate": "mp4",
    "/api/v1/suno/cover/generate": "cover-art",
    "/api/v1/suno/recovery": "recovery",
    "/api/v1/generate/get-timestamped-lyrics": "timestamped-lyrics",
    "/api/v1/style/generate": "style",
    "/api/v1/generate/generate-persona": "persona",
    "/api/file-url-upload": "upload-url",
    "/api/file-base64-upload": "upload-base64",
}
STATUS_PATHS: Mapping[str, Collection[str]] = {
    "/api/v1/generate/record-info": MUSIC,
    "/api/v1/lyrics/record-info": ("lyrics",),
    "/api/v1/vocal-removal/record-info": ("vocal-removal", "split-stem"),
    "/api/v1/wav/record-info": ("wav",),
    "/api/v1/mp4/record-info": ("mp4",),
    "/api/v1/suno/cover/record-info": ("cover-art",),
    "/api/v1/suno/recovery/record-info": ("recovery",),
}


class RecordInfoWire:
    """Base of the three. ``codes`` has the code in the body for each reason but INVALID, which is ``invalid``."""

    name: ClassVar[str]
    renews_links: ClassVar[bool] = False
    submit_paths: ClassVar[Mapping[str, str]] = SUBMIT_PATHS
    status_paths: ClassVar[Mapping[str, Collection[str]]] = STATUS_PATHS
    models: ClassVar[frozenset[str]]
    codes: ClassVar[Mapping[Reason, int]]
    invalid: ClassVar[int] = 400
    dialect: ClassVar[Dialect] = Dialect()

    def callback_stages(self, work: Work) -> Sequence[Stage]:
        return (Stage.TEXT, Stage.FIRST, Stage.DONE) if work.comes_in_stages else (Stage.DONE,)

    def key(self, request: Request) -> str | None:
        return request.bearer()

    def purpose(self, request: Request) -> Purpose | None:
        if request.method == "POST" and request.path in self.submit_paths:
            return "submit"
        return "status" if request.method == "GET" and request.path in self.status_paths else None

    def work(self, request: Request, archive: Archive) -> Work:
        body = request.json()
        operation = self.submit_paths[request.path]
        return record_orders.parse(record_orders.Order(operation, body, Fields(body), archive, self.models))

    def accepted(self, report: Report) -> Reply:
        if not report.work.instant:
            return _ok({"taskId": report.task.task_id})
        if report.failed:
            raise Refusal(Reason.FAILED, report.failure)
        return _ok(INSTANT[report.work.operation](report))

    def refused(self, refusal: Refusal) -> Reply:
        if refusal.reason is Reason.NO_SUCH_ROUTE:
            return json_reply(404, {"code": 404, "msg": refusal.message, "data": None})
        data = {"taskId": refusal.existing} if refusal.existing else None
        return json_reply(200, {"code": self.codes.get(refusal.reason, self.invalid), "msg": refusal.message, "data": data})

    def status(self, request: Request, find: Find) -> Reply:
        operations = self.status_paths[request.path]
        name = "task_id" if "recovery" in operations else "taskId"
        if not (task_id := request.query.get(name)):
            raise Refusal(Reason.INVALID, f"{name} is required")
        if (report := find(task_id)) is None or report.work.operation not in operations:
            raise Refusal(Reason.NO_SUCH_TASK, "task not found")
        if report.work.recovers:
            code, message = record_replies.recovery_state(report)
            return json_reply(
                200, {"code": code, "msg": message, "data": record_replies.recovered(report) if report.done else None}
            )
        return _ok(RECORDS.get(report.work.operation, record_replies.music)(report, self.dialect))

    def callback(self, report: Report) -> Json | None:
        return wrapped(report, self.dialect)


def _ok(data: Json) -> Reply:
    return json_reply(200, {"code": 200, "msg": "success", "data": data})
