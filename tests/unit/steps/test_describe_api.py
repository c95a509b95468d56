from __future__ import annotations

import json
from typing import Any

import pytest

from suno_jobs.errors import PROBLEMS, InvalidRequest
from suno_jobs.runtime.problem_pages import html_page
from suno_jobs.runtime.routes import METHODS
from tests.builders import event, handler
from tests.world import ROOT


def answer(method: str, path: str) -> dict[str, Any]:
    given = event("describe_api/wrong_method")
    given["rawPath"] = given["requestContext"]["http"]["path"] = path
    given["requestContext"]["http"]["method"] = method
    found: dict[str, Any] = handler("describe_api")(given)
    return found


def test_a_problem_has_a_page_without_a_key() -> None:
    found = handler("describe_api")(event("describe_api/problem"))
    assert (found["statusCode"], found["body"]) == (200, html_page(InvalidRequest))
    assert found["headers"]["Content-Type"] == "text/html; charset=utf-8"


def test_the_openapi_document_is_served_without_a_key() -> None:
    found = handler("describe_api")(event("describe_api/openapi"))
    assert json.loads(found["body"]) == json.loads((ROOT / "docs/openapi.json").read_text())
    assert found["headers"]["Content-Type"] == "application/json"


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda each: each.name)
def test_the_type_of_every_problem_leads_to_its_page(problem: Any) -> None:
    assert answer("HEAD", problem.type_uri())["statusCode"] == 200


def test_a_wrong_method_is_answered_with_those_that_the_path_has() -> None:
    found = handler("describe_api")(event("describe_api/wrong_method"))
    assert (found["statusCode"], found["headers"]["Allow"]) == (405, ", ".join(METHODS["/v1/jobs/{job_id}"]))
    assert json.loads(found["body"])["type"] == "/v1/problems/method-not-allowed"


@pytest.mark.parametrize("path", METHODS)
def test_every_path_has_its_methods(path: str) -> None:
    found = answer("TRACE", path.replace("{", "").replace("}", ""))
    assert (found["statusCode"], found["headers"]["Allow"]) == (405, ", ".join(METHODS[path]))


@pytest.mark.parametrize("path", ["/v1/problems/\N{MUSICAL SYMBOL G CLEF}", "/v1/problems/a?b"])
def test_a_name_of_characters_that_no_problem_has_is_not_found(path: str) -> None:
    assert answer("GET", path)["statusCode"] == 404
    assert answer("POST", path)["statusCode"] == 405


def test_options_lists_the_methods() -> None:
    found = answer("OPTIONS", "/v1/jobs")
    assert (found["statusCode"], found["headers"]["Allow"]) == (204, "GET, HEAD, OPTIONS, POST")


@pytest.mark.parametrize("path", ["/", "/v1/nothing", "/v1/jobs/", "/v1/jobs/a/", "//v1/jobs", "/v1/jobs/a/b"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_an_unknown_path_is_not_found(method: str, path: str) -> None:
    found = answer(method, path)
    assert found["statusCode"] == 404
    assert json.loads(found["body"])["type"] == "/v1/problems/route-not-found"


def test_an_unknown_problem_is_not_found() -> None:
    found = answer("GET", "/v1/problems/unknown")
    assert json.loads(found["body"])["detail"] == "There is no problem with this name."
