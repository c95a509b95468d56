"""The routes of /v1/webhooks: a tenant manages the endpoints that get its events, and their secrets."""

import os
import time
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.event_handler import Response

from suno_jobs.runtime import http_api
from suno_jobs.runtime.aws import REQUEST, client, prepare
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.settings import ManageWebhooksSettings
from suno_jobs.steps.manage_webhooks import WebhookManager
from suno_jobs.tenants.api_keys import Scope
from suno_jobs.webhooks.endpoint_table import EndpointTable

app = http_api.resolver()
tenant = partial(http_api.tenant, app, Scope.MANAGE_WEBHOOKS)


@cache
def webhook_manager() -> WebhookManager:
    table = EndpointTable(client("dynamodb", REQUEST), ManageWebhooksSettings(os.environ).jobs_table)
    return WebhookManager(table=table, clock=time.time, random_bytes=os.urandom)


@http_api.get(app, "/v1/webhooks")
def list_webhooks() -> Response[str]:
    return http_api.answer(200, webhook_manager().list_webhooks(tenant()), {})


@app.post("/v1/webhooks")
def create_webhook() -> Response[str]:
    return http_api.answer(201, webhook_manager().create_webhook(tenant(), http_api.json_body(app)), {})


@http_api.get(app, "/v1/webhooks/<webhook_id>")
def read_webhook(webhook_id: str) -> Response[str]:
    return http_api.answer(200, webhook_manager().read_webhook(tenant(), webhook_id), {})


@app.patch("/v1/webhooks/<webhook_id>")
def change_webhook(webhook_id: str) -> Response[str]:
    return http_api.answer(200, webhook_manager().change_webhook(tenant(), webhook_id, http_api.json_body(app)), {})


@app.delete("/v1/webhooks/<webhook_id>")
def delete_webhook(webhook_id: str) -> Response[str]:
    webhook_manager().delete_webhook(tenant(), webhook_id)
    return http_api.answer(204, None, {})


@app.post("/v1/webhooks/<webhook_id>/rotate")
def rotate_secret(webhook_id: str) -> Response[str]:
    return http_api.answer(201, webhook_manager().rotate_secret(tenant(), webhook_id, http_api.optional_json_body(app)), {})


@logged
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)


prepare(webhook_manager)
