"""Every gateway and every fault, from a client's request to the end of its job, over real HTTP.

The jobs run side by side, as a fleet's would, while the tests look at those that have ended.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from math import inf
from typing import Any

import httpx
import miniaudio
import pytest

from local.stack import LocalStack
from suno_jobs.runtime.secrets import RENEW_SECONDS
from tests.integration.waiting import RARELY_SECONDS, wait_for, wait_for_end

Json = dict[str, Any]
Case = tuple[str, str]
Ends = Callable[[Case], Json]

AT_ONCE = 8

GATEWAYS = ("ttapi", "anyint", "crun", "acedata")
# What the gateway or the network does, and nobody notices but us.
HEALED = (
    "",
    "lost_callback",
    "doubled_callback",
    "callback_before_answer",
    "early_callback",
    "late_callback=2",
    "disordered_callbacks",
    "garbage_callback",
    "slow_task=6",
    "unknown_status",
    "poll_server_error",
    "poll_not_found",
    "garbled_poll",
    "audio_404_first",
    "truncated_audio=1",
    "html_audio=1",
    "expired_links=410",
    "rate_limited=2",
    "server_error_after_create",
    "timeout_on_submit=2",
    "garbled_answer",
)
# The fault, the end of the job, its error, and how many tasks it may have cost.
ENDED = (
    ("failed_task", "FAILED", "generation_failed", 1),
    ("success_without_audio", "TIMED_OUT", "no_audio", 1),
    ("quota_exhausted", "FAILED", "quota", 0),
    ("server_error_on_submit", "TIMED_OUT", "ambiguous", 0),
    ("dropped_connection", "TIMED_OUT", "ambiguous", 0),
    ("server_error_after_create][fault:lost_callback", "TIMED_OUT", "ambiguous", 1),
    ("truncated_audio", "TIMED_OUT", "asset_truncated", 1),
    ("html_audio", "TIMED_OUT", "asset_wrong_type", 1),
    ("slow_task=600", "TIMED_OUT", "deadline_exceeded", 1),
)
ON_EVERY_GATEWAY = ("", "lost_callback", "failed_task", "timeout_on_submit=2", "one_track_failed")
CASES = [
    (gateway, fault)
    for fault in dict.fromkeys((*HEALED, *(row[0] for row in ENDED), "one_track_failed"))
    for gateway in (GATEWAYS if fault in ON_EVERY_GATEWAY else GATEWAYS[len(fault) % 4 :][:1])
]

# Those that only a deadline ends would otherwise be waited for at the very end.
UNTIL_DEADLINE = ("success_without_audio", "truncated_audio", "html_audio", "slow_task=600")
SLOWEST_FIRST = sorted(CASES, key=lambda case: (case[1] not in UNTIL_DEADLINE, CASES.index(case)))


def body(gateway: str, fault: str) -> Json:
    marker = f" [fault:{fault}]" if fault else ""
    return {"gateway": gateway, "kind": "music", "input": {"prompt": f"a song about rain{marker}"}}


@pytest.fixture(scope="session")
def ends(stack: LocalStack) -> Iterator[Callable[[tuple[str, str]], Json]]:
    """Gives the ended job of a case. The cases run in the background from the start, some at a time."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with (
        httpx.Client(base_url=stack.api_url, headers=headers, timeout=60, trust_env=False) as client,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):

        def run(case: tuple[str, str]) -> Json:
            job = client.post("/v1/jobs", json=body(*case)).raise_for_status().json()
            return wait_for_end(client, job["job_id"], stack.logs, every=RARELY_SECONDS)

        running = {case: pool.submit(run, case) for case in SLOWEST_FIRST}
        yield lambda case: running[case].result(timeout=240)
        pool.shutdown(cancel_futures=True)


def order(stack: LocalStack, job_id: str) -> Json:
    """What the gateway knows of a job: how often it was submitted, and how many tasks were paid for."""
    orders = [order for order in stack.simulator.orders() if f"/{job_id}/" in (order["callback_url"] or "")]
    assert len(orders) <= 1
    return orders[0] if orders else {"submissions": 0, "paid": 0}


def cases(*faults: str) -> pytest.MarkDecorator:
    chosen = [case for case in CASES if case[1] in faults]
    return pytest.mark.parametrize("case", chosen, ids=[f"{gateway}-{fault or 'callback'}" for gateway, fault in chosen])


@cases(*HEALED)
def test_the_song_lies_in_the_bucket_whole_and_is_paid_once(stack: LocalStack, ends: Ends, case: Case) -> None:
    job = ends(case)
    assert (job["state"], job["partial"], job["error"]) == ("SUCCEEDED", False, None)
    assert len(job["tracks"]) == 2
    for track in job["tracks"]:
        [asset] = [each for each in track["assets"] if each["kind"] == "audio"]
        audio = httpx.get(asset["url"], trust_env=False).raise_for_status().content
        assert (len(audio), hashlib.sha256(audio).hexdigest()) == (asset["bytes"], asset["sha256"])
        assert asset["key"] == f"local/{job['job_id']}/{track['track_id']}/audio.mp3"
        assert miniaudio.decode(audio).duration == pytest.approx(track["duration_seconds"], abs=0.1)
    assert order(stack, job["job_id"])["paid"] == 1


@cases("one_track_failed")
def test_a_good_track_is_kept(stack: LocalStack, ends: Ends, case: Case) -> None:
    job = ends(case)
    assert (job["state"], job["partial"]) == ("SUCCEEDED", True)
    assert sorted(bool(track["assets"]) for track in job["tracks"]) == [False, True]
    assert order(stack, job["job_id"])["paid"] == 1


@cases(*(row[0] for row in ENDED))
def test_a_job_that_cannot_succeed_ends_with_its_reason(stack: LocalStack, ends: Ends, case: Case) -> None:
    job = ends(case)
    [(state, code, paid)] = [row[1:] for row in ENDED if row[0] == case[1]]
    assert (job["state"], job["error"]["code"]) == (state, code)
    assert all(track["assets"] == [] for track in job["tracks"])
    assert order(stack, job["job_id"])["paid"] == paid
    assert order(stack, job["job_id"])["submissions"] == 1
    stored = stack.client("s3").list_objects_v2(Bucket=stack.bucket, Prefix=f"local/{job['job_id']}/")
    assert stored["KeyCount"] == 0


@cases("rate_limited=2")
def test_a_refused_submission_was_repeated(stack: LocalStack, ends: Ends, case: Case) -> None:
    assert order(stack, ends(case)["job_id"])["submissions"] == 3


def test_the_adapters_send_nothing_that_is_not_documented(stack: LocalStack, ends: Ends) -> None:
    for gateway in GATEWAYS:
        ends((gateway, ""))
    assert {
        task["task_id"]: task["undocumented_fields"] for task in stack.simulator.tasks() if task["undocumented_fields"]
    } == {}


def test_one_key_from_twenty_threads_is_one_job_one_execution_and_one_task(
    stack: LocalStack, api: httpx.Client, finished: Callable[[str], Json]
) -> None:
    headers = {"Idempotency-Key": f"twenty-{time.monotonic_ns()}"}
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: api.post("/v1/jobs", json=body("crun", ""), headers=headers), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [202]
    [job_id] = {answer.json()["job_id"] for answer in answers}
    assert finished(job_id)["state"] == "SUCCEEDED"
    executions = stack.client("stepfunctions").list_executions(stateMachineArn=stack.state_machine_arn)["executions"]
    assert [each["name"] for each in executions if each["name"].startswith(job_id)] == [job_id]
    assert order(stack, job_id)["submissions"] == 1


def test_each_file_has_an_address_and_the_job_a_manifest(api: httpx.Client, ends: Ends) -> None:
    job = ends(("ttapi", ""))
    manifest = fetched(api, f"/v1/jobs/{job['job_id']}/manifest").json()
    assert [track["track_id"] for track in manifest["tracks"]] == [track["track_id"] for track in job["tracks"]]
    for track in job["tracks"]:
        for asset in track["assets"]:
            answer = fetched(api, f"/v1/jobs/{job['job_id']}/tracks/{track['track_id']}/{asset['kind']}")
            assert hashlib.sha256(answer.content).hexdigest() == asset["sha256"]
            assert answer.headers["content-disposition"].startswith('attachment; filename="')
    missing = api.get(f"/v1/jobs/{job['job_id']}/tracks/{job['tracks'][0]['track_id']}/lyrics")
    assert (missing.status_code, missing.json()["title"]) == (404, "No such asset")


def fetched(api: httpx.Client, path: str) -> httpx.Response:
    """What the redirect leads to, asked for without our key."""
    answer = api.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (307, "no-store")
    return httpx.get(answer.headers["location"], trust_env=False).raise_for_status()


def test_a_job_is_hidden_from_other_tenants(ends: Ends, as_tenant: Callable[[str], httpx.Client]) -> None:
    answer = as_tenant("somebody-else").get(f"/v1/jobs/{ends(('ttapi', ''))['job_id']}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    track = ends(("ttapi", ""))["tracks"][0]["track_id"]
    for path in ("manifest", f"tracks/{track}/audio"):
        hidden = as_tenant("somebody-else").get(f"/v1/jobs/{ends(('ttapi', ''))['job_id']}/{path}")
        assert (hidden.status_code, hidden.json()["title"]) == (404, "No such job")


def test_a_request_can_be_read_back_and_an_ended_job_waits_for_nothing(api: httpx.Client, ends: Ends) -> None:
    job_id = ends(("ttapi", ""))["job_id"]
    job = api.get(f"/v1/jobs/{job_id}").json()
    asked = {**body("ttapi", ""), "metadata": {}, "ambiguous_submit": "fail"}
    assert job["request"] == {**asked, "input": {**asked["input"], "instrumental": False, "max_mode": False}}
    assert (job["waiting_for"], {track["source"] for track in job["tracks"]}) == (None, {None})


def test_an_unchanged_job_is_not_sent_again(api: httpx.Client, ends: Ends) -> None:
    job_id = ends(("ttapi", ""))["job_id"]
    tag = api.get(f"/v1/jobs/{job_id}").headers["etag"]
    answer = api.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")


def test_the_end_is_announced_on_the_bus(stack: LocalStack, ends: Ends) -> None:
    job = ends(("acedata", ""))
    item = stack.client("dynamodb").get_item(
        TableName=stack.output("JobsTable"), Key={"pk": {"S": f"JOB#{job['job_id']}"}, "sk": {"S": "JOB"}}
    )["Item"]
    assert item["event_pending"] == {"BOOL": False}
    assert "due_shard" not in item


@pytest.mark.parametrize("how", ["forged", "other gateway", "slash", "upper"])
def test_a_forged_callback_stores_nothing(stack: LocalStack, anonymous: httpx.Client, ends: Ends, how: str) -> None:
    job_id = ends(("ttapi", ""))["job_id"]
    [url] = [each["callback_url"] for each in stack.simulator.orders() if job_id in (each["callback_url"] or "")]
    path, _, mac = url.removeprefix(stack.api_url).rpartition("/")
    forged = {
        "forged": f"{path}/{mac[:-1]}{'0' if mac[-1] != '0' else '1'}",
        "other gateway": f"{path}/{mac}".replace("ttapi", "crun"),
        "slash": f"{path}/{mac}/",
        "upper": f"{path}/{mac.upper()}",
    }[how]
    assert forged != f"{path}/{mac}"
    # Within a few seconds after another forgery, it would be judged only when it is delivered again.
    wait_for(lambda: seconds_since_refusal(stack) > RENEW_SECONDS)
    assert anonymous.post(forged, json={"sent": how}).status_code == (404 if how == "slash" else 200)
    assert anonymous.post(f"{path}/{mac}", json={"sent": f"authentic, after {how}"}).status_code == 200
    wait_for(lambda: _receipt(f"authentic, after {how}") in receipts(stack, job_id) and not waiting_callbacks(stack))
    assert _receipt(how) not in receipts(stack, job_id)


def _receipt(sent: str) -> str:
    """Its sort key."""
    return f"RECEIPT#callback#{hashlib.sha256(httpx.Request('POST', 'http://x', json={'sent': sent}).content).hexdigest()}"


def receipts(stack: LocalStack, job_id: str) -> set[str]:
    found = stack.client("dynamodb").query(
        TableName=stack.output("JobsTable"),
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={":pk": {"S": f"JOB#{job_id}"}, ":sk": {"S": "RECEIPT#callback#"}},
    )
    return {item["sk"]["S"] for item in found["Items"]}


def waiting_callbacks(stack: LocalStack) -> int:
    """In the queue, and not yet deleted from it."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    queue = stack.output("CallbackQueueUrl")
    found = stack.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def seconds_since_refusal(stack: LocalStack) -> float:
    """Of a callback, at least. Infinite before the first one. The times in the log are rounded down to seconds."""
    lines = (stack.logs / "receive_callback.log").read_text().splitlines()
    refused = [json.loads(line)["timestamp"] for line in lines if '"callback refused' in line]
    return time.time() - 1 - max((datetime.fromisoformat(each).timestamp() for each in refused), default=-inf)


@pytest.mark.parametrize(("path", "body"), [("", b""), ("", b"\0"), ("", b"x" * 2**20), ("/signed", b"{}")])
def test_what_the_queue_cannot_hold_is_a_4xx(anonymous: httpx.Client, path: str, body: bytes) -> None:
    assert anonymous.post(f"/v1/callbacks/ttapi/job_{'0' * 26}/{'0' * 64}{path}", content=body).status_code == 400
