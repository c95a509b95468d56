"""DELETE /v1/jobs/{job_id}: removes an ended job and everything that it stored."""

import os
import time
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import Response

from suno_jobs.lifecycle.erasure import JobEraser
from suno_jobs.runtime import http_api
from suno_jobs.runtime.aws import WORK, client, prepare
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.settings import DeleteJobSettings
from suno_jobs.steps.delete_job import JobDeleter
from suno_jobs.storage.jobs import JobStore
from suno_jobs.tenants.api_keys import Scope

app = http_api.resolver()


@cache
def job_deleter() -> JobDeleter:
    settings = DeleteJobSettings(os.environ)
    jobs = JobStore(client("dynamodb", WORK), settings.jobs_table)
    eraser = JobEraser(
        deletions=jobs.deletions,
        s3=client("s3", WORK),
        assets_bucket=settings.assets_bucket,
        receipts_bucket=settings.receipts_bucket,
    )
    return JobDeleter(jobs=jobs, eraser=eraser, clock=time.time)


@app.delete("/v1/jobs/<job_id>")
def delete_job(job_id: str) -> Response[str]:
    job_deleter().delete_job(http_api.tenant(app, Scope.WRITE_JOBS), job_id)
    return http_api.answer(204, None, {})


@logged
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)


prepare(job_deleter)
