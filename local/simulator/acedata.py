"""Ace Data Cloud: ``POST /suno/audios`` and its neighbours; ``POST /suno/tasks`` with the actions retrieve and retrieve_batch.

A submission without ``async`` and ``callback_url`` is answered with the result; lyrics, films, uploads, timings and personas
always are. What an unknown task id is answered with is not published; here it is an empty object, and is missing in a batch.
Before a task is finished its tracks show a preview stream as ``audio_url``. A batch comes in another order than it was asked
for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from local.simulator import words
from local.simulator.acedata_orders import ACTIONS, PATHS
from local.simulator.archive import Archive
from local.simulator.parts import stem_title
from local.simulator.tasks import Report, Stage, TrackReport, Work
from local.simulator.wire import Fields, Find, Json, Purpose, Reason, Refusal, Reply, Request, json_reply

BATCH_SIZE = 50

_ERRORS = {
    Reason.NO_KEY: (400, "no_token"),
    Reason.WRONG_KEY: (401, "invalid_token"),
    Reason.NOT_SIMULATED: (400, "api_not_implemented"),
    Reason.NO_CREDITS: (403, "used_up"),
    Reason.RETIRED_MODEL: (403, "forbidden"),
    Reason.NO_SUCH_ROUTE: (404, "no_api"),
    Reason.TOO_FREQUENT: (429, "too_many_requests"),
    Reason.SERVER_ERROR: (500, "api_error"),
    Reason.MAINTENANCE: (500, "api_error"),
}


class AceData:
    name = "acedata"
    renews_links = True

    def callback_stages(self, _work: Work) -> Sequence[Stage]:
        return (Stage.DONE,)

    def key(self, request: Request) -> str | None:
        return request.bearer()

    def purpose(self, request: Request) -> Purpose | None:
        if request.method != "POST":
            return None
        return "submit" if request.path in PATHS else "status" if request.path == "/suno/tasks" else None

    def work(self, request: Request, archive: Archive) -> Work:
        fields = Fields(request.json())
        work = PATHS[request.path](Work(request.path, fields.values), fields, archive)
        return replace(work, undocumented=fields.others())

    def accepted(self, report: Report) -> Reply:
        if not report.work.waits:
            return json_reply(200, {"success": True, "task_id": report.task.task_id, "trace_id": _trace_id(report)})
        status = 200 if not report.failed else 403 if report.rejected else 500
        return json_reply(status, self.callback(report))

    def refused(self, refusal: Refusal) -> Reply:
        status, code = _ERRORS.get(refusal.reason, (400, "bad_request"))
        error = {"code": code, "message": refusal.message}
        trace_id = str(uuid5(NAMESPACE_URL, refusal.message))
        named = {"task_id": refusal.existing} if refusal.existing else {}
        return json_reply(status, {"success": False, "error": error, "trace_id": trace_id, **named})

    def status(self, request: Request, find: Find) -> Reply:
        fields = Fields(request.json())
        if fields.word("action", {"retrieve", "retrieve_batch"}, required=True) == "retrieve":
            report = find(fields.text("id", required=True))
            return json_reply(200, _task(report, self) if report else {})
        ids = fields.ids("ids", 0, BATCH_SIZE)
        items = [_task(report, self) for task_id in reversed(ids) if (report := find(task_id))]
        return json_reply(200, {"items": items, "count": len(items)})

    def callback(self, report: Report) -> Json:
        body: Json = {"success": True, "task_id": report.task.task_id, "trace_id": _trace_id(report)}
        if report.done and report.work.operation == "mashup" and not report.work.words:
            # Accepted, and refused in the finished task.
            return body | {"success": False, "error": {"code": "bad_request", "message": "gpt_description_prompt is required"}}
        if report.failed:
            code = "forbidden" if report.rejected else "api_error"
            return body | {"success": False, "error": {"code": code, "message": report.failure}}
        return body | _data(report)


def _data(report: Report) -> Json:
    match report.work.operation:
        case "lyrics":
            data: Any = [_lyric(report, track) for track in report.tracks() if track.there]
            started, finished = report.task.created_at, report.finished_at
            return {"data": data, "started_at": started, "finished_at": finished, "elapsed": round(finished - started, 3)}
        case "wav":
            data = [{"file_url": track.url} for track in report.tracks() if track.url]
        case "mp4":
            data = {"video_url": report.track().url}
        case "upload":
            data = {"audio_id": report.track().track_id if report.track().there else None}
        case "timing":
            data = _timing(report)
        case "persona":
            data = {"persona_id": report.track().track_id if report.track().there else None}
        case _:
            data = [_track(report, track) for track in report.tracks()]
    return {"data": data, **(_stem_sets(report) if report.work.operation == "extract_stem" else {})}


def _stem_sets(report: Report) -> Json:
    each = [{"id": track.track_id, "state": _state(report, track), "stem_set": _stem_set(track)} for track in report.tracks()]
    kind = report.work.fields.get("stem_type")
    pairs = zip(each[::2], each[1::2], strict=True)
    return {"stem_sets": [{"stem_type": kind, "isolated": isolated, "remainder": rest} for isolated, rest in pairs]}


def _stem_set(track: TrackReport) -> int:
    return track.number // 2 + 1


def _task(report: Report, wire: AceData) -> Json:
    work = report.work
    task: Json = {
        "_id": uuid5(NAMESPACE_URL, report.task.task_id).hex[:24],
        "id": report.task.task_id,
        "api_id": "09a26295-5972-4392-9318-dcd9b218f90d",
        "application_id": str(uuid5(NAMESPACE_URL, "application")),
        "created_at": round(report.task.created_at, 3),
        "credential_id": str(uuid5(NAMESPACE_URL, "credential")),
        "request": {**({"action": work.operation} if work.operation in ACTIONS else {}), **work.fields},
        "trace_id": _trace_id(report),
        "user_id": str(uuid5(NAMESPACE_URL, "user")),
        "response": _response(report, wire),
    }
    if not report.done:
        return task
    cost = {"cost": {"amount": 0.56, "currency": "credit", "list_amount": 0.56}} if "v6" in work.model else {}
    return task | {"finished_at": round(report.finished_at, 3)} | cost


def _response(report: Report, wire: AceData) -> Json | None:
    """Running songs go through every shape that clients have seen: nothing, an acceptance, tracks with preview streams."""
    shows_tracks = report.work.operation in ACTIONS and (report.strange or report.stage >= Stage.TEXT)
    if shows_tracks or report.done:
        return wire.callback(report)
    if report.stage is Stage.QUEUED:
        return None
    return {"success": True, "task_id": report.task.task_id}


def _lyric(report: Report, track: TrackReport) -> Json:
    text = words.lyrics(report.work.words, track.track_id)
    return {"title": report.work.shown_title, "text": text, "status": "complete", "tags": ["folk", "calm"]}


def _timing(report: Report) -> Json:
    """Words end with the space that follows them, as in the published example."""
    source, rest = report.work.source, {"waveform_data": [0.02, 0.01, 0.14], "hoot_cer": 0.35, "is_streamed": False}
    if not report.track().there or source is None or source.take is None:
        return {"aligned_words": [], **rest}
    sung = words.sung(source.task.work.words, source.take.recording().duration_seconds)
    aligned = [
        {"word": f"{each.word} ", "success": True, "start_s": each.start_s, "end_s": each.end_s, "p_align": 0.9}
        for each in sung
    ]
    return {"aligned_words": aligned, **rest}


def _title(work: Work, track: TrackReport) -> str:
    """Two stems are titled as in the published example: ``Deck the Sky - Vocals``."""
    if work.operation == "stems":
        return f"{work.shown_title} - {track.name.title()}"
    return stem_title(work.shown_title, track.name)


def _track(report: Report, track: TrackReport) -> Json:
    work, state = report.work, _state(report, track)
    shown: Json = {
        "id": track.track_id,
        "title": _title(work, track),
        "image_url": track.image_url,
        "image_large_url": track.image_large_url,
        "lyric": work.words,
        "created_at": _iso(report.task.created_at),
        "model": _delivered_model(work.model) if track.number == 0 else work.model,
        "state": state,
        "prompt": work.fields.get("prompt", ""),
        "style": work.style,
        **({"stem_set": _stem_set(track)} if work.operation == "extract_stem" else {}),
    }
    if state == "running":
        return shown | {"audio_url": track.preview_url}
    if state == "succeeded" and track.url:
        return shown | {"audio_url": track.url, "video_url": track.video_url, "duration": track.duration}
    return shown


def _delivered_model(ordered: str) -> str:
    """The guide shows internal names as well as ordered ones; here the first take has the internal one."""
    return {"chirp-v6": "chirp-hawk", "chirp-v6-wild": "chirp-hawk", "chirp-v6-mini": "chirp-goose"}.get(ordered, ordered)


def _state(report: Report, track: TrackReport) -> str:
    if report.strange:
        return "mastering"
    if not report.done:
        return "running" if report.stage is Stage.FIRST else "pending"
    return "error" if track.failed and "one_track_failed" in report.task.faults else "succeeded"


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace_id(report: Report) -> str:
    return str(uuid5(NAMESPACE_URL, "trace/" + report.task.task_id))
