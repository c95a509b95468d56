"""docs/openapi.json is what the code says, and a valid document. Its examples are valid requests and answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from local.source import read_template
from openapi import examples
from openapi.document import FILE, document, text
from openapi.operations import OPERATIONS
from openapi.schemas import closed, references
from suno_jobs.catalog.inputs import INPUTS
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import PROBLEMS, MethodNotAllowed
from suno_jobs.gateways.registry import GATEWAYS, gateways_offering
from suno_jobs.intake.requests import JobRequest
from tests.documented import Undocumented, check_answer
from tests.unit.project.test_template import QUEUE_ROUTES, cors

ROOT = Path(__file__).parents[3]
TEMPLATE: dict[str, Any] = read_template(ROOT)
DOCUMENT = document()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
JOB = "/v1/jobs/job_0123456789abcdefghijklmnop"
JSON = {"Content-Type": "application/json"}
PROBLEM = {"Content-Type": "application/problem+json"}


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(closed({**schema, "components": DOCUMENT["components"]}))


def test_the_file_is_what_the_code_says() -> None:
    assert FILE.read_text("utf-8") == text(), "run make docs"


def test_the_document_is_valid() -> None:
    validate(DOCUMENT)


def test_every_route_is_documented() -> None:
    """HEAD has the routes of GET, $default has none of its own, and the console is no part of the API."""
    events = [event for each in TEMPLATE["Resources"].values() for event in each["Properties"].get("Events", {}).values()]
    routes = {(e["Properties"]["Method"], e["Properties"]["Path"]) for e in events if e["Type"] == "HttpApi"} | QUEUE_ROUTES
    documented = {(each.method, each.path) for each in OPERATIONS}
    assert {route for route in routes if route[0] != "HEAD" and route[1].startswith("/v1/")} == documented


def test_a_page_in_a_browser_may_read_every_documented_header() -> None:
    operations = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]
    answers = [answer for operation in operations for answer in operation["responses"].values()]
    documented = {name.lower() for answer in answers for name in answer.get("headers", {})}
    api = cors(CorsOrigins="*")
    # Every page may read Cache-Control.
    assert documented - {"cache-control"} <= set(api["exposeHeaders"])


def test_a_route_needs_a_key_where_the_template_says_so() -> None:
    events = [event for each in TEMPLATE["Resources"].values() for event in each["Properties"].get("Events", {}).values()]
    routes = [event["Properties"] for event in events if event["Type"] == "HttpApi"]
    without_key = {(each["Method"], each["Path"]) for each in routes if "Auth" in each} | QUEUE_ROUTES
    assert all(((each.method, each.path) in without_key) != bool(each.scope) for each in OPERATIONS)


def test_every_schema_is_used_and_every_name_is_known() -> None:
    used = {*references(DOCUMENT["paths"]), *(name for schema in SCHEMAS.values() for name in references(schema))}
    assert used == set(SCHEMAS) - {"MethodNotAllowedProblem"}


def test_every_problem_is_an_answer() -> None:
    answered = {problem for each in OPERATIONS for problem in each.every_problem}
    assert answered == set(PROBLEMS) - {MethodNotAllowed}


def test_every_kind_has_its_request() -> None:
    mapping = SCHEMAS["JobRequest"]["discriminator"]["mapping"]
    assert set(mapping) == set(Kind)
    for kind, reference in mapping.items():
        request = SCHEMAS[reference.rpartition("/")[2]]
        assert request["properties"]["kind"]["const"] == kind
        job_input = SCHEMAS[request["properties"]["input"]["$ref"].rpartition("/")[2]]
        assert set(job_input["properties"]) == set(INPUTS[Kind(kind)].model_fields)


@pytest.mark.parametrize("kind", Kind)
def test_the_example_of_a_kind_is_a_valid_request(kind: Kind) -> None:
    example = examples.requests()[kind]
    validator(SCHEMAS["JobRequest"]).validate(example)
    request = JobRequest.parse(example)
    assert any(not GATEWAYS[name].check(kind, request.input) for name in gateways_offering(kind))


def test_the_examples_of_answers_are_valid() -> None:
    for operations in DOCUMENT["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                for content in response.get("content", {}).values():
                    if "example" in content:
                        validator(content["schema"]).validate(content["example"])


@pytest.mark.parametrize(
    ("method", "path", "status", "headers", "body"),
    [
        ("GET", JOB, 418, JSON, "{}"),
        ("GET", JOB, 200, JSON, '{"job_id": "x"}'),
        ("GET", JOB, 200, PROBLEM, "{}"),
        ("GET", JOB, 404, PROBLEM, '{"type": "about:blank", "title": "", "status": 404, "detail": ""}'),
        ("GET", f"{JOB}/events", 200, JSON, json.dumps({"job_id": "x", "events": [], "more": 1})),
        ("GET", "/v1/unknown", 200, JSON, "{}"),
        ("POST", f"{JOB}/cancel", 200, JSON, ""),
    ],
)
def test_an_answer_that_is_not_documented_is_noticed(method: str, path: str, status: int, headers: Any, body: str) -> None:
    with pytest.raises(Undocumented if body else ValueError):
        check_answer(method, path, status, headers, body)


def test_a_documented_answer_is_accepted() -> None:
    shown = DOCUMENT["paths"]["/v1/jobs/{job_id}"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    check_answer("GET", JOB, 200, JSON, json.dumps(shown))
    check_answer("HEAD", JOB, 200, JSON, "")
    check_answer("GET", JOB, 304, {}, "")
    check_answer("GET", "/v1/unknown", 404, JSON, '{"message": "Not Found"}')
