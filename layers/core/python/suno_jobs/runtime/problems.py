"""Errors as the client sees them: problem documents (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from suno_jobs.errors import ClientError, Conflict, JobBeingChanged, MethodNotAllowed, QuotaExceeded, RouteNotFound
from suno_jobs.runtime.contention import Contended


def answer_errors_as_problems(app: APIGatewayHttpResolver) -> None:
    """A ClientError, a Conflict, a Contended and an unknown route become problem documents. Every other error stays a 500."""
    app.exception_handler(ClientError)(problem)
    app.exception_handler(Conflict)(_conflict)
    app.exception_handler(Contended)(_contended)
    app.not_found(_no_route)


def problem(error: ClientError) -> Response[str]:
    return Response(error.status, "application/problem+json", json.dumps(error.document()), headers=_headers(error))


def _headers(error: ClientError) -> Mapping[str, str]:
    match error:
        case MethodNotAllowed():
            return {"Allow": ", ".join(error.allowed)}
        case QuotaExceeded():
            return error.headers
    return {}


def _conflict(error: Conflict) -> Response[str]:
    return problem(JobBeingChanged(f"{error}; repeat the request."))


def _contended(_: Contended) -> Response[str]:
    return problem(JobBeingChanged("Other requests of your tenant are changing the same items; repeat the request."))


def _no_route(_: Exception) -> Response[str]:
    return problem(RouteNotFound("The API has no such route. Check the method and the path."))
