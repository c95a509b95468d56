"""Lambda authorizer of the client API: finds the tenant of an API key and the scopes of that key."""

import os
import time
from functools import cache, partial
from typing import Any

from suno_jobs.runtime.aws import AUTHORIZER, NOTE, client, prepare
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.settings import AuthorizeSettings
from suno_jobs.steps.authorize import KeyFinder
from suno_jobs.tenants.key_table import KeyTable


@cache
def key_finder() -> KeyFinder:
    table = AuthorizeSettings(os.environ).api_keys_table
    keys = KeyTable(client("dynamodb", AUTHORIZER), table)
    return KeyFinder(keys=keys, notes=partial(notes_table, table), clock=time.time)


def notes_table(table: str) -> KeyTable:
    return KeyTable(client("dynamodb", NOTE), table)


@logged
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    key = key_finder().find_key(event.get("headers", {}).get("authorization", ""))
    if key is None:
        return {"isAuthorized": False, "context": {"tenant": ""}}
    return {"isAuthorized": True, "context": {"tenant": key.tenant, "scopes": " ".join(key.scopes), "key_id": key.key_id}}


prepare(key_finder)
