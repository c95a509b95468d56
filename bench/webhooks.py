"""`python -m bench.webhooks`: how long after the end of a job its event reaches an endpoint, on the local stack.

A job ends in the step Finish Job, so a sample begins when its execution enters that step. It ends when the endpoint has read
the request, and so contains the whole step, the queue and the function that delivers.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
from rich.console import Console

from bench import results
from local.loopback import LoopbackServer
from local.simulator import Simulator
from local.stack import LocalStack

SAMPLES = 50
PATIENCE_SECONDS = 60
SONG = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "rain"}}


class Endpoint(LoopbackServer):
    """``arrivals`` are by job: the time of its first request."""

    def __init__(self) -> None:
        self.arrivals: dict[str, float] = {}
        arrivals = self.arrivals

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                event = json.loads(self.rfile.read(int(self.headers["content-length"])))
                arrivals.setdefault(event["data"]["job_id"], time.time())
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name of the base class
                """Nothing."""

        super().__init__(Handler)


def measure(stack: LocalStack, endpoint: Endpoint, samples: int = SAMPLES) -> list[float]:
    """Seconds from the step that ends a job to its arrival, one job after the other. The first one is left out: it starts the
    environments. Raises TimeoutError."""
    headers = {"Authorization": f"Bearer {stack.create_api_key('webhooks')}"}
    found = []
    with httpx.Client(base_url=stack.api_url, headers=headers, timeout=40, trust_env=False) as api:
        api.post("/v1/webhooks", json={"url": f"{endpoint.origin}/hooks"}).raise_for_status()
        for _ in range(samples + 1):
            job_id = api.post("/v1/jobs", json=SONG).raise_for_status().json()["job_id"]
            until = time.monotonic() + PATIENCE_SECONDS
            while job_id not in endpoint.arrivals:
                if time.monotonic() > until:
                    raise TimeoutError(f"no event within {PATIENCE_SECONDS} s; logs: {stack.logs}")
                time.sleep(0.01)
            found.append(endpoint.arrivals[job_id] - finished_at(stack, job_id))
    return found[1:]


def finished_at(stack: LocalStack, job_id: str) -> float:
    """When the execution of the job entered the step Finish Job, in seconds since 1970."""
    arn = f"{stack.state_machine_arn.replace(':stateMachine:', ':execution:')}:{job_id}"
    events: list[dict[str, Any]] = stack.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
    entered = [each for each in events if each.get("stateEnteredEventDetails", {}).get("name") == "Finish Job"]
    moment: float = entered[0]["timestamp"].timestamp()
    return moment


def percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def main() -> None:
    console = Console()
    results.warn_if_busy(console)
    with Endpoint() as endpoint, LocalStack(audio_origins=[endpoint.origin], simulator=Simulator(task_seconds=0.2)) as stack:
        found = measure(stack, endpoint)
    figures = ", ".join(f"p{percent} {percentile(found, percent) * 1000:.0f} ms" for percent in (50, 99))
    console.print(f"from the step Finish Job to the endpoint, {len(found)} jobs: {figures}")


if __name__ == "__main__":
    main()
