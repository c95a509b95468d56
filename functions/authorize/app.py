"""Lambda authorizer of the client API: finds the tenant of an API key."""

import os
from functools import cache
from typing import Any

from suno_jobs.runtime.aws import AUTHORIZER, client, prepare
from suno_jobs.runtime.settings import AuthorizeSettings
from suno_jobs.steps.authorize import find_caller


@cache
def dependencies() -> tuple[Any, str]:
    return client("dynamodb", AUTHORIZER), AuthorizeSettings(os.environ).api_keys_table


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    caller = find_caller(*dependencies(), event.get("headers", {}).get("authorization", ""))
    if caller is None:
        return {"isAuthorized": False, "context": {"tenant": ""}}
    return {"isAuthorized": True, "context": {"tenant": caller.tenant, "operator": caller.operator}}


prepare(dependencies)
