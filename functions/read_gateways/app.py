"""GET /v1/gateways: what each gateway can do, and its recent health."""

import os
import time
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import Response

from suno_jobs.runtime import http_api
from suno_jobs.runtime.aws import REQUEST, client, prepare
from suno_jobs.runtime.settings import ReadGatewaysSettings
from suno_jobs.steps.read_gateways import read_gateways
from suno_jobs.traffic.health import Health

app = http_api.resolver()


@cache
def health() -> Health:
    return Health(client("dynamodb", REQUEST), ReadGatewaysSettings(os.environ).jobs_table, time.time)


@http_api.get(app, "/v1/gateways")
def get_gateways() -> Response[str]:
    return http_api.answer(200, read_gateways(health(), http_api.tenant(app)), {})


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)


prepare(health)
