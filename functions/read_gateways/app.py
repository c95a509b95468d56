"""GET /v1/gateways: what each gateway can do, its recent health, and the balances that concern the caller."""

import os
import time
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import Response

from suno_jobs.runtime import http_api
from suno_jobs.runtime.aws import REQUEST, client, prepare
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.settings import ReadGatewaysSettings
from suno_jobs.steps.read_gateways import read_gateways
from suno_jobs.tenants.api_keys import Scope
from suno_jobs.traffic.balances import Balances
from suno_jobs.traffic.health import Health

app = http_api.resolver()


@cache
def dependencies() -> tuple[Health, Balances]:
    dynamodb, table = client("dynamodb", REQUEST), ReadGatewaysSettings(os.environ).jobs_table
    return Health(dynamodb, table, time.time), Balances(dynamodb, table)


@http_api.get(app, "/v1/gateways")
def get_gateways() -> Response[str]:
    tenant, operator = http_api.tenant(app, Scope.READ_JOBS), Scope.OPERATE in http_api.scopes(app)
    return http_api.answer(200, read_gateways(*dependencies(), tenant, operator=operator), {})


@logged
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)


prepare(dependencies)
