"""Create Task: submits a job to its gateway. The only function that spends money."""

import os
import time
from functools import cache, partial
from typing import Any

from suno_jobs.gateways.signatures import SIGNATURE_CHECKS
from suno_jobs.jobs.identifiers import Mode, mode_of_job
from suno_jobs.jobs.schedule import PollingSchedule
from suno_jobs.lifecycle.repeats import Repeats
from suno_jobs.runtime.aws import WORK, client, prepare
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.secrets import Secret
from suno_jobs.runtime.settings import CreateTaskSettings
from suno_jobs.steps.create_task import TaskCreator, in_sandbox
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import ReceiptStore
from suno_jobs.storage.sent_requests import SentRequests
from suno_jobs.traffic.admission import make_admission
from suno_jobs.traffic.callback_urls import callback_url
from suno_jobs.traffic.calls import connect


@cache
def task_creator() -> TaskCreator:
    settings = CreateTaskSettings(os.environ)
    dynamodb = client("dynamodb", WORK)
    secrets = partial(client, "secretsmanager", WORK)
    accounts = Secret(secrets, settings.gateway_accounts_secret_arn, time.monotonic)
    s3 = partial(client, "s3", WORK)
    callback_secret = Secret(secrets, settings.callback_secret_arn, time.monotonic)
    calls = connect(dynamodb, settings.jobs_table, accounts, time.time, time.sleep)
    return TaskCreator(
        jobs=JobStore(dynamodb, settings.jobs_table),
        receipts=ReceiptStore(dynamodb, settings.jobs_table, s3, settings.receipts_bucket, ttl_days=settings.receipt_ttl_days),
        calls=calls,
        admission=make_admission(calls, settings.breaker_failures, settings.breaker_open_seconds),
        callback_url=partial(callback_url, settings.public_base_url, callback_secret, SIGNATURE_CHECKS),
        schedule=PollingSchedule(
            settings.first_check_seconds, settings.check_interval_seconds, settings.max_check_interval_seconds
        ),
        grace_seconds=settings.ambiguous_submit_grace_seconds,
        clock=time.time,
        random_bytes=os.urandom,
        repeats=Repeats(SentRequests(dynamodb, settings.jobs_table)),
    )


def creator_for(job_id: str) -> TaskCreator:
    return in_sandbox(task_creator()) if mode_of_job(job_id) is Mode.TEST else task_creator()


@logged
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return creator_for(event["job_id"]).create_task(event["job_id"]).to_payload()


prepare(task_creator)
