"""kie.ai: code 402 means an empty account, 429 too many requests, 422 a field that is wrong.

Callbacks are signed when a webhook key is set: over the task id and the time, not over the body. Lyrics and WAV files have the
other of the documented spellings.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import ClassVar

from local.simulator.record_info import RecordInfoWire
from local.simulator.record_replies import Dialect
from local.simulator.wire import Reason


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
    dialect = Dialect(lyrics_list="lyricsData", lyrics_error="error_message", wav_state="status", wav_url="audio_wav_url")

    def signature(self, task_id: str, key: str, moment: float) -> Mapping[str, str]:
        timestamp = str(int(moment))
        digest = hmac.new(key.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256).digest()
        return {"X-Webhook-Timestamp": timestamp, "X-Webhook-Signature": base64.b64encode(digest).decode()}
