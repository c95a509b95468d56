"""What one job costs: with callbacks, with polling only, and with a plain polling loop.

The local stack runs them with all times divided by SCALE. Only the ratios of the times decide how often a job is checked, so
the counts are those of a task of TASK_SECONDS.
"""

from __future__ import annotations

import httpx

from bench.counted import Cost, CountedStack, NotCounted, counted_stack
from bench.rival import Rival
from bench.shipped import ROOT
from local.simulator import Simulator
from local.source import read_template

SCALE = 10
TASK_SECONDS = 120
POLL_SECONDS = 20
PROMPT = "a song about a lighthouse"
CALLBACK = "by callback"
THREE_CALLBACKS = "by three callbacks"
POLLING = "by polling"
LOOP = "by a plain loop"


def measure() -> dict[str, Cost]:
    """Raises NotCounted if a job does not run as intended."""
    with counted_stack(scaled_parameters(), Simulator(task_seconds=TASK_SECONDS / SCALE, audio_seconds=(3.0, 4.0))) as counted:
        rival = Rival(counted, task_seconds=TASK_SECONDS / SCALE, poll_seconds=POLL_SECONDS // SCALE)
        return {
            LOOP: counted.cost(rival.start),
            CALLBACK: job_cost(counted, "ttapi", PROMPT, timeouts=0),
            # AnyInt calls back at the text, at the first track and at the end.
            THREE_CALLBACKS: job_cost(counted, "anyint", PROMPT, timeouts=0),
            POLLING: job_cost(counted, "ttapi", f"{PROMPT} [fault:lost_callback]", timeouts=1),
        }


def scaled_parameters() -> dict[str, str]:
    defaults = {name: parameter["Default"] for name, parameter in read_template(ROOT)["Parameters"].items()}
    names = ("FirstCheckSeconds", "CheckIntervalSeconds", "MaxCheckIntervalSeconds", "JobDeadlineSeconds")
    return {name: str(round(defaults[name] / SCALE)) for name in names}


def job_cost(counted: CountedStack, gateway: str, prompt: str, *, timeouts: int) -> Cost:
    """`timeouts` is the exact number of waits that must time out: none if a callback ends the wait."""
    # A new key, so that the authorizer is called rather than its cache.
    headers = {"Authorization": f"Bearer {counted.stack.create_api_key('bench')}"}
    with httpx.Client(base_url=counted.stack.api_url, headers=headers, timeout=40, trust_env=False) as api:
        job_ids: list[str] = []

        def start() -> str:
            body = {"gateway": gateway, "kind": "music", "input": {"prompt": prompt}}
            job_ids.append(api.post("/v1/jobs", json=body).raise_for_status().json()["job_id"])
            return f"{counted.stack.state_machine_arn.replace(':stateMachine:', ':execution:')}:{job_ids[0]}"

        cost = counted.cost(start)
        job = api.get(f"/v1/jobs/{job_ids[0]}").raise_for_status().json()
    if job["state"] != "SUCCEEDED" or len(job["tracks"]) != 2 or cost.timeouts != timeouts:
        raise NotCounted(f"{gateway}: {job['state']}, {len(job['tracks'])} tracks, {cost}; expected timeouts: {timeouts}")
    return cost
