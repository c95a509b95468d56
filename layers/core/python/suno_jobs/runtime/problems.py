"""Errors as the client sees them: problem documents (RFC 9457)."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from suno_jobs.errors import ClientError, Conflict


class BodyTooLarge(ClientError):
    status = 413
    title = "The request is too large"


class NotJson(ClientError):
    status = 400
    title = "The body is not JSON"


def answer_errors_as_problems(app: APIGatewayHttpResolver) -> None:
    """A ClientError, a Conflict and an unknown route become problem documents. Every other error stays a 500."""
    app.exception_handler(ClientError)(_client_error)
    app.exception_handler(Conflict)(_conflict)
    app.not_found(_no_route)


def problem(status: int, title: str, detail: str, **members: Any) -> Response[str]:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    return Response(status, "application/problem+json", json.dumps(body))


def _client_error(error: ClientError) -> Response[str]:
    return problem(error.status, error.title, error.detail, **error.members)


def _conflict(error: Conflict) -> Response[str]:
    return problem(409, "The job is being changed", f"{error}; repeat the request.")


def _no_route(_: Exception) -> Response[str]:
    return problem(404, "No such route", "The API has no such route. Check the method and the path.")
