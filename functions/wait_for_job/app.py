"""Waits until a job has ended or changed, for a request with ``Prefer: wait``. Its concurrency is the cap on such requests."""

import os
import time
from functools import cache
from typing import Any

from suno_jobs.runtime.aws import REQUEST, client, prepare
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.settings import WaitForJobSettings
from suno_jobs.steps.wait_for_job import JobWaiter
from suno_jobs.storage.job_versions import JobVersions


@cache
def job_waiter() -> JobWaiter:
    settings = WaitForJobSettings(os.environ)
    versions = JobVersions(client("dynamodb", REQUEST), settings.jobs_table)
    return JobWaiter(versions=versions, stopwatch=time.monotonic, sleep=time.sleep)


@logged
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return {"changed": job_waiter().wait_for_job(event["job_id"], event["seen"], event["seconds"])}


prepare(job_waiter)
