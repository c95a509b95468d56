"""Errors of the client API, through the handlers."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from tests.builders import Contended, event, handler, load_app
from tests.world import World


@pytest.mark.parametrize(("name", "status"), [("no_prompt", 422), ("not_json", 400)])
def test_a_bad_request_is_answered_with_a_problem_document(deployed: SimpleNamespace, name: str, status: int) -> None:
    answer = handler("submit_job")(event(f"submit_job/{name}"))
    problem = json.loads(answer["body"])
    assert answer["statusCode"] == problem["status"] == status
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert problem["title"]
    assert problem["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("[" * 30_000, 400),
        ("[" * 33 + "]" * 33, 400),
        ("[" * 32 + "]" * 32, 422),
        ('{"a": NaN}', 400),
        ('"\\ud800"', 400),
        ('{"a": {"b": 1, "c": 2, "b": 1}}', 400),
        ("1" * 5000, 400),
        ("1" * 4000, 422),
        ('{"a": "' + "x" * 70_000 + '"}', 413),
    ],
)
def test_no_body_causes_a_500(deployed: SimpleNamespace, body: str, status: int) -> None:
    answer = handler("submit_job")({**event("submit_job/lyrics"), "body": body})
    assert answer["statusCode"] == status


def test_a_binary_body_is_answered_with_400(deployed: SimpleNamespace) -> None:
    given = {**event("submit_job/lyrics"), "body": "//79", "isBase64Encoded": True}
    assert handler("submit_job")(given)["statusCode"] == 400


def test_an_unknown_route_is_answered_with_a_problem_document(deployed: SimpleNamespace) -> None:
    given = event("read_jobs/job")
    given["requestContext"]["http"]["method"] = "DELETE"
    answer = handler("read_jobs")({**given, "routeKey": "DELETE /v1/jobs/{job_id}"})
    assert answer["statusCode"] == 404
    assert json.loads(answer["body"])["title"] == "No such route"


def test_a_conflict_is_answered_with_409_and_asks_to_repeat_the_request(deployed: SimpleNamespace, world: World) -> None:
    app = load_app("submit_job")
    app.job_submitter().creator.jobs.submissions._client = Contended(world)
    answer = app.lambda_handler(event("submit_job/lyrics"), None)
    assert answer["statusCode"] == 409
    problem = json.loads(answer["body"])
    assert problem["title"] == "The job is being changed"
    assert problem["detail"].endswith("; repeat the request.")
