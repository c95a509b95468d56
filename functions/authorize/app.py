"""Lambda authorizer of the client API: a bearer key becomes a tenant."""

import os
from functools import cache
from typing import Any

import boto3

from suno_jobs.authorization import find_tenant
from suno_jobs.aws import CONFIG
from suno_jobs.settings import AuthorizeSettings


@cache
def dependencies() -> tuple[Any, str]:
    return boto3.client("dynamodb", config=CONFIG), AuthorizeSettings.load(os.environ).api_keys_table


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    tenant = find_tenant(*dependencies(), event.get("headers", {}).get("authorization", ""))
    return {"isAuthorized": tenant is not None, "context": {"tenant": tenant or ""}}
