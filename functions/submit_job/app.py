"""POST /v1/jobs: records a job and starts its execution. Nothing is submitted to a gateway inside the request."""

import os
import time
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.event_handler import Response

from suno_jobs.gateways.registry import auto_gateways
from suno_jobs.intake.creation import JobCreator
from suno_jobs.jobs.schedule import slack
from suno_jobs.jobs.views import job_view
from suno_jobs.runtime import http_api
from suno_jobs.runtime.aws import REQUEST, WAIT, client, prepare
from suno_jobs.runtime.executions import Executions
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.secrets import Secret
from suno_jobs.runtime.settings import SubmitJobSettings
from suno_jobs.runtime.waiting import WaitFunction, preferred_wait
from suno_jobs.steps.submit_job import JobSubmitter
from suno_jobs.storage.jobs import JobStore
from suno_jobs.tenants import quotas
from suno_jobs.tenants.api_keys import Scope
from suno_jobs.webhooks.endpoint_table import EndpointTable

app = http_api.resolver()


@cache
def job_submitter() -> JobSubmitter:
    settings, dynamodb = SubmitJobSettings(os.environ), client("dynamodb", REQUEST)
    longest, table = settings.max_check_interval_seconds, settings.jobs_table
    creator = JobCreator(
        jobs=JobStore(dynamodb, table),
        executions=Executions(client("stepfunctions", REQUEST), settings.state_machine_arn, longest),
        deadline_seconds=settings.job_deadline_seconds,
        slack_seconds=slack(longest),
        quotas=quotas.connect(dynamodb, table, time.time, time.monotonic),
        clock=time.time,
    )
    return JobSubmitter(
        creator=creator,
        auto_gateways=auto_gateways(settings.auto_gateways),
        resubmit=settings.ambiguous_submit_policy == "resubmit",
        random_bytes=os.urandom,
        wait_function=WaitFunction(partial(client, "lambda", WAIT), settings.wait_function),
        endpoints=EndpointTable(dynamodb, table),
        accounts=Secret(partial(client, "secretsmanager", REQUEST), settings.gateway_accounts_secret_arn, time.monotonic),
    )


@app.post("/v1/jobs")
def submit_job() -> Response[str]:
    key = app.current_event.headers.get("idempotency-key")
    tenant, body = http_api.tenant(app, Scope.WRITE_JOBS), http_api.json_body(app)
    if http_api.flag(app, "dry_run"):
        return http_api.answer(200, job_submitter().preview_job(tenant, body, key), {})
    view, created = job_submitter().submit_job(tenant, body, key)
    view, applied = job_submitter().wait_for_end(view, preferred_wait(app.current_event.headers.get("prefer")))
    return http_api.answer(202 if created else 200, job_view(view), {"Location": f"/v1/jobs/{view.job.job_id}", **applied})


@logged
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)


prepare(job_submitter)
