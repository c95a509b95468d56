"""DynamoDB accepts requests and does not answer for some seconds. It executes them when their callers have given up."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local.stack import LocalStack
from tests.integration.waiting import wait_for

Json = dict[str, Any]

SONG = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "a song about patience [fault:slow_task=4]"}}
BY_API_GATEWAY = {"message": "Internal Server Error"}
API_GATEWAY_SECONDS = 30


@pytest.fixture(scope="module")
def keys() -> list[str]:
    """One for each job."""
    return [f"patience-{number}" for number in range(4)]


def order(api: httpx.Client, key: str) -> httpx.Response:
    return api.post("/v1/jobs", json=SONG, headers={"Idempotency-Key": key})


def test_clients_get_an_error_in_time_and_no_job_is_lost_or_paid_for_twice(
    stack: LocalStack, api: httpx.Client, keys: list[str], finished: Callable[[str], Json]
) -> None:
    first = order(api, keys[0]).raise_for_status().json()["job_id"]
    wait_for(lambda: api.get(f"/v1/jobs/{first}").json()["task_id"])
    with stack.stalled_dynamodb(), ThreadPoolExecutor(len(keys)) as pool:
        began = time.monotonic()
        asked = [pool.submit(api.get, f"/v1/jobs/{first}"), *(pool.submit(order, api, key) for key in keys[1:])]
        answers = [each.result() for each in asked]
        assert time.monotonic() - began < API_GATEWAY_SECONDS
    for answer in answers:
        assert (answer.status_code, answer.json()) == (500, BY_API_GATEWAY)
    assert "ReadTimeoutError" in stack.function_log("submit_job")
    for key in keys:
        job = finished(order(api, key).raise_for_status().json()["job_id"])
        assert job["state"] == "SUCCEEDED", job
        paid = [task for task in stack.simulator.orders() if job["job_id"] in (task["callback_url"] or "")]
        assert len(paid) == 1
