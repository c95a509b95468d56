"""AnyInt: the operations of sunoapi.org under paths of its own (no mash-up, sounds, recovery and uploads).

Only the fields of ``/suno/generate`` and the callback of a song are published; fields, envelopes and record-info follow the
upstream contract. Callbacks are flat, as AnyInt's page shows them. No callback is documented for a failure, so none is sent.
``style`` and ``title`` are required in custom mode (AnyInt's page on music generation).
"""

from __future__ import annotations

from typing import ClassVar

from local.simulator.record_info import MUSIC, RecordInfoWire
from local.simulator.record_replies import Dialect, fails
from local.simulator.sunoapi import SUNOAPI_CODES
from local.simulator.tasks import Report, Stage
from local.simulator.wire import Json


class AnyInt(RecordInfoWire):
    name = "anyint"
    renews_links = True
    models = frozenset(("V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5"))
    codes = SUNOAPI_CODES
    dialect = Dialect(wav_state="status", sources=False)
    submit_paths: ClassVar = {
        "/suno/generate": "generate",
        "/suno/extend": "extend",
        "/suno/upload-cover": "upload-cover",
        "/suno/upload-extend": "upload-extend",
        "/suno/add-vocals": "add-vocals",
        "/suno/add-instrumental": "add-instrumental",
        "/suno/replace-section": "replace-section",
        "/suno/generate-lyrics": "lyrics",
        "/suno/vocal-removal": "vocal-removal",
        "/suno/split-stem": "split-stem",
        "/suno/wav-generate": "wav",
        "/suno/mp4-generate": "mp4",
        "/suno/generate-cover": "cover-art",
        "/suno/timestamped-lyrics": "timestamped-lyrics",
        "/suno/style-generate": "style",
        "/suno/generate-persona": "persona",
    }
    status_paths: ClassVar = {
        "/suno/query/task": MUSIC,
        "/suno/query/lyrics": ("lyrics",),
        "/suno/query/vocal-removal": ("vocal-removal", "split-stem"),
        "/suno/query/wav": ("wav",),
        "/suno/query/mp4": ("mp4",),
        "/suno/query/cover": ("cover-art",),
    }

    def callback(self, report: Report) -> Json | None:
        if report.stage is Stage.DONE and fails(report):
            return None
        body = super().callback(report)
        flat: Json | None = body["data"] if body else None
        return flat
