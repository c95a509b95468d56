"""Events on the stack's bus: what they contain, and sending one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import EventNotSent
from suno_jobs.jobs.record import JobView
from suno_jobs.jobs.states import Progress
from suno_jobs.jobs.views import Json, job_view
from suno_jobs.runtime import telemetry
from suno_jobs.storage.jobs import JobStore

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

EVENT_SOURCE = "suno-jobs"
EVENT_BYTES = 200_000
"""The largest ``detail`` of an event. EventBridge accepts entries of up to 1 MB since January 2026 and refuses larger ones for
ever. Some targets of its rules, such as SNS, accept no more than 256 KB."""


def event_detail(view: JobView, bucket: str, name: str) -> Json:
    """The job as its event ``name`` contains it, with at most EVENT_BYTES as JSON. Its files are in ``bucket``.

    Request and result are left out: lyrics may exceed the size of an event. If the rest is still too large, lists are emptied,
    the largest first, and ``truncated`` is true.
    """
    job = view.job
    shown = job_view(view) | {"request": None, "result": None}
    known = {"event_id": f"{job.job_id}.{name}", "tenant": job.tenant, "bucket": bucket, "truncated": False}
    detail: Json = {**known, **shown}
    sizes = {name: len(json.dumps(value)) for name, value in detail.items()}
    lists = sorted((name for name, value in detail.items() if isinstance(value, list)), key=sizes.__getitem__)
    while lists and len(json.dumps(detail)) > EVENT_BYTES:
        detail |= {lists.pop(): [], "truncated": True}
    return detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcer:
    events: EventBridgeClient
    event_bus: str
    bucket: str

    def announce(self, view: JobView, kind: str, name: str) -> None:
        """Sends ``job.{kind}``, whose id ends with ``name``. Raises EventNotSent."""
        entry: PutEventsRequestEntryTypeDef = {
            "EventBusName": self.event_bus,
            "Source": EVENT_SOURCE,
            "DetailType": f"job.{kind}",
            "Detail": json.dumps(event_detail(view, self.bucket, name)),
            "Resources": [view.job.job_id],
        }
        try:
            answer = self.events.put_events(Entries=[entry])
        except AwsError as error:
            raise EventNotSent(error.response["Error"]["Code"]) from error
        if answer["FailedEntryCount"]:
            raise EventNotSent(answer["Entries"][0].get("ErrorCode", "unknown"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressAnnouncer:
    """Announces the stages that a check has found, once its decision is reported. So it delays no job and fails none."""

    jobs: JobStore
    announcer: Announcer
    _noted: list[tuple[str, Progress]] = field(default_factory=list)

    def note(self, job_id: str, stage: Progress) -> None:
        self._noted.append((job_id, stage))

    def announce_noted(self) -> None:
        """Sends each event once, or not at all. Nothing is sent for a job that has ended or was deleted meanwhile."""
        while self._noted:
            job_id, stage = self._noted.pop()
            try:
                view = self.jobs.view(job_id)
                if view and not view.job.terminal:
                    self.announcer.announce(view, "progress", f"progress.{stage}")
            except (EventNotSent, AwsError, BotoCoreError) as error:
                telemetry.log.info("progress not announced", job_id=job_id, stage=stage, reason=str(error))
