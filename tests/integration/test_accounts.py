"""A tenant with an account of its own: it pays for its own songs, and no other tenant sees what is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from local.simulator.studio import FIRST_CREDITS, TASK_CREDITS
from local.stack import LocalStack
from suno_jobs.gateways.protocol import BalanceReading, GatewayReply
from suno_jobs.gateways.registry import GATEWAYS
from tests.integration.own_accounts import OWNER, own_key
from tests.integration.waiting import wait_for_end

KIE = GATEWAYS["kie"]
SONG = {"gateway": "kie", "kind": "music", "input": {"prompt": "a song about rain"}}


def left_at_gateway(stack: LocalStack, key: str) -> float:
    assert isinstance(KIE, BalanceReading)
    [request] = KIE.balance_requests
    url = stack.simulator.base_url("kie") + request.path
    answer = httpx.get(url, headers=dict(KIE.authorization(key)), trust_env=False)
    balance: Any = KIE.read_balance([GatewayReply(answer.status_code, answer.content)])
    return float(balance.amount)


def shown_balances(api: httpx.Client) -> list[dict[str, Any]]:
    [kie] = [each for each in api.get("/v1/gateways").json()["gateways"] if each["name"] == "kie"]
    balances: list[dict[str, Any]] = kie["balances"]
    return balances


def test_a_tenant_pays_from_its_own_account_whose_balance_it_alone_sees(
    stack: LocalStack, as_tenant: Callable[[str], httpx.Client]
) -> None:
    owner, other, key = as_tenant(OWNER), as_tenant("without-account"), own_key(stack, "kie")
    preview = owner.post("/v1/jobs", params={"dry_run": "true"}, json=SONG)
    assert (preview.status_code, owner.get("/v1/jobs").json()["jobs"]) == (200, [])
    assert left_at_gateway(stack, key) == FIRST_CREDITS
    jobs = [
        wait_for_end(api, api.post("/v1/jobs", json=SONG).raise_for_status().json()["job_id"], stack.logs)
        for api in (owner, other)
    ]
    assert [job["state"] for job in jobs] == ["SUCCEEDED", "SUCCEEDED"]
    [asked] = preview.json()["gateways"]
    assert jobs[0]["cost"]["unit"] == asked["estimate"]["unit"]
    assert left_at_gateway(stack, key) == FIRST_CREDITS - TASK_CREDITS
    stack.invoke("reconcile_jobs", {})
    [own] = shown_balances(owner)
    assert (own["account"], own["amount"]) in {(OWNER, FIRST_CREDITS - TASK_CREDITS), (OWNER, FIRST_CREDITS)}
    assert shown_balances(other) == []
