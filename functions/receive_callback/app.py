"""Receives the callbacks that API Gateway puts into a queue. It starts without pydantic, httpx and Powertools."""

import logging
import os
import time
from functools import cache, partial
from typing import Any

from suno_jobs.errors import CallbackRefused, SecretNotRenewed
from suno_jobs.jobs.schedule import slack
from suno_jobs.runtime.aws import REQUEST, client, prepare
from suno_jobs.runtime.executions import Executions
from suno_jobs.runtime.log_context import about_job, logged
from suno_jobs.runtime.secrets import Secret
from suno_jobs.runtime.settings import ReceiveCallbackSettings
from suno_jobs.steps.receive_callback import CallbackReceiver, sent_bytes
from suno_jobs.storage.receipts import ReceiptStore
from suno_jobs.storage.signals import SignalStore
from suno_jobs.traffic.rate_limiter import RateLimiter

log = logging.getLogger("suno_jobs")


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
    failed = {record["messageId"]: error for record in event["Records"] if (error := receive(record))}
    if len(failed) == len(event["Records"]) and SecretNotRenewed not in map(type, failed.values()):
        # SQS delivers all of them again, and Lambda counts an error.
        raise next(iter(failed.values()))
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}


def receive(record: dict[str, Any]) -> Exception | None:
    """Why SQS has to deliver the message again. It contains a MAC and must not be logged (I9)."""
    given = {name: each["stringValue"] for name, each in record["messageAttributes"].items()}
    path = f"/v1/callbacks/{given.get('gateway')}/{given.get('job_id')}/{given.get('mac')}"
    sent_at = int(record["attributes"]["SentTimestamp"]) / 1000
    with about_job(None):
        try:
            callback_receiver().receive_callback(path, sent_bytes(record["body"]), given, sent_at)
            log.info("callback received")
        except CallbackRefused as refused:
            log.warning("callback refused: %s", refused)
        except Exception as error:
            # Whatever is wrong with one message, the others of its batch are received.
            level = logging.INFO if isinstance(error, SecretNotRenewed) else logging.ERROR
            log.log(level, "callback not received", exc_info=error)
            return error
    return None


prepare(callback_receiver)
