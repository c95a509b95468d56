"""Finish Job: writes the manifest, sets the terminal state and announces it on the bundle's event bus."""

import os
import time
from functools import cache, partial
from typing import Any

from suno_jobs.lifecycle.announcing import Announcer, EventBus
from suno_jobs.lifecycle.manifest import ManifestWriter
from suno_jobs.runtime.aws import WORK, client, prepare
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.settings import FinishJobSettings
from suno_jobs.steps.finish_job import JobFinisher
from suno_jobs.storage.jobs import JobStore
from suno_jobs.webhooks.outbox import make_outbox


@cache
def job_finisher() -> JobFinisher:
    settings = FinishJobSettings(os.environ)
    dynamodb = client("dynamodb", WORK)
    jobs = JobStore(dynamodb, settings.jobs_table)
    sqs = partial(client, "sqs", WORK)
    outbox = make_outbox(dynamodb, settings.jobs_table, sqs, settings.webhook_queue_url, time.time)
    bus = EventBus(client("events", WORK), settings.event_bus_name)
    return JobFinisher(
        jobs=jobs,
        announcer=Announcer(bus=bus, bucket=settings.assets_bucket, outbox=outbox),
        manifests=ManifestWriter(jobs=jobs, s3=client("s3", WORK), bucket=settings.assets_bucket),
        clock=time.time,
    )


@logged
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return {"job_id": event["job_id"], "state": job_finisher().finish_job(event["job_id"])}


prepare(job_finisher)
