"""A tenant sees and changes only its own jobs: every route of the template is tried with the ids of another tenant.

A test key of the same tenant is such a stranger, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local import template
from local.source import read_template
from local.stack import ROOT, LocalStack
from suno_jobs.jobs.identifiers import sandbox_of
from tests.integration.waiting import wait_for_end

Json = dict[str, Any]

SONG: Json = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "rain"}}
UNKNOWN = {
    "job_id": "job_" + "0" * 26,
    "key_id": "key_" + "0" * 16,
    "webhook_id": "we_" + "0" * 16,
    "delivery_id": "1800000000.e",
}


def routes() -> list[tuple[str, str]]:
    functions = template.of_type(read_template(ROOT), "AWS::Serverless::Function").values()
    events = [event for function in functions for event in function["Properties"].get("Events", {}).values()]
    found = [(each["Properties"]["Method"], each["Properties"]["Path"]) for each in events if each["Type"] == "HttpApi"]
    return sorted(route for route in found if route != ("ANY", "$default"))


@pytest.fixture(scope="module")
def victim(stack: LocalStack) -> Json:
    """What a stranger might learn of another tenant: a finished song, another job, a cursor, the key of a request."""
    headers = {"Authorization": f"Bearer {stack.create_api_key('victim')}"}
    with httpx.Client(base_url=stack.api_url, headers=headers, timeout=40, trust_env=False) as api:
        other = api.post("/v1/jobs", json=SONG, headers={"Idempotency-Key": "order-1"}).json()["job_id"]
        job_id = api.post("/v1/jobs", json=SONG).json()["job_id"]
        _, job = (wait_for_end(api, each, stack.logs) for each in (other, job_id))
        cursor = api.get("/v1/jobs?limit=1").json()["next"]
        key_id = api.get("/v1/keys").json()["keys"][0]["key_id"]
        webhook_id = api.post("/v1/webhooks", json={"url": "https://shop.example/hooks"}).json()["webhook_id"]
        delivery_id = api.post(f"/v1/webhooks/{webhook_id}/test").json()["delivery_id"]
    assert cursor
    track_id = job["tracks"][0]["track_id"]
    ids = {"other": other, "job_id": job_id, "key_id": key_id, "track_id": track_id, "webhook_id": webhook_id}
    return {**ids, "delivery_id": delivery_id, "kind": "audio", "cursor": cursor}


@pytest.fixture
def owner(as_tenant: Callable[[str], httpx.Client], victim: Json) -> httpx.Client:
    return as_tenant("victim")


@pytest.fixture(params=["stranger", sandbox_of("victim")])
def stranger(request: pytest.FixtureRequest, as_tenant: Callable[[str], httpx.Client]) -> httpx.Client:
    return as_tenant(request.param)


def ask(client: httpx.Client, method: str, path: str, ids: Json) -> httpx.Response:
    """Raises KeyError for a parameter that this test does not know."""
    known = {**ids, "name": "not-json", "file": "main.js"}
    body: Json | None = {} if method == "PATCH" else None
    if path.endswith("/jobs/{job_id}/retry"):
        body = {"accept_second_charge": True}
    elif path.endswith("/replay"):
        body = {"since": "2026-01-01T00:00:00Z"}
    return client.request(method, path.format_map(known), json=body)


def ids_in(answer: httpx.Response, victim: Json) -> list[str]:
    text = f"{answer.headers} {answer.text}"
    return [name for name in ("other", "job_id", "key_id", "track_id", "webhook_id", "delivery_id") if victim[name] in text]


def test_what_belongs_to_another_tenant_is_unknown_on_any_route(
    owner: httpx.Client, stranger: httpx.Client, victim: Json
) -> None:
    before = owner.get(f"/v1/jobs/{victim['job_id']}")
    for method, path in routes():
        theirs, unknown = (ask(stranger, method, path, {**victim, **ids}) for ids in (victim, UNKNOWN))
        assert ids_in(theirs, victim) == [], path
        if {"{job_id}", "{key_id}", "{webhook_id}"} & set(path.split("/")):
            assert theirs.status_code == unknown.status_code == 404, path
            assert theirs.content == unknown.content, path
    keys = {key["key_id"]: key for key in owner.get("/v1/keys").json()["keys"]}
    assert keys[victim["key_id"]]["revoked_at"] is None
    assert owner.get(f"/v1/webhooks/{victim['webhook_id']}").status_code == 200
    assert (owner.get("/v1/usage").json()["jobs"], stranger.get("/v1/usage").json()["jobs"]) == (2, 0)
    after = owner.get(f"/v1/jobs/{victim['job_id']}")
    assert (after.status_code, after.headers["etag"]) == (200, before.headers["etag"])


def test_another_tenant_s_cursor_shows_nothing_on_any_route(stranger: httpx.Client, victim: Json) -> None:
    for method, path in routes():
        if method == "GET" and "{" not in path:
            answer = stranger.get(path, params={"cursor": victim["cursor"]})
            assert ids_in(answer, victim) == [], path
            assert answer.status_code == (422 if path == "/v1/jobs" else 200), path


def test_another_tenant_s_song_is_no_source(stranger: httpx.Client, victim: Json) -> None:
    source = {"job_id": victim["job_id"], "track_id": victim["track_id"]}
    answer = stranger.post("/v1/jobs", json={"gateway": "auto", "kind": "stems", "input": {"source": source}})
    assert (answer.status_code, {each["pointer"] for each in answer.json()["errors"]}) == (422, {"/input/source"})
    assert ids_in(answer, victim) == []


def test_another_tenant_s_idempotency_key_is_free(stranger: httpx.Client, victim: Json) -> None:
    answer = stranger.post("/v1/jobs?dry_run=true", json=SONG, headers={"Idempotency-Key": "order-1"})
    assert (answer.status_code, ids_in(answer, victim)) == (200, [])
