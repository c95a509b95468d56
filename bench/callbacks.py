"""`python -m bench.callbacks`: how much later a callback is processed because it goes through the queue, on the local stack.

Each sample is an authentic callback. Its time ends when its receipt is in the table, which is just before the wake-up. By turns
the callback is sent to the API, or `receive_callback` is invoked with the same message directly.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from rich.console import Console

from bench import results
from local.stack import LocalStack
from suno_jobs.traffic.callback_urls import mac

SAMPLES = 100
TARGET_SECONDS = 0.150
PATIENCE_SECONDS = 30
LOOK_SECONDS = 0.002
JOB_ID = "job_" + "0" * 26


def measure(stack: LocalStack, samples: int = SAMPLES) -> tuple[list[float], list[float]]:
    """Seconds by the queue, and by direct invocations. The first of each starts an environment and is left out."""
    secret = stack.client("secretsmanager").get_secret_value(SecretId=stack.output("CallbackSecretArn"))["SecretString"]
    given = {"gateway": "ttapi", "job_id": JOB_ID, "mac": mac(json.loads(secret)["current"], "ttapi", JOB_ID)}
    path = f"/v1/callbacks/{given['gateway']}/{given['job_id']}/{given['mac']}"
    by_queue, directly = [], []
    with ThreadPoolExecutor(1) as pool, httpx.Client(base_url=stack.api_url, trust_env=False) as api:

        def send(body: str) -> object:
            return api.post(path, content=body).raise_for_status()

        def invoke(body: str) -> object:
            return pool.submit(stack.invoke, "receive_callback", {"Records": [record(body, given)]})

        for number in range(samples + 1):
            by_queue.append(seconds(stack, send, f'{{"queued": {number}}}'))
            directly.append(seconds(stack, invoke, f'{{"invoked": {number}}}'))
    return by_queue[1:], directly[1:]


def record(body: str, attributes: dict[str, str]) -> dict[str, Any]:
    sent = {"SentTimestamp": str(int(time.time() * 1000))}
    values = {name: {"stringValue": value} for name, value in attributes.items()}
    return {"messageId": "1", "body": body, "attributes": sent, "messageAttributes": values}


def seconds(stack: LocalStack, act: Callable[[str], object], body: str) -> float:
    """From the start of `act` until the receipt is stored. Raises TimeoutError."""
    digest = hashlib.sha256(body.encode()).hexdigest()
    key = {"pk": {"S": f"JOB#{JOB_ID}"}, "sk": {"S": f"RECEIPT#callback#{digest}"}}
    table, began = stack.output("JobsTable"), time.monotonic()
    act(body)
    while "Item" not in stack.client("dynamodb").get_item(TableName=table, Key=key):
        if time.monotonic() > began + PATIENCE_SECONDS:
            raise TimeoutError(f"no receipt within {PATIENCE_SECONDS} s; logs: {stack.logs}")
        time.sleep(LOOK_SECONDS)
    return time.monotonic() - began


def main() -> int:
    console = Console()
    results.warn_if_busy(console)
    with LocalStack() as stack:
        by_queue, directly = measure(stack)
    later = statistics.median(by_queue) - statistics.median(directly)
    for name, found in (("by the queue", by_queue), ("directly", directly)):
        console.print(f"{name}: p50 {statistics.median(found) * 1000:.0f} ms, slowest {max(found) * 1000:.0f} ms")
    verdict = "met" if later < TARGET_SECONDS else "missed"
    console.print(f"later by {later * 1000:.0f} ms (p50); the target is less than {TARGET_SECONDS * 1000:.0f} ms: {verdict}")
    return 0 if later < TARGET_SECONDS else 1


if __name__ == "__main__":
    raise SystemExit(main())
