"""HTTP as RFC 9110 describes it, over the emulated API Gateway and S3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.stack import LocalStack
from tests.integration.waiting import wait_for_end

Json = dict[str, Any]

SONG: Json = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "rain"}}
PAGE = {"Origin": "https://app.example"}


@pytest.fixture(scope="module")
def song(stack: LocalStack) -> Json:
    """A finished song of the tenant ``http``."""
    headers = {"Authorization": f"Bearer {stack.create_api_key('http')}"}
    with httpx.Client(base_url=stack.api_url, headers=headers, timeout=40, trust_env=False) as api:
        job: Json = wait_for_end(api, api.post("/v1/jobs", json=SONG).json()["job_id"], stack.logs)
    assert job["state"] == "SUCCEEDED"
    return job


@pytest.fixture
def owner(as_tenant: Callable[[str], httpx.Client], song: Json) -> httpx.Client:
    return as_tenant("http")


def paths(job: Json) -> list[str]:
    path = f"/v1/jobs/{job['job_id']}"
    asset = f"{path}/tracks/{job['tracks'][0]['track_id']}/audio"
    return ["/v1/jobs", path, f"{path}/events", f"{path}/manifest", asset, "/v1/gateways", "/v1/problems/not-json"]


def test_head_is_get_without_the_body(owner: httpx.Client, song: Json) -> None:
    for path in paths(song):
        get, head = owner.get(path), owner.head(path)
        assert (head.status_code, head.content) == (get.status_code, b""), path
        assert head.headers.keys() == get.headers.keys(), path
        if not get.is_redirect:
            # The signature of a presigned URL may be shorter or longer in another second.
            lengths = [abs(int(each.headers["content-length"]) - len(get.content)) for each in (get, head)]
            assert max(lengths) <= 64, path


def test_the_redirect_of_head_leads_to_the_file(owner: httpx.Client, song: Json) -> None:
    asset = song["tracks"][0]["assets"][0]
    found = owner.head(f"/v1/jobs/{song['job_id']}/tracks/{song['tracks'][0]['track_id']}/{asset['kind']}")
    file = httpx.head(found.headers["location"], trust_env=False)
    assert (file.status_code, int(file.headers["content-length"])) == (200, asset["bytes"])


def test_a_wrong_method_is_answered_with_the_right_ones(anonymous: httpx.Client, owner: httpx.Client, song: Json) -> None:
    for client in (anonymous, owner):
        for path in paths(song):
            found = client.patch(path)
            assert (found.status_code, found.json()["type"]) == (405, "/v1/problems/method-not-allowed"), path
            assert {"GET", "HEAD"} <= set(found.headers["allow"].split(", ")), path


def test_no_path_ends_with_a_slash(owner: httpx.Client, song: Json) -> None:
    for path in paths(song):
        for method in ("GET", "HEAD", "POST"):
            assert owner.request(method, f"{path}/").status_code == 404, path


def test_the_type_of_a_problem_is_its_page(owner: httpx.Client, anonymous: httpx.Client) -> None:
    problem = owner.get("/v1/jobs/job_unknown").json()
    assert problem["title"] in anonymous.get(problem["type"]).text


@pytest.mark.parametrize("made", ["{}", "*", '"0", {}', '"0",{}'])
def test_an_unchanged_job_is_not_sent_again(owner: httpx.Client, song: Json, made: str) -> None:
    path = f"/v1/jobs/{song['job_id']}"
    etag = owner.get(path).headers["etag"]
    for tag in (etag, etag.removeprefix("W/")):
        found = owner.get(path, headers={"If-None-Match": made.format(tag)})
        assert (found.status_code, found.content, found.headers["etag"]) == (304, b"", etag)


def test_a_page_of_a_listed_origin_may_use_the_api_and_the_files(
    anonymous: httpx.Client, owner: httpx.Client, song: Json
) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, idempotency-key"}
    preflight = anonymous.options("/v1/jobs", headers=PAGE | asked)
    assert preflight.is_success
    assert preflight.headers["access-control-allow-origin"] == PAGE["Origin"]
    assert "idempotency-key" in preflight.headers["access-control-allow-headers"]
    job = owner.get(f"/v1/jobs/{song['job_id']}", headers=PAGE)
    assert job.headers["access-control-allow-origin"] == PAGE["Origin"]
    assert "etag" in job.headers["access-control-expose-headers"]
    file = httpx.get(job.json()["tracks"][0]["assets"][0]["url"], headers=PAGE, trust_env=False)
    assert (file.status_code, file.headers["access-control-allow-origin"]) == (200, "*")
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}
    preflight = httpx.options(job.json()["tracks"][0]["assets"][0]["url"], headers=PAGE | asked, trust_env=False)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, "*")


def test_a_page_of_another_origin_may_not(owner: httpx.Client, song: Json) -> None:
    other = {"Origin": "https://evil.example"}
    job = owner.get(f"/v1/jobs/{song['job_id']}", headers=other)
    assert [name for name in job.headers if name.startswith("access-control-allow")] == []


def test_a_kind_that_the_gateway_of_the_source_does_not_offer_is_named(owner: httpx.Client, song: Json) -> None:
    source = {"job_id": song["job_id"], "track_id": song["tracks"][0]["track_id"]}
    answer = owner.post("/v1/jobs", json={"gateway": "auto", "kind": "wav", "input": {"source": source}})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    [error] = answer.json()["errors"]
    assert error["pointer"] == "/input/source"
    assert error["detail"].startswith("that job ran on ttapi, which offers no wav; with its songs it offers ")
