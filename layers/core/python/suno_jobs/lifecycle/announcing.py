"""Events on the stack's bus: what they contain, and sending one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import EventNotSent
from suno_jobs.jobs.identifiers import tenant_name
from suno_jobs.jobs.record import JobView
from suno_jobs.jobs.states import Progress
from suno_jobs.jobs.views import Json, job_view
from suno_jobs.lifecycle.webhook_bodies import job_body
from suno_jobs.runtime import telemetry
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.table import key
from suno_jobs.webhooks.outbox import Outbox, WebhookEvent

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
    known = {"event_id": f"{job.job_id}.{name}", "tenant": tenant_name(job.tenant), "bucket": bucket, "truncated": False}
    detail: Json = {**known, **shown}
    sizes = {name: len(json.dumps(value)) for name, value in detail.items()}
    lists = sorted((name for name, value in detail.items() if isinstance(value, list)), key=sizes.__getitem__)
    while lists and len(json.dumps(detail)) > EVENT_BYTES:
        detail |= {lists.pop(): [], "truncated": True}
    return detail


@dataclass(frozen=True, slots=True)
class EventBus:
    events: EventBridgeClient
    name: str

    def send(self, detail_type: str, detail: Json, resource: str) -> None:
        """Raises EventNotSent."""
        entry: PutEventsRequestEntryTypeDef = {
            "EventBusName": self.name,
            "Source": EVENT_SOURCE,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": [resource],
        }
        try:
            answer = self.events.put_events(Entries=[entry])
        except AwsError as error:
            raise EventNotSent(error.response["Error"]["Code"]) from error
        if answer["FailedEntryCount"]:
            raise EventNotSent(answer["Entries"][0].get("ErrorCode", "unknown"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcer:
    """Puts each event into the outbox of the tenant's webhooks, then on the bus."""

    bus: EventBus
    bucket: str
    outbox: Outbox

    def announce(self, view: JobView, kind: str, name: str) -> None:
        """Sends ``job.{kind}``, whose id ends with ``name``. Raises EventNotSent, and what AWS raises for the outbox; both may
        be repeated."""
        job, event_type, event_id = view.job, f"job.{kind}", f"{view.job.job_id}.{name}"
        # Of an end, so that a repetition finds the same delivery.
        at = job.ended_at or job.updated_at
        self.outbox.put(
            WebhookEvent(
                event_id=event_id,
                event_type=event_type,
                at=at,
                tenant=job.tenant,
                source=key(job.job_id, "")["pk"],
                make_body=lambda: job_body(view, event_id, event_type, at),
                callback_url=(view.request or {}).get("callback_url"),
            )
        )
        self.bus.send(event_type, event_detail(view, self.bucket, name), job.job_id)


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
