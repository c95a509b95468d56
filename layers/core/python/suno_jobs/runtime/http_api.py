"""The HTTP side of the client API: reading requests and shaping answers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from suno_jobs.errors import BodyTooLarge, InvalidRequest, NotJson, ScopeMissing
from suno_jobs.runtime.problems import answer_errors_as_problems

MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 32

Handler = TypeVar("Handler", bound=Callable[..., Response[str]])


def resolver() -> APIGatewayHttpResolver:
    """A resolver for the routes of one function, which answers errors as problem documents."""
    app = APIGatewayHttpResolver()
    answer_errors_as_problems(app)
    return app


def get(app: APIGatewayHttpResolver, path: str) -> Callable[[Handler], Handler]:
    """A route for GET and HEAD. API Gateway drops the body of the answer to HEAD, and keeps its length."""
    return app.route(path, method=["GET", "HEAD"])


def is_head(app: APIGatewayHttpResolver) -> bool:
    return app.current_event.http_method == "HEAD"


def answer(status: int, body: Any, headers: Mapping[str, str]) -> Response[str]:
    text = "" if body is None else json.dumps(body)
    return Response(status, "application/json", text, headers={"Cache-Control": "no-store", **headers})


def redirect(url: str) -> Response[str]:
    """A redirect to a URL that expires soon, so the answer must not be cached."""
    return Response(307, "text/plain", "", headers={"Location": url, "Cache-Control": "no-store"})


def page(text: str, content_type: str = "text/html; charset=utf-8") -> Response[str]:
    """A page of documentation, which everyone may read."""
    return Response(200, content_type, text, headers={"Cache-Control": "public, max-age=3600"})


def tenant(app: APIGatewayHttpResolver, scope: str) -> str:
    """The tenant whose API key the authorizer recognised. Raises ScopeMissing if the key is not for such requests.

    The authorizer cannot check the scope: API Gateway keeps its answer for all routes.
    """
    if scope not in scopes(app):
        raise ScopeMissing(f"This request needs a key with the scope {scope}.")
    name: str = _caller(app)["tenant"]
    return name


def scopes(app: APIGatewayHttpResolver) -> frozenset[str]:
    """What the key of the request may be used for."""
    return frozenset(str(_caller(app).get("scopes", "")).split())


def _caller(app: APIGatewayHttpResolver) -> dict[str, Any]:
    found: dict[str, Any] = app.current_event["requestContext"]["authorizer"]["lambda"]
    return found


def json_body(app: APIGatewayHttpResolver) -> Any:
    """Raises BodyTooLarge, and NotJson also for JSON that two programs could read differently (RFC 7493)."""
    try:
        text = app.current_event.decoded_body or ""
        if len(text.encode(errors="replace")) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"A request may have at most {MAX_BODY_BYTES} bytes.")
        body = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
        _check_depth(body)
        # Raises ValueError for half of a surrogate pair, which is no character.
        json.dumps(body, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise NotJson(f"The body is not JSON from line {error.lineno}, column {error.colno} on.") from error
    except (ValueError, RecursionError) as error:
        raise NotJson(
            "Send JSON in UTF-8, without NaN, numbers of thousands of digits, unpaired surrogates or more than"
            f" {MAX_DEPTH} levels."
        ) from error
    return body


def optional_json_body(app: APIGatewayHttpResolver) -> Any:
    """The body, or an empty object if there is none. Raises BodyTooLarge, NotJson."""
    return json_body(app) if app.current_event.body else {}


def flag(app: APIGatewayHttpResolver, name: str) -> bool:
    """A query parameter that is ``true`` or ``false``; false if it is absent. Raises InvalidRequest for another value."""
    value = (app.current_event.query_string_parameters or {}).get(name, "false")
    if value not in ("true", "false"):
        raise InvalidRequest([{"parameter": name, "detail": "must be true or false"}])
    return value == "true"


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(members)) < len(members):
        [(name, _)] = Counter(name for name, _ in members).most_common(1)
        raise NotJson(f"An object of the body has the name {json.dumps(name)} twice.")
    return found


def _check_depth(body: Any) -> None:
    level = [body]
    for _ in range(MAX_DEPTH):
        members = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [member for each in members for member in each]
    if level:
        raise ValueError("the body is nested too deeply")
