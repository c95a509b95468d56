"""POST /v1/jobs/{job_id}/cancel: ends a job at its client's request."""

import os
import time
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import Response

from suno_jobs.jobs.views import job_view
from suno_jobs.runtime import http_api
from suno_jobs.runtime.aws import REQUEST, client, prepare
from suno_jobs.runtime.executions import Executions
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.settings import CancelJobSettings
from suno_jobs.steps.cancel_job import JobCanceller
from suno_jobs.storage.jobs import JobStore
from suno_jobs.tenants.api_keys import Scope

app = http_api.resolver()


@cache
def job_canceller() -> JobCanceller:
    settings = CancelJobSettings(os.environ)
    return JobCanceller(
        jobs=JobStore(client("dynamodb", REQUEST), settings.jobs_table),
        executions=Executions(
            client("stepfunctions", REQUEST), settings.state_machine_arn, settings.max_check_interval_seconds
        ),
        clock=time.time,
    )


@app.post("/v1/jobs/<job_id>/cancel")
def cancel_job(job_id: str) -> Response[str]:
    return http_api.answer(200, job_view(job_canceller().cancel_job(http_api.tenant(app, Scope.WRITE_JOBS), job_id)), {})


@logged
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)


prepare(job_canceller)
