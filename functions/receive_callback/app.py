"""POST /v1/callbacks/{gateway}/{job_id}/{mac}: receives callbacks. It starts without pydantic, httpx and Powertools."""

import base64
import logging
import os
import time
from functools import cache, partial
from typing import Any

from suno_jobs.errors import CallbackRefused
from suno_jobs.jobs.schedule import slack
from suno_jobs.runtime.aws import REQUEST, client, prepare
from suno_jobs.runtime.executions import Executions
from suno_jobs.runtime.secrets import Secret
from suno_jobs.runtime.settings import ReceiveCallbackSettings
from suno_jobs.steps.receive_callback import CallbackReceiver
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


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    body = event.get("body") or ""
    raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(errors="surrogatepass")
    try:
        callback_receiver().receive_callback(event["rawPath"], raw, event.get("headers") or {})
    except CallbackRefused as refused:
        log.warning("callback refused: %s", refused)
        return {"statusCode": refused.status}
    return {"statusCode": 200}


prepare(callback_receiver)
