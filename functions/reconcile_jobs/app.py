"""The scheduled sweep: whatever is past its due time is set going again."""

import os
import time
from functools import cache
from typing import Any

import boto3

from suno_jobs.aws import CONFIG
from suno_jobs.batches import StillRunning
from suno_jobs.calls import connect
from suno_jobs.secret import Secret
from suno_jobs.settings import ReconcileJobsSettings
from suno_jobs.store import JobStore
from suno_jobs.sweep import Sweeper
from suno_jobs.workflow import Executions, slack

RESERVE_MS = 10_000
"""Time kept back, so that the job at hand is finished before Lambda stops the function."""


@cache
def sweeper() -> Sweeper:
    settings = ReconcileJobsSettings.load(os.environ)
    dynamodb = boto3.client("dynamodb", config=CONFIG)
    secrets = cache(lambda: boto3.client("secretsmanager", config=CONFIG))
    accounts = Secret(secrets, settings.gateway_accounts_secret_arn, time.monotonic)
    return Sweeper(
        jobs=JobStore(dynamodb, settings.jobs_table),
        executions=Executions(
            boto3.client("stepfunctions", config=CONFIG), settings.state_machine_arn, settings.max_check_interval_seconds
        ),
        still_running=StillRunning(connect(dynamodb, settings.jobs_table, accounts, time.time)),
        slack_seconds=slack(settings.max_check_interval_seconds),
        clock=time.time,
    )


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    swept = sweeper()(lambda: context.get_remaining_time_in_millis() > RESERVE_MS)
    return {"started": len(swept.started), "woken": len(swept.woken), "complete": swept.complete}
