"""GET and POST /v1/keys, POST /v1/keys/{key_id}/rotate, DELETE /v1/keys/{key_id}: the API keys of the tenant itself."""

import os
import time
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import Response

from suno_jobs.runtime import http_api
from suno_jobs.runtime.aws import REQUEST, client, prepare
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.settings import ManageKeysSettings
from suno_jobs.steps.manage_keys import KeyManager
from suno_jobs.tenants.api_keys import Scope
from suno_jobs.tenants.key_ring import KeyRing
from suno_jobs.tenants.key_table import KeyTable

app = http_api.resolver()


@cache
def key_manager() -> KeyManager:
    table = KeyTable(client("dynamodb", REQUEST), ManageKeysSettings(os.environ).api_keys_table)
    return KeyManager(KeyRing(table=table, clock=time.time, random_bytes=os.urandom))


@http_api.get(app, "/v1/keys")
def list_keys() -> Response[str]:
    return http_api.answer(200, key_manager().list_keys(http_api.tenant(app, Scope.MANAGE_KEYS)), {})


@app.post("/v1/keys")
def create_key() -> Response[str]:
    tenant = http_api.tenant(app, Scope.MANAGE_KEYS)
    return http_api.answer(201, key_manager().create_key(tenant, http_api.scopes(app), http_api.optional_json_body(app)), {})


@app.post("/v1/keys/<key_id>/rotate")
def rotate_key(key_id: str) -> Response[str]:
    tenant, body = http_api.tenant(app, Scope.MANAGE_KEYS), http_api.optional_json_body(app)
    return http_api.answer(201, key_manager().rotate_key(tenant, http_api.scopes(app), key_id, body), {})


@app.delete("/v1/keys/<key_id>")
def revoke_key(key_id: str) -> Response[str]:
    key_manager().revoke_key(http_api.tenant(app, Scope.MANAGE_KEYS), key_id)
    return http_api.answer(204, None, {})


@logged
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)


prepare(key_manager)
