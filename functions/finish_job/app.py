"""Finish Job: writes the manifest, sets the terminal state and announces it on the bundle's event bus."""

import os
import time
from functools import cache
from typing import Any

from suno_jobs.lifecycle.announcing import Announcer
from suno_jobs.lifecycle.manifest import ManifestWriter
from suno_jobs.runtime.aws import WORK, client, prepare
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.settings import FinishJobSettings
from suno_jobs.steps.finish_job import JobFinisher
from suno_jobs.storage.jobs import JobStore


@cache
def job_finisher() -> JobFinisher:
    settings = FinishJobSettings(os.environ)
    jobs = JobStore(client("dynamodb", WORK), settings.jobs_table)
    return JobFinisher(
        jobs=jobs,
        announcer=Announcer(events=client("events", WORK), event_bus=settings.event_bus_name, bucket=settings.assets_bucket),
        manifests=ManifestWriter(jobs=jobs, s3=client("s3", WORK), bucket=settings.assets_bucket),
        clock=time.time,
    )


@logged
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return {"job_id": event["job_id"], "state": job_finisher().finish_job(event["job_id"])}


prepare(job_finisher)
