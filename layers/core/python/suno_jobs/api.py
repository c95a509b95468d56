"""The HTTP side of the client API: reading requests, and every error as a problem (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from suno_jobs.errors import ClientError, Conflict

MAX_BODY_BYTES = 64 * 1024
PROBLEM = "application/problem+json"
ROUTES = (
    "POST /v1/jobs",
    "GET /v1/jobs/{job_id}",
    "POST /v1/jobs/{job_id}/cancel",
    "POST /v1/jobs/{job_id}/retry",
    "GET /v1/jobs/{job_id}/events",
    "GET /v1/jobs/{job_id}/manifest",
    "GET /v1/jobs/{job_id}/tracks/{track_id}/{kind}",
    "GET /v1/gateways",
)
"""What a client may call; gateways have a route of their own."""


class BodyTooLarge(ClientError):
    status = 413
    title = "The request is too large"


class NotJson(ClientError):
    status = 400
    title = "The body is not JSON"


def resolver() -> APIGatewayHttpResolver:
    """A resolver that answers this package's errors as problems and lets every other error be a 500."""
    app = APIGatewayHttpResolver()
    app.exception_handler(ClientError)(_client_error)
    app.exception_handler(Conflict)(_conflict)
    app.not_found(_no_route)
    return app


def _client_error(error: ClientError) -> Response[str]:
    return problem(error.status, error.title, error.detail, **error.members)


def _conflict(error: Conflict) -> Response[str]:
    return problem(409, "The job is being changed", f"{error}; repeat the request.")


def _no_route(_: Exception) -> Response[str]:
    return problem(404, "No such route", f"The API has {', '.join(ROUTES[:-1])} and {ROUTES[-1]}.")


def problem(status: int, title: str, detail: str, **members: Any) -> Response[str]:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    return Response(status, PROBLEM, json.dumps(body))


def answer(status: int, body: Any, headers: Mapping[str, str]) -> Response[str]:
    text = "" if body is None else json.dumps(body)
    return Response(status, "application/json", text, headers={"Cache-Control": "no-store", **headers})


def redirect(url: str) -> Response[str]:
    """To a link that ends soon, so that nobody may keep the answer."""
    return Response(307, "text/plain", "", headers={"Location": url, "Cache-Control": "no-store"})


def tenant(app: APIGatewayHttpResolver) -> str:
    """The tenant whose API key the authorizer recognised."""
    name: str = app.current_event["requestContext"]["authorizer"]["lambda"]["tenant"]
    return name


def json_body(app: APIGatewayHttpResolver) -> Any:
    """Raises BodyTooLarge, NotJson."""
    try:
        text = app.current_event.decoded_body or ""
        if len(text.encode(errors="replace")) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"A request may have {MAX_BODY_BYTES} bytes.")
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise NotJson(f"Send a JSON object: {error}.") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
