"""Deliver Webhook: tries the deliveries that a queue holds, one for each invocation."""

import json
import os
import random
import time
from functools import cache, partial
from typing import Any

from suno_jobs.lifecycle.announcing import EventBus
from suno_jobs.network import local_origins
from suno_jobs.runtime.aws import REQUEST, client, prepare
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.settings import DeliverWebhookSettings
from suno_jobs.steps.deliver_webhook import WebhookDeliverer
from suno_jobs.webhooks.deliveries import DeliveryKey
from suno_jobs.webhooks.outbox import make_outbox
from suno_jobs.webhooks.sender import WebhookSender


@cache
def webhook_deliverer() -> WebhookDeliverer:
    settings = DeliverWebhookSettings(os.environ)
    sqs, dynamodb = partial(client, "sqs", REQUEST), client("dynamodb", REQUEST)
    return WebhookDeliverer(
        outbox=make_outbox(dynamodb, settings.jobs_table, sqs, settings.webhook_queue_url, time.time),
        sender=WebhookSender(trusted_origins=local_origins.LOCAL_ORIGINS),
        bus=EventBus(events=client("events", REQUEST), name=settings.event_bus_name),
        clock=time.time,
        random=random.random,
    )


@logged
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    states = [webhook_deliverer().deliver_webhook(DeliveryKey(**json.loads(each["body"]))) for each in event["Records"]]
    return {"states": states, "batchItemFailures": []}


prepare(webhook_deliverer)
