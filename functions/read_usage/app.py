"""GET /v1/usage: what a tenant has used, and its limits."""

import os
import time
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import Response

from suno_jobs.runtime import http_api
from suno_jobs.runtime.aws import REQUEST, client, prepare
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.settings import ReadUsageSettings
from suno_jobs.steps.read_usage import UsageReader
from suno_jobs.storage.usage import UsageStore
from suno_jobs.tenants.api_keys import Scope
from suno_jobs.tenants.tenant_list import TenantCache, TenantList

app = http_api.resolver()


@cache
def usage_reader() -> UsageReader:
    dynamodb, table = client("dynamodb", REQUEST), ReadUsageSettings(os.environ).jobs_table
    return UsageReader(TenantCache(TenantList(dynamodb, table), time.monotonic), UsageStore(dynamodb, table), time.time)


@http_api.get(app, "/v1/usage")
def read_usage() -> Response[str]:
    month = (app.current_event.query_string_parameters or {}).get("month")
    return http_api.answer(200, usage_reader().read_usage(http_api.tenant(app, Scope.READ_JOBS), month), {})


@logged
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)


prepare(usage_reader)
