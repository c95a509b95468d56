"""GET /console and its files: a page that uses the API with a key. The routes need no key, the function no permission."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import Response

from suno_jobs.runtime import http_api
from suno_jobs.runtime.aws import prepare
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.settings import ServeConsoleSettings
from suno_jobs.steps.serve_console import Console, File

app = http_api.resolver()


@cache
def dependencies() -> Console:
    return Console(Path(__file__).with_name("page"), ServeConsoleSettings(os.environ).assets_origins)


@http_api.get(app, "/console")
def read_page() -> Response[str]:
    return answer(*dependencies().page(app.current_event.headers.get("if-none-match")))


@http_api.get(app, "/console/<file>")
def read_file(file: str) -> Response[str]:
    return answer(*dependencies().module(file, app.current_event.headers.get("if-none-match")))


def answer(status: int, file: File, headers: Mapping[str, str]) -> Response[str]:
    return Response(status, file.media_type, file.text if status == 200 else "", headers=dict(headers))


@logged
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)


prepare(dependencies)
