"""Receipts that are too large for the table, and what is erased with a job: once by its deletion, and once by a sweep."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from random import Random
from typing import Any

import httpx

from local.stack import LocalStack
from tests.integration.waiting import wait_for

Json = dict[str, Any]

FIRST_CHINESE_CHARACTER = 0x4E00


def lyrics() -> str:
    """Random characters, so that they cannot be compressed: the gateway repeats them in its reply."""
    random = Random(1)  # noqa: S311 - no secret
    return "".join(chr(FIRST_CHINESE_CHARACTER + random.randrange(10_000)) for _ in range(2900))


def left(stack: LocalStack, job_id: str, tenant: str = "local") -> list[str]:
    """Sort keys of items, and keys of versions of files."""
    s3, dynamodb = stack.client("s3"), stack.client("dynamodb")
    condition = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": f"JOB#{job_id}"}}}
    items = dynamodb.query(TableName=stack.output("JobsTable"), **condition)["Items"]
    places = ((stack.bucket, f"{tenant}/{job_id}/"), (stack.output("ReceiptsBucket"), f"{job_id}/"))
    pages = (s3.list_object_versions(Bucket=bucket, Prefix=prefix) for bucket, prefix in places)
    versions = [each["Key"] for page in pages for each in page.get("Versions", [])]
    return [item["sk"]["S"] for item in items] + versions


def leave_something(stack: LocalStack, job_id: str) -> None:
    """As a function does that was still running when the job was deleted. The sweep shall look for it now."""
    for name in ("late", "later"):
        stack.client("s3").put_object(Bucket=stack.bucket, Key=f"local/{job_id}/{name}.mp3", Body=b"late")
        stack.client("s3").put_object(Bucket=stack.output("ReceiptsBucket"), Key=f"{job_id}/{name}", Body=b"late")
    table, dynamodb = stack.output("JobsTable"), stack.client("dynamodb")
    key = {"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}}
    dynamodb.put_item(TableName=table, Item={**key, "sk": {"S": "RECEIPT#late"}})
    now = {":now": {"N": "1"}}
    dynamodb.update_item(TableName=table, Key=key, UpdateExpression="SET due_at = :now", ExpressionAttributeValues=now)


def test_large_receipts_are_read_and_everything_is_erased_with_the_job(
    stack: LocalStack, api: httpx.Client, finished: Callable[[str], Json]
) -> None:
    text = {"lyrics": lyrics(), "style": "folk [fault:server_error_after_create]", "title": "Rain"}
    job_id = api.post("/v1/jobs", json={"gateway": "kie", "kind": "music", "input": text}).raise_for_status().json()["job_id"]

    def callback_urls() -> list[str]:
        return [url for order in stack.simulator.orders() if job_id in (url := order["callback_url"] or "")]

    wait_for(callback_urls)
    large = {"data": secrets.token_hex(10_000)}
    httpx.post(callback_urls()[0], json=large, trust_env=False).raise_for_status()
    # Where the callback of the task takes longer than the grace time, the job is TIMED_OUT until it arrives.
    finished(job_id)
    wait_for(lambda: api.get(f"/v1/jobs/{job_id}").json()["state"] == "SUCCEEDED")
    assert len([each for each in left(stack, job_id) if each.startswith(f"{job_id}/")]) > 1
    api.delete(f"/v1/jobs/{job_id}").raise_for_status()
    assert left(stack, job_id) == ["JOB"]
    leave_something(stack, job_id)
    stack.invoke("reconcile_jobs", {})
    assert left(stack, job_id) == ["JOB"]


def test_a_retry_that_is_repeated_is_the_same_job(api: httpx.Client, finished: Callable[[str], Json]) -> None:
    prompt = "a song about rain [fault:failed_task]"
    body = {"gateway": "ttapi", "kind": "music", "input": {"prompt": prompt}}
    failed = finished(api.post("/v1/jobs", json=body).raise_for_status().json()["job_id"])
    accepted = {"accept_second_charge": True}
    retries = [api.post(f"/v1/jobs/{failed['job_id']}/retry", json=accepted).raise_for_status() for _ in range(2)]
    assert len({retry.json()["job_id"] for retry in retries}) == 1


def test_a_key_is_rotated_and_revoked(stack: LocalStack, api: httpx.Client) -> None:
    made = api.post("/v1/keys", json={"name": "spare"}).raise_for_status().json()
    successor = api.post(f"/v1/keys/{made['key_id']}/rotate", json={}).raise_for_status().json()
    assert api.delete(f"/v1/keys/{successor['key_id']}").raise_for_status().status_code in (200, 204)
