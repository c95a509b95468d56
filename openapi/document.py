"""The whole document, assembled."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from openapi import examples
from openapi.operations import HEADERS, MODELS, OPERATIONS, Answer, Operation
from openapi.problems import MEMBERS, ApiGatewayAnswer, problem_name, problem_schemas
from openapi.schemas import Json, all_schemas, name_of, reference
from suno_jobs.errors import ClientError, QuotaExceeded

_ROOT = Path(__file__).parents[1]
_PROBLEM_JSON = "application/problem+json"
_BY_API_GATEWAY = {
    401: "The header `Authorization` is missing. From API Gateway.",
    403: "The API key is unknown, revoked or has expired. From API Gateway.",
    429: "All clients together made too many requests. From API Gateway.",
    500: "The service failed. Repeat the request, with the same `Idempotency-Key` if it creates a job. From API Gateway.",
    503: "The service is overloaded. Repeat the request. From API Gateway.",
}


_OF_QUOTA = {
    "Retry-After": "Seconds until the request can succeed.",
    "RateLimit": "What is left of the limits that were reached, and the seconds until they begin again.",
    "RateLimit-Policy": "The limits of the tenant.",
}
"""Headers of the answer to a request that a limit of the tenant refused. API Gateway's own has none of them."""


def document() -> Json:
    return {
        "openapi": "3.1.0",
        "info": _info(),
        "servers": [{"url": "/"}],
        "security": [{"ApiKey": []}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "ApiKey": {"type": "http", "scheme": "bearer", "description": "A key belongs to one tenant."},
            },
        },
    }


FILE = _ROOT / "docs/openapi.json"
"""The document. The function that serves it has a link to this file."""


def text() -> str:
    """What FILE must contain."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _schemas() -> Json:
    found = all_schemas([*MODELS, ApiGatewayAnswer, *MEMBERS.values()])
    members = {each.__name__: found.pop(each.__name__) for each in MEMBERS.values()}
    return dict(sorted((found | problem_schemas(members)).items()))


def _info() -> Json:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {
        "title": project["name"],
        "version": project["version"],
        "summary": project["description"],
        "description": "Create a job with `POST /v1/jobs`, and read it until it has ended. `HEAD` is answered where `GET` is,"
        " and `OPTIONS` everywhere. docs/api.md explains every route.",
        "license": {"name": project["license"], "identifier": project["license"]},
    }


def _paths() -> Json:
    paths: Json = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return paths


def _operation(each: Operation) -> Json:
    described: Json = {
        "operationId": each.name,
        "tags": [each.tag],
        "summary": each.summary,
        "parameters": list(each.parameters),
        "responses": _responses(each),
    }
    if each.body is not None:
        described["requestBody"] = _body(each.body)
    if each.scope:
        described["description"] = f"Needs a key with the scope `{each.scope}`."
    else:
        described["security"] = []
    return described


def _body(body: Json) -> Json:
    content: Json = {"schema": body["schema"]}
    if reference("JobRequest") in body["schema"].get("oneOf", ()):
        content["examples"] = {name: {"value": example} for name, example in examples.requests().items()}
    return {"required": body["required"], "content": {"application/json": content}}


def _responses(each: Operation) -> Json:
    found: dict[int, Json] = {
        status: {"description": text, "content": {"application/json": {"schema": reference("ApiGateway")}}}
        for status, text in _BY_API_GATEWAY.items()
        if each.scope or status not in (401, 403)
    }
    for status in {problem.status for problem in each.every_problem}:
        found[status] = _together(found.get(status), _problems(status, each.every_problem))
    if QuotaExceeded in each.problems:
        named = {name: {"description": text, "schema": {"type": "string"}} for name, text in _OF_QUOTA.items()}
        found[QuotaExceeded.status]["headers"] = named
    found |= {answer.status: _answer(answer) for answer in each.answers}
    return {str(status): response for status, response in sorted(found.items())}


def _together(first: Json | None, second: Json) -> Json:
    """Two answers with the same status and different types of content."""
    if first is None:
        return second
    return {
        "description": f"{first['description']} {second['description']}",
        "content": first["content"] | second["content"],
    }


def _answer(answer: Answer) -> Json:
    described: Json = {"description": answer.description}
    if answer.headers:
        described["headers"] = {
            ("Location" if name == "Presigned" else name): {"description": HEADERS[name][0], "schema": HEADERS[name][1]}
            for name in answer.headers
        }
    if answer.models:
        content: Json = {"schema": _either([reference(name_of(model)) for model in answer.models])}
        if (example := examples.answers().get(answer.models[0])) is not None:
            content["example"] = example
        described["content"] = {"application/json": content}
    if answer.page:
        described["content"] = {answer.page[0]: {"schema": answer.page[1]}}
    return described


def _problems(status: int, problems: tuple[type[ClientError], ...]) -> Json:
    possible = [each for each in problems if each.status == status]
    names = [problem_name(each) for each in possible]
    schema = _either([reference(name) for name in names])
    if len(names) > 1:
        mapping = {each.type_uri(): reference(name)["$ref"] for each, name in zip(possible, names, strict=True)}
        schema |= {"discriminator": {"propertyName": "type", "mapping": mapping}}
    text = " ".join(f"{each.title}." for each in possible)
    return {"description": text, "content": {_PROBLEM_JSON: {"schema": schema}}}


def _either(schemas: list[Any]) -> Json:
    only: Json = schemas[0]
    return only if len(schemas) == 1 else {"oneOf": schemas}
