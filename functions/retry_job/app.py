"""POST /v1/jobs/{job_id}/retry: repeats a failed job as a new job, which costs money again."""

import os
import time
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import Response

from suno_jobs.intake.creation import JobCreator
from suno_jobs.jobs.schedule import slack
from suno_jobs.jobs.views import job_view
from suno_jobs.runtime import http_api
from suno_jobs.runtime.aws import REQUEST, client, prepare
from suno_jobs.runtime.executions import Executions
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.settings import RetryJobSettings
from suno_jobs.steps.retry_job import JobRetrier
from suno_jobs.storage.jobs import JobStore
from suno_jobs.tenants import quotas
from suno_jobs.tenants.api_keys import Scope

app = http_api.resolver()


@cache
def job_retrier() -> JobRetrier:
    settings = RetryJobSettings(os.environ)
    longest = settings.max_check_interval_seconds
    dynamodb, table = client("dynamodb", REQUEST), settings.jobs_table
    creator = JobCreator(
        jobs=JobStore(dynamodb, table),
        executions=Executions(client("stepfunctions", REQUEST), settings.state_machine_arn, longest),
        deadline_seconds=settings.job_deadline_seconds,
        slack_seconds=slack(longest),
        quotas=quotas.connect(dynamodb, table, time.time, time.monotonic),
        clock=time.time,
    )
    return JobRetrier(creator)


@app.post("/v1/jobs/<job_id>/retry")
def retry_job(job_id: str) -> Response[str]:
    view, created = job_retrier().retry_job(http_api.tenant(app, Scope.WRITE_JOBS), job_id, http_api.optional_json_body(app))
    return http_api.answer(202 if created else 200, job_view(view), {"Location": f"/v1/jobs/{view.job.job_id}"})


@logged
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)


prepare(job_retrier)
