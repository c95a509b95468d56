"""Documentation of the API, and every request that has no other route: the wrong method (405) or the wrong path (404)."""

from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import Response

from suno_jobs.runtime import http_api
from suno_jobs.runtime.log_context import logged
from suno_jobs.steps.describe_api import methods_of, problem_page

app = http_api.resolver()
OPENAPI = Path(__file__).with_name("openapi.json")


@http_api.get(app, "/v1/openapi.json")
def read_openapi() -> Response[str]:
    return http_api.page(OPENAPI.read_text("utf-8"), "application/json")


@http_api.get(app, "/v1/problems/<name>")
def read_problem(name: str) -> Response[str]:
    return http_api.page(problem_page(name))


@app.not_found
def answer_other_requests(_: Exception) -> Response[str]:
    methods = methods_of(app.current_event.http_method, app.current_event.path)
    return Response(204, headers={"Allow": ", ".join(methods)})


@logged
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)
