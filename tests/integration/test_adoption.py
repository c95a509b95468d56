"""A song that was ordered elsewhere is saved over real HTTP, without a submission."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from local.stack import LocalStack
from suno_jobs.catalog.inputs import INPUTS
from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways.registry import GATEWAYS
from tests.integration.own_accounts import ADOPTER, own_key
from tests.integration.waiting import wait_for_end

CRUN = GATEWAYS["crun"]


def created_elsewhere(stack: LocalStack, key: str) -> str:
    song = INPUTS[Kind.MUSIC].model_validate({"prompt": "a song that another tool ordered"})
    request = CRUN.request(Kind.MUSIC, song, sources=[], callback_url=f"{stack.simulator.url}/elsewhere")
    url, headers = stack.simulator.base_url("crun") + request.path, dict(CRUN.authorization(key))
    answer: dict[str, Any] = httpx.post(url, json=request.json, headers=headers, trust_env=False).raise_for_status().json()
    return str(answer["data"]["task_id"])


def test_a_song_from_elsewhere_is_adopted_once_and_by_its_tenant_only(
    stack: LocalStack, as_tenant: Callable[[str], httpx.Client]
) -> None:
    key, api, stranger = own_key(stack, "crun"), as_tenant(ADOPTER), as_tenant("stranger")
    task_id = created_elsewhere(stack, key)
    request = {"gateway": "crun", "kind": "music", "adopt": {"task_id": task_id}}
    created = api.post("/v1/jobs", json=request)
    assert created.status_code == 202, created.text
    job = wait_for_end(api, created.json()["job_id"], stack.logs)
    assert (job["state"], job["task_id"], job["charged"], job["cost"]) == ("SUCCEEDED", task_id, "no", None)
    assert [track["state"] for track in job["tracks"]] == ["stored", "stored"]
    again = api.post("/v1/jobs", json=request)
    assert (again.status_code, again.json()["job_id"]) == (200, job["job_id"])
    assert stranger.post("/v1/jobs", json=request).status_code == 404
    [order] = [order for order in stack.simulator.orders() if order["callback_url"] == f"{stack.simulator.url}/elsewhere"]
    assert order["paid"] == 1
