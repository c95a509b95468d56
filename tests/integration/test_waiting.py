"""``Prefer: wait`` on the local stack, which lets two requests wait at the same time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.integration.waiting import wait_for

WAIT = {"Prefer": "wait=20"}


def applied(answer: httpx.Response) -> bool:
    return "Preference-Applied" in answer.headers


def song(seconds: int) -> dict[str, Any]:
    prompt = f"a song about rain [fault:slow_task={seconds}]"
    return {"gateway": "anyint", "kind": "music", "input": {"prompt": prompt}}


def test_a_request_waits_for_the_end_or_a_change_and_beyond_the_cap_not_at_all(api: httpx.Client) -> None:
    created = api.post("/v1/jobs", json=song(60)).raise_for_status().json()["job_id"]
    wait_for(lambda: api.get(f"/v1/jobs/{created}").json()["task_id"])
    path = f"/v1/jobs/{created}"

    def waited() -> httpx.Response:
        """The answer of a request that was allowed to wait."""
        while not applied(answer := api.get(path, headers=WAIT, timeout=40)):
            pass
        return answer

    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(waited) for _ in range(2)]
        wait_for(lambda: not applied(api.get(path, headers={"Prefer": "wait=1"})))
        began = time.monotonic()
        assert api.post(f"{path}/cancel").status_code == 200
        for answer in [each.result(timeout=40) for each in waiting]:
            assert (answer.json()["state"], answer.headers["Preference-Applied"]) == ("CANCELLED", "wait=20")
    assert time.monotonic() - began < 15
    lyrics = {"gateway": "acedata", "kind": "lyrics", "input": {"prompt": "rain"}}
    answer = api.post("/v1/jobs", json=lyrics, headers=WAIT, timeout=40)
    assert (answer.status_code, answer.json()["state"]) == (202, "SUCCEEDED")
    assert answer.headers["Preference-Applied"] == "wait=20"
