"""The scheduled sweep: resumes every job that is past its due time."""

import os
import time
from functools import cache, partial
from typing import Any

from suno_jobs.jobs.schedule import slack
from suno_jobs.lifecycle.erasure import JobEraser
from suno_jobs.runtime.aws import WORK, client, prepare
from suno_jobs.runtime.executions import Executions
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.secrets import Secret
from suno_jobs.runtime.settings import ReconcileJobsSettings
from suno_jobs.steps.reconcile_jobs import JobReconciler
from suno_jobs.storage.jobs import JobStore
from suno_jobs.traffic.account_figures import AccountFigures
from suno_jobs.traffic.balances import BalanceReader, Balances
from suno_jobs.traffic.batch_reads import BatchReader
from suno_jobs.traffic.calls import connect
from suno_jobs.webhooks.outbox import make_outbox

RESERVE_MS = 15_000
"""Time kept in reserve, so that one batch read and the current job are finished before Lambda stops the function."""


@cache
def job_reconciler() -> JobReconciler:
    settings = ReconcileJobsSettings(os.environ)
    dynamodb = client("dynamodb", WORK)
    secrets = partial(client, "secretsmanager", WORK)
    accounts = Secret(secrets, settings.gateway_accounts_secret_arn, time.monotonic)
    calls = connect(dynamodb, settings.jobs_table, accounts, time.time, time.sleep)
    jobs = JobStore(dynamodb, settings.jobs_table)
    eraser = JobEraser(
        deletions=jobs.deletions,
        s3=client("s3", WORK),
        assets_bucket=settings.assets_bucket,
        receipts_bucket=settings.receipts_bucket,
    )
    return JobReconciler(
        jobs=jobs,
        executions=Executions(client("stepfunctions", WORK), settings.state_machine_arn, settings.max_check_interval_seconds),
        eraser=eraser,
        send_webhooks=make_outbox(
            dynamodb, settings.jobs_table, partial(client, "sqs", WORK), settings.webhook_queue_url, time.time
        ).send_due,
        find_running=BatchReader(calls).find_running,
        count_accounts=AccountFigures(calls.concurrency.items, accounts, time.time).count,
        read_balances=BalanceReader(calls, Balances(dynamodb, settings.jobs_table)).read_balances,
        slack_seconds=slack(settings.max_check_interval_seconds),
        clock=time.time,
        sleep=time.sleep,
    )


@logged
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    swept = job_reconciler().reconcile_jobs(lambda: context.get_remaining_time_in_millis() > RESERVE_MS)
    return {"started": len(swept.started), "woken": len(swept.woken), "complete": swept.complete}


prepare(job_reconciler)
