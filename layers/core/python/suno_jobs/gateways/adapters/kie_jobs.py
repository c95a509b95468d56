"""The jobs route of kie.ai, which serves V6: ``createTask`` with an operation and its input, ``recordInfo`` with a result in a
string. The input has the fields of the older route in snake_case.

Sources: kie.ai's OpenAPI as read by public clients. The format of a callback is not documented.
"""

from __future__ import annotations

from collections.abc import Mapping

from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Media
from suno_jobs.gateways.adapter import Body
from suno_jobs.gateways.adapters.record_info_replies import read_report
from suno_jobs.gateways.error_rules import ErrorRules
from suno_jobs.gateways.parsing import code_text, inner, media_url, pick
from suno_jobs.gateways.protocol import TaskReport, TaskStatus
from suno_jobs.gateways.reports import finished_report
from suno_jobs.gateways.tracks import file_tracks

CREATE, RECORD = "/api/v1/jobs/createTask", "/api/v1/jobs/recordInfo"

OPERATIONS: Mapping[Kind, str] = {
    Kind.MUSIC: "generate",
    Kind.EXTEND: "extend",
    Kind.UPLOAD_COVER: "upload-and-cover-audio",
    Kind.UPLOAD_EXTEND: "upload-and-extend-audio",
    Kind.ADD_VOCALS: "add-vocals",
    Kind.ADD_INSTRUMENTAL: "add-instrumental",
    Kind.MASHUP: "mashup",
    Kind.REPLACE_SECTION: "replace-section",
    Kind.SOUNDS: "sounds",
    Kind.WAV: "convert-to-wav-format",
    Kind.MP4: "create-music-video",
    Kind.COVER_ART: "cover-generate",
}
"""The kinds whose request and result are documented there. The results of the other kinds are documented on the older route."""

_NOT_IN_INPUT: Mapping[Kind, frozenset[str]] = {
    Kind.UPLOAD_COVER: frozenset({"customMode"}),
    Kind.EXTEND: frozenset({"defaultParamFlag"}),
    Kind.UPLOAD_EXTEND: frozenset({"defaultParamFlag"}),
}
"""Fields of the older route that this one does not document."""

_STATES = {
    "waiting": "PENDING",
    "queuing": "PENDING",
    "generating": "PENDING",
    "success": "SUCCESS",
    "fail": "CREATE_TASK_FAILED",
}
_FILES = {
    Kind.WAV: ("wav", Media.AUDIO),
    Kind.MP4: ("video", Media.VIDEO),
    Kind.COVER_ART: ("image", Media.IMAGE),
}


def create_task_body(kind: Kind, body: Body) -> Body:
    """From the body of the older route."""
    left_out = _NOT_IN_INPUT.get(kind, frozenset())
    if kind is Kind.UPLOAD_EXTEND:
        body = {"instrumental": False, **body}
    given = {_snake_case(name): value for name, value in body.items() if name not in left_out}
    return {
        "model": f"ai-music-api/{OPERATIONS[kind]}",
        "input": {name: value for name, value in given.items() if value is not None},
    }


def _snake_case(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


def read_job_record(kind: Kind, body: Body, refunds: ErrorRules) -> TaskReport | None:
    """None if the reply is no record of this route."""
    record = inner(body, "data")
    state = code_text(record.get("state"))
    if state is None:
        return None
    result = inner(record, "resultJson")
    response = inner(result, "resultObject") or result
    error = {"errorCode": record.get("failCode"), "errorMessage": record.get("failMsg")}
    report = read_report(kind, {**error, "response": response}, _STATES.get(state.lower(), state), refunds)
    if report.status is TaskStatus.FAILED and state.lower() == "success":
        return _from_urls(kind, response) or report
    return report


def _from_urls(kind: Kind, response: Body) -> TaskReport | None:
    """The generic pages document ``resultUrls`` for every operation."""
    urls = pick(response, "resultUrls", "result_urls")
    if not isinstance(urls, list):
        return None
    name, media = _FILES.get(kind, ("audio", Media.AUDIO))
    report = finished_report(file_tracks(name, media, map(media_url, urls)))
    return report if report.status is TaskStatus.SUCCEEDED else None
