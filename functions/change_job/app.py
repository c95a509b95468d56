"""POST /v1/jobs/{job_id}/cancel and /retry: what a client may still do about a job."""

import os
import time
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.event_handler import Response

from suno_jobs import api
from suno_jobs.aws import CONFIG
from suno_jobs.cancelling import Canceller
from suno_jobs.retrying import Retrier
from suno_jobs.settings import ChangeJobSettings
from suno_jobs.starting import Starter
from suno_jobs.store import JobStore
from suno_jobs.views import job_view
from suno_jobs.workflow import Executions, slack

app = api.resolver()


@cache
def starter() -> Starter:
    settings = ChangeJobSettings.load(os.environ)
    longest = settings.max_check_interval_seconds
    return Starter(
        jobs=JobStore(boto3.client("dynamodb", config=CONFIG), settings.jobs_table),
        executions=Executions(boto3.client("stepfunctions", config=CONFIG), settings.state_machine_arn, longest),
        deadline_seconds=settings.job_deadline_seconds,
        slack_seconds=slack(longest),
        clock=time.time,
    )


@cache
def canceller() -> Canceller:
    return Canceller(jobs=starter().jobs, executions=starter().executions, clock=time.time)


@cache
def retrier() -> Retrier:
    return Retrier(starter())


@app.post("/v1/jobs/<job_id>/cancel")
def cancel_job(job_id: str) -> Response[str]:
    return api.answer(200, job_view(canceller()(api.tenant(app), job_id)), {})


@app.post("/v1/jobs/<job_id>/retry")
def retry_job(job_id: str) -> Response[str]:
    view, created = retrier()(api.tenant(app), job_id)
    return api.answer(202 if created else 200, job_view(view), {"Location": f"/v1/jobs/{view.job.job_id}"})


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)
