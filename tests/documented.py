"""Holds answers of the API to docs/openapi.json: the status is documented, and the body has just the members of its schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from openapi.document import document
from openapi.schemas import closed

Json = dict[str, Any]

NOT_DOCUMENTED = {404, 405}
"""What a request without a route gets."""

CONSOLE = re.compile(r"/console(/[^/]+)?")
"""Pages for people, which use the API and are no part of it."""


class Undocumented(AssertionError):
    """An answer is not as the document says."""


def check_answer(method: str, path: str, status: int, headers: Mapping[str, str], body: str) -> None:
    """Raises Undocumented."""
    if CONSOLE.fullmatch(path):
        return
    operation = _operation("GET" if method == "HEAD" else method, path)
    place = f"{method} {path}: {status}"
    if operation is None:
        if status not in NOT_DOCUMENTED and method != "OPTIONS":
            raise Undocumented(f"{place}: the route is not documented")
        return
    response = operation["responses"].get(str(status))
    if response is None:
        raise Undocumented(f"{place} is not documented: {body[:500]}")
    content = response.get("content", {})
    kind = {name.lower(): value for name, value in headers.items()}.get("content-type", "").partition(";")[0]
    if method == "HEAD" or (not content and not body):
        return
    if kind not in content:
        raise Undocumented(f"{place}: {kind} is not documented, but {list(content)}: {body[:500]}")
    if kind.endswith("json"):
        _check_body(place, content[kind]["schema"], json.loads(body))


def _check_body(place: str, schema: Json, body: Any) -> None:
    wrong = [f"{each.json_path}: {each.message[:300]}" for each in _validator(json.dumps(schema)).iter_errors(body)]
    if wrong:
        raise Undocumented("\n".join([place, *wrong]))


@cache
def _validator(schema: str) -> Validator:
    return Draft202012Validator({**closed(json.loads(schema)), "components": _components()})


@cache
def _components() -> Json:
    components: Json = closed(_document()["components"])
    return components


@cache
def _document() -> Json:
    """Making it takes a second."""
    return document()


@cache
def _routes() -> list[tuple[re.Pattern[str], Json]]:
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), found) for path, found in _document()["paths"].items()]


def _operation(method: str, path: str) -> Json | None:
    found = next((operations for pattern, operations in _routes() if pattern.fullmatch(path)), {})
    operation: Json | None = found.get(method.lower())
    return operation
