"""Receives the callbacks that API Gateway puts into a queue. It starts without pydantic, httpx and Powertools."""

import os
import time
from functools import cache, partial
from typing import Any

from suno_jobs.errors import SecretNotRenewed
from suno_jobs.jobs.schedule import slack
from suno_jobs.runtime.aws import REQUEST, client, prepare
from suno_jobs.runtime.executions import Executions
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.secrets import Secret
from suno_jobs.runtime.settings import ReceiveCallbackSettings
from suno_jobs.steps.receive_callback import CallbackReceiver
from suno_jobs.storage.receipts import ReceiptStore
from suno_jobs.storage.signals import SignalStore
from suno_jobs.traffic.rate_limiter import RateLimiter


@cache
def callback_receiver() -> CallbackReceiver:
    settings = ReceiveCallbackSettings(os.environ)
    dynamodb = client("dynamodb", REQUEST)
    s3 = partial(client, "s3", REQUEST)
    longest = settings.max_check_interval_seconds
    return CallbackReceiver(
        secret=Secret(partial(client, "secretsmanager", REQUEST), settings.callback_secret_arn, time.monotonic),
        receipts=ReceiptStore(dynamodb, settings.jobs_table, s3, settings.receipts_bucket, ttl_days=settings.receipt_ttl_days),
        signals=SignalStore(dynamodb, settings.jobs_table),
        rate_limiter=RateLimiter(dynamodb, settings.jobs_table),
        executions=lambda: Executions(client("stepfunctions", REQUEST), settings.state_machine_arn, longest),
        slack_seconds=slack(longest),
        clock=time.time,
    )


@logged
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    receiver = callback_receiver()
    failed = {record["messageId"]: error for record in event["Records"] if (error := receiver.receive_record(record))}
    errors = [error for error in failed.values() if not isinstance(error, SecretNotRenewed)]
    if errors and len(failed) == len(event["Records"]):
        # SQS delivers all of them again, and Lambda counts an error.
        raise errors[0]
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}


prepare(callback_receiver)
