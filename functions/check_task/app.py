"""Check Task: reads the task at its gateway and decides what comes next. It never spends money."""

import os
import time
from functools import cache, partial
from typing import Any

from suno_jobs.jobs.identifiers import Mode, mode_of_job
from suno_jobs.jobs.schedule import PollingSchedule
from suno_jobs.lifecycle.announcing import Announcer, EventBus, ProgressAnnouncer
from suno_jobs.runtime.aws import REQUEST, WORK, client, prepare
from suno_jobs.runtime.executions import Executions
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.secrets import Secret
from suno_jobs.runtime.settings import CheckTaskSettings
from suno_jobs.steps.check_task import TaskChecker, in_sandbox, make_task_checker, report_step
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import ReceiptStore
from suno_jobs.traffic.calls import connect
from suno_jobs.webhooks.outbox import make_outbox


@cache
def task_checker() -> TaskChecker:
    settings = CheckTaskSettings(os.environ)
    dynamodb, s3 = client("dynamodb", WORK), partial(client, "s3", WORK)
    accounts = Secret(partial(client, "secretsmanager", WORK), settings.gateway_accounts_secret_arn, time.monotonic)
    return make_task_checker(
        jobs=JobStore(dynamodb, settings.jobs_table),
        receipts=ReceiptStore(dynamodb, settings.jobs_table, s3, settings.receipts_bucket, ttl_days=settings.receipt_ttl_days),
        calls=connect(dynamodb, settings.jobs_table, accounts, time.time, time.sleep),
        schedule=PollingSchedule(
            settings.first_check_seconds, settings.check_interval_seconds, settings.max_check_interval_seconds
        ),
        grace_seconds=settings.ambiguous_submit_grace_seconds,
        executions=executions(),
        on_progress=progress_announcer().note,
        clock=time.time,
    )


def checker_for(job_id: str) -> TaskChecker:
    return in_sandbox(task_checker()) if mode_of_job(job_id) is Mode.TEST else task_checker()


@cache
def progress_announcer() -> ProgressAnnouncer:
    settings = CheckTaskSettings(os.environ)
    dynamodb, sqs = client("dynamodb", WORK), partial(client, "sqs", REQUEST)
    outbox = make_outbox(dynamodb, settings.jobs_table, sqs, settings.webhook_queue_url, time.time)
    bus = EventBus(client("events", REQUEST), settings.event_bus_name)
    announcer = Announcer(bus=bus, bucket=settings.assets_bucket_name, outbox=outbox)
    return ProgressAnnouncer(jobs=JobStore(dynamodb, settings.jobs_table), announcer=announcer)


@cache
def executions() -> Executions:
    settings = CheckTaskSettings(os.environ)
    return Executions(client("stepfunctions", WORK), settings.state_machine_arn, settings.max_check_interval_seconds)


@logged
def lambda_handler(event: dict[str, Any], context: object) -> None:
    step = checker_for(event["job_id"]).check_task(event["job_id"], event.get("execution"))
    report_step(executions(), event["task_token"], step)
    progress_announcer().announce_noted()


prepare(task_checker)
