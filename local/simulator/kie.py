"""kie.ai: code 402 means an empty account, 429 too many requests, 422 a field that is wrong.

Callbacks are signed when a webhook key is set: over the task id and the time, not over the body. Lyrics and WAV files have the
other of the documented spellings. The jobs route, in ``kie_jobs``, has the models since V5_5; the older route has those before.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import ClassVar

from local.simulator import kie_jobs
from local.simulator.archive import Archive
from local.simulator.record_info import RecordInfoWire
from local.simulator.record_replies import Dialect
from local.simulator.tasks import Stage, Work
from local.simulator.wire import Credits, Find, Json, Purpose, Reason, Refusal, Reply, Request, json_reply


class Kie(RecordInfoWire):
    name = "kie"
    models = frozenset(("V3_5", "V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5"))
    invalid = 422
    codes: ClassVar = {
        Reason.NO_KEY: 401,
        Reason.WRONG_KEY: 401,
        Reason.NO_CREDITS: 402,
        Reason.NO_SUCH_TASK: 404,
        Reason.NO_SUCH_SOURCE: 404,
        Reason.EXISTS: 409,
        Reason.COVER_EXISTS: 409,
        Reason.TOO_FREQUENT: 429,
        Reason.MAINTENANCE: 455,
        Reason.SERVER_ERROR: 500,
        Reason.FAILED: 501,
    }
    balance_paths = frozenset({"/api/v1/chat/credit"})
    dialect = Dialect(lyrics_list="lyricsData", lyrics_error="error_message", wav_state="status", wav_url="audio_wav_url")

    def callback_stages(self, work: Work) -> Sequence[Stage]:
        return (Stage.DONE,) if kie_jobs.is_job(work) else super().callback_stages(work)

    def purpose(self, request: Request) -> Purpose | None:
        routes: dict[tuple[str, str], Purpose] = {("POST", kie_jobs.CREATE): "submit", ("GET", kie_jobs.RECORD): "status"}
        return routes.get((request.method, request.path)) or super().purpose(request)

    def work(self, request: Request, archive: Archive) -> Work:
        return kie_jobs.work(request, archive) if request.path == kie_jobs.CREATE else super().work(request, archive)

    def status(self, request: Request, find: Find) -> Reply:
        if request.path != kie_jobs.RECORD:
            return super().status(request, find)
        if not (task_id := request.query.get("taskId")):
            raise Refusal(Reason.INVALID, "taskId is required")
        if (report := find(task_id)) is None or not kie_jobs.is_job(report.work):
            raise Refusal(Reason.NO_SUCH_TASK, "task not found")
        return json_reply(200, {"code": 200, "msg": "success", "data": kie_jobs.record(report, self.dialect)})

    def balance(self, _path: str, account: Credits) -> Json:
        return {"code": 200, "msg": "success", "data": float(account.left)}

    def signature(self, task_id: str, key: str, moment: float) -> Mapping[str, str]:
        timestamp = str(int(moment))
        digest = hmac.new(key.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256).digest()
        return {"X-Webhook-Timestamp": timestamp, "X-Webhook-Signature": base64.b64encode(digest).decode()}
