"""sunoapi.org: code 429 means an empty account, 430 too many requests. A second cover for a task is refused with code 400 and
the first one's task id. Whether code 409 for a second WAV or film brings a task id is not published: here that for a WAV does.
"""

from __future__ import annotations

from local.simulator.record_info import RecordInfoWire
from local.simulator.record_orders import V6_MODELS
from local.simulator.record_replies import Dialect
from local.simulator.wire import Credits, Json, Reason

SUNOAPI_CODES = {
    Reason.NO_KEY: 401,
    Reason.WRONG_KEY: 401,
    Reason.COVER_EXISTS: 400,
    Reason.EXISTS: 409,
    Reason.TOO_LONG: 413,
    Reason.NO_CREDITS: 429,
    Reason.TOO_FREQUENT: 430,
    Reason.MAINTENANCE: 455,
    Reason.SERVER_ERROR: 500,
}


class SunoApi(RecordInfoWire):
    name = "sunoapi"
    models = frozenset(("V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5", *V6_MODELS))
    codes = SUNOAPI_CODES
    balance_paths = frozenset({"/api/v1/generate/credit"})
    dialect = Dialect(lyrics_task_id="taskId")

    def balance(self, _path: str, account: Credits) -> Json:
        return {"code": 200, "msg": "success", "data": account.left}
