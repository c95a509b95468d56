"""Lambda authorizer of the client API: finds the tenant of an API key."""

import os
from functools import cache
from typing import Any

import boto3

from suno_jobs.runtime.aws import CONFIG
from suno_jobs.runtime.settings import AuthorizeSettings
from suno_jobs.steps.authorize import find_tenant


@cache
def dependencies() -> tuple[Any, str]:
    return boto3.client("dynamodb", config=CONFIG), AuthorizeSettings(os.environ).api_keys_table


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    tenant = find_tenant(*dependencies(), event.get("headers", {}).get("authorization", ""))
    return {"isAuthorized": tenant is not None, "context": {"tenant": tenant or ""}}
