"""The routes below a webhook: its deliveries, their repetition, and a test event."""

import os
import time
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.event_handler import Response

from suno_jobs.runtime import http_api
from suno_jobs.runtime.aws import REQUEST, client, prepare
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.settings import ManageDeliveriesSettings
from suno_jobs.steps.manage_deliveries import DeliveryManager
from suno_jobs.tenants.api_keys import Scope
from suno_jobs.webhooks.outbox import make_outbox

app = http_api.resolver()
tenant = partial(http_api.tenant, app, Scope.MANAGE_WEBHOOKS)


@cache
def delivery_manager() -> DeliveryManager:
    settings = ManageDeliveriesSettings(os.environ)
    sqs, dynamodb = partial(client, "sqs", REQUEST), client("dynamodb", REQUEST)
    outbox = make_outbox(dynamodb, settings.jobs_table, sqs, settings.webhook_queue_url, time.time)
    return DeliveryManager(outbox=outbox, clock=time.time, random_bytes=os.urandom)


@http_api.get(app, "/v1/webhooks/<webhook_id>/deliveries")
def list_deliveries(webhook_id: str) -> Response[str]:
    query = app.current_event.get("rawQueryString") or ""
    return http_api.answer(200, *delivery_manager().list_deliveries(tenant(), webhook_id, query))


@app.post("/v1/webhooks/<webhook_id>/deliveries/<delivery_id>/retry")
def retry_delivery(webhook_id: str, delivery_id: str) -> Response[str]:
    return http_api.answer(202, delivery_manager().retry_delivery(tenant(), webhook_id, delivery_id), {})


@app.post("/v1/webhooks/<webhook_id>/replay")
def replay(webhook_id: str) -> Response[str]:
    return http_api.answer(202, delivery_manager().replay(tenant(), webhook_id, http_api.json_body(app)), {})


@app.post("/v1/webhooks/<webhook_id>/test")
def send_test(webhook_id: str) -> Response[str]:
    return http_api.answer(202, delivery_manager().send_test(tenant(), webhook_id), {})


@logged
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)


prepare(delivery_manager)
