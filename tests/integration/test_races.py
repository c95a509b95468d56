"""Fifty threads at one job, again and again: callbacks, polls, sweeps and cancels, and each time one winner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import httpx
import pytest

from local.stack import LocalStack
from tests.integration.waiting import wait_for

Json = dict[str, Any]

THREADS = 50
ROUNDS = range(3)
UNKNOWN = "job_" + "0" * 26
ENDS = {"SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED"}


@pytest.fixture(scope="module")
def warm(stack: LocalStack) -> None:
    """The emulator starts a process for each request that comes while others run: fifty at once are slow, but only once."""
    headers = {"Authorization": f"Bearer {stack.create_api_key('warm')}"}
    paths = [f"/v1/callbacks/ttapi/{UNKNOWN}/{'0' * 64}", f"/v1/jobs/{UNKNOWN}/cancel", f"/v1/jobs/{UNKNOWN}/retry"]
    with httpx.Client(base_url=stack.api_url, headers=headers, timeout=120, trust_env=False) as client:
        knocks = [lambda path=path: client.post(path).status_code for path in paths for _ in range(THREADS // 2)]
        wait_for(lambda: max(storm(knocks, 0)) < 500)


@pytest.fixture
def generating(stack: LocalStack, api: httpx.Client, warm: None) -> tuple[str, str]:
    """A job whose task the gateway has, and the URL that the gateway will call."""
    body = {"gateway": "anyint", "kind": "music", "input": {"prompt": "a song about rain [fault:slow_task=2]"}}
    job_id: str = api.post("/v1/jobs", json=body).raise_for_status().json()["job_id"]
    wait_for(lambda: api.get(f"/v1/jobs/{job_id}").json()["task_id"])
    [url] = [each["callback_url"] for each in stack.simulator.orders() if job_id in (each["callback_url"] or "")]
    return job_id, url


def storm(acts: Sequence[Callable[..., Any]], seed: int) -> list[Any]:
    """All acts at once, in an order of the seed; their results in the order given."""
    order = [*range(len(acts))]
    Random(seed).shuffle(order)  # noqa: S311 - no secret
    with ThreadPoolExecutor(THREADS) as pool:
        running = {index: pool.submit(acts[index]) for index in order}
        return [running[index].result(timeout=120) for index in range(len(acts))]


def ends(api: httpx.Client, job_id: str) -> list[str]:
    events = api.get(f"/v1/jobs/{job_id}/events").raise_for_status().json()["events"]
    return [event["state"] for event in events if event["state"] in ENDS]


def whole(stack: LocalStack, job: Json) -> None:
    """Each file lies in the bucket once, and it was paid for once."""
    keys = [asset["key"] for track in job["tracks"] for asset in track["assets"]]
    listed = stack.client("s3").list_objects_v2(Bucket=stack.bucket, Prefix=f"local/{job['job_id']}/").get("Contents", [])
    assert len(keys) == len(set(keys))
    assert set(keys) <= {each["Key"] for each in listed}
    [order] = [each for each in stack.simulator.orders() if job["job_id"] in (each["callback_url"] or "")]
    assert (order["submissions"], order["paid"]) == (1, 1)


@pytest.mark.parametrize("seed", ROUNDS)
def test_callbacks_polls_and_sweeps_end_a_job_once(
    stack: LocalStack,
    api: httpx.Client,
    anonymous: httpx.Client,
    generating: tuple[str, str],
    finished: Callable[[str], Json],
    seed: int,
) -> None:
    job_id, url = generating
    callback = [lambda: anonymous.post(url, json={"taskId": "whatever"}).status_code] * 25
    poll = [lambda: stack.invoke("check_task", {"job_id": job_id, "task_token": "of no execution"})] * 10
    sweep = [lambda: stack.invoke("reconcile_jobs", {})] * 5
    read = [lambda: api.get(f"/v1/jobs/{job_id}").status_code] * 10
    answers = storm([*callback, *poll, *sweep, *read], seed)
    assert set(answers[:25]) == {200}
    job = finished(job_id)
    assert (job["state"], ends(api, job_id)) == ("SUCCEEDED", ["SUCCEEDED"])
    assert [len(track["assets"]) > 0 for track in job["tracks"]] == [True, True]
    whole(stack, job)


@pytest.mark.parametrize("seed", ROUNDS)
def test_a_cancel_either_wins_for_everybody_or_for_nobody(
    stack: LocalStack,
    api: httpx.Client,
    anonymous: httpx.Client,
    generating: tuple[str, str],
    finished: Callable[[str], Json],
    seed: int,
) -> None:
    job_id, url = generating
    # Seen from the last round on, the cancels come ever later: when the files are already being stored, or are stored.
    wait_for(lambda: seed == 0 or api.get(f"/v1/jobs/{job_id}").json()["state"] in {"STORING", "SUCCEEDED"})
    cancel = [lambda: api.post(f"/v1/jobs/{job_id}/cancel").status_code] * 10
    callback = [lambda: anonymous.post(url, json={}).status_code] * 20
    poll = [lambda: stack.invoke("check_task", {"job_id": job_id, "task_token": "of no execution"})] * 10
    finish = [lambda: api.get(f"/v1/jobs/{job_id}").status_code] * 10
    answers = storm([*cancel, *callback, *poll, *finish], seed)
    job = finished(job_id)
    assert ends(api, job_id) == [job["state"]]
    assert set(answers[:10]) == ({200} if job["state"] == "CANCELLED" else {409})
    assert job["state"] in {"CANCELLED", "SUCCEEDED"}
    whole(stack, job)
    assert api.get(f"/v1/jobs/{job_id}").json()["state"] == job["state"]


@pytest.mark.usefixtures("warm")
def test_of_fifty_retries_one_makes_a_job(stack: LocalStack, api: httpx.Client, finished: Callable[[str], Json]) -> None:
    body = {"gateway": "crun", "kind": "music", "input": {"prompt": "a song about rain [fault:failed_task]"}}
    failed = finished(api.post("/v1/jobs", json=body).raise_for_status().json()["job_id"])
    assert failed["state"] == "FAILED"
    accepted = {"accept_second_charge": True}
    answers = storm([lambda: api.post(f"/v1/jobs/{failed['job_id']}/retry", json=accepted)] * THREADS, 0)
    assert sorted(answer.status_code for answer in answers) == [200] * (THREADS - 1) + [202]
    [retried] = {answer.json()["job_id"] for answer in answers}
    job = finished(retried)
    assert (job["retry_of"], job["state"]) == (failed["job_id"], "FAILED")
    assert len([each for each in stack.simulator.orders() if retried in (each["callback_url"] or "")]) == 1


def test_of_a_job_that_is_deleted_at_work_nothing_remains(
    stack: LocalStack, api: httpx.Client, anonymous: httpx.Client, warm: None
) -> None:
    """It is cancelled and deleted while its task runs, its callbacks arrive, sweeps run, and clients list and repeat it."""
    body = {"gateway": "anyint", "kind": "music", "input": {"prompt": "a song about rain [fault:slow_task=2]"}}
    key = {"Idempotency-Key": "deleted-at-work"}
    job_id = api.post("/v1/jobs", json=body, headers=key).raise_for_status().json()["job_id"]
    wait_for(lambda: api.get(f"/v1/jobs/{job_id}").json()["task_id"])
    [url] = [each["callback_url"] for each in stack.simulator.orders() if job_id in (each["callback_url"] or "")]
    assert api.delete(f"/v1/jobs/{job_id}").status_code == 409
    assert api.post(f"/v1/jobs/{job_id}/cancel").status_code == 200
    delete = [lambda: api.delete(f"/v1/jobs/{job_id}").status_code] * 10
    callback = [lambda: anonymous.post(url, json={}).status_code] * 10
    sweep = [lambda: stack.invoke("reconcile_jobs", {})] * 3
    shown = [lambda: api.get("/v1/jobs").status_code] * 5
    repeat = [lambda: api.post("/v1/jobs", json=body, headers=key).status_code] * 5
    answers = storm([*delete, *callback, *shown, *repeat, *sweep], 0)
    assert (set(answers[:10]), set(answers[10:25])) == ({204}, {200})
    assert set(answers[25:30]) <= {200, 410}
    statuses = [api.get(f"/v1/jobs/{job_id}"), api.post("/v1/jobs", json=body, headers=key)]
    assert [each.status_code for each in statuses] == [410, 410]
    assert job_id not in [job["job_id"] for job in api.get("/v1/jobs").json()["jobs"]]
    # What was still at work has ended by now, or the sweep does the same later.
    assert api.delete(f"/v1/jobs/{job_id}").status_code == 204
    page = stack.client("s3").list_object_versions(Bucket=stack.bucket)
    assert not [each for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())) if job_id in each["Key"]]
    assert len([each for each in stack.simulator.orders() if job_id in (each["callback_url"] or "")]) == 1
