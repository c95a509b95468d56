"""Waiting for a job as a client does: asking until it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

ENDS = {"SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED"}
ASK_SECONDS = 0.5
RARELY_SECONDS = 1.5
"""For one of many jobs side by side: each question takes time of the machine that runs them."""


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(ASK_SECONDS / 5)


def wait_for_end(
    api: httpx.Client, job_id: str, logs: Path, seconds: float = 120, *, every: float = ASK_SECONDS
) -> dict[str, Any]:
    """Raises TimeoutError, which names the last state and the place of the logs."""
    deadline = time.monotonic() + seconds
    while True:
        job: dict[str, Any] = api.get(f"/v1/jobs/{job_id}").raise_for_status().json()
        if job["state"] in ENDS:
            return job
        if time.monotonic() > deadline:
            raise TimeoutError(f"{job_id} is {job['state']} after {seconds} s; logs: {logs}")
        time.sleep(every)
