"""POST /v1/jobs: accepts a job and starts its execution. Nothing is generated inside the request."""

import os
import time
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.event_handler import Response

from suno_jobs import api
from suno_jobs.acceptance import Acceptor
from suno_jobs.aws import CONFIG
from suno_jobs.settings import SubmitJobSettings
from suno_jobs.starting import Starter
from suno_jobs.store import JobStore
from suno_jobs.views import job_view
from suno_jobs.workflow import Executions, slack

app = api.resolver()


@cache
def acceptor() -> Acceptor:
    settings = SubmitJobSettings.load(os.environ)
    longest = settings.max_check_interval_seconds
    starter = Starter(
        jobs=JobStore(boto3.client("dynamodb", config=CONFIG), settings.jobs_table),
        executions=Executions(boto3.client("stepfunctions", config=CONFIG), settings.state_machine_arn, longest),
        deadline_seconds=settings.job_deadline_seconds,
        slack_seconds=slack(longest),
        clock=time.time,
    )
    return Acceptor(
        starter=starter,
        auto_gateways=settings.auto_gateways.split(","),
        resubmit=settings.ambiguous_submit_policy == "resubmit",
        random_bytes=os.urandom,
    )


@app.post("/v1/jobs")
def submit_job() -> Response[str]:
    key = app.current_event.headers.get("idempotency-key")
    view, created = acceptor()(api.tenant(app), api.json_body(app), key)
    return api.answer(202 if created else 200, job_view(view), {"Location": f"/v1/jobs/{view.job.job_id}"})


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)
