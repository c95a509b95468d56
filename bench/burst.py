"""Jobs that are submitted to a local stack all at once, from the first POST to the last end, as their clients see it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from bench import processes

Json = dict[str, Any]

GATEWAYS = ("ttapi", "anyint", "crun", "acedata", "sunoapi", "kie")
ENDS = {"SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED"}
TASK_SECONDS = 6
ASK_SECONDS = 0.2
STOP_SECONDS = 20


@dataclass
class Running:
    """A stack of some checkout, in processes of its own."""

    process: subprocess.Popen[str]
    ready: Json
    start_seconds: float
    stop_seconds: float = 0.0
    left_behind: int = 0

    @property
    def pid(self) -> int:
        return self.process.pid

    def client(self, connections: int) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.ready['api_key']}"}
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        return httpx.Client(base_url=self.ready["api_url"], headers=headers, limits=limits, timeout=120, trust_env=False)


@contextmanager
def stack_of(checkout: Path) -> Iterator[Running]:
    """The stack of a checkout that has its .venv; `stop_seconds` and `left_behind` are known after the end."""
    command = [str(checkout / ".venv/bin/python"), "-m", "local", "up", "--task-seconds", str(TASK_SECONDS)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begun = time.monotonic()
    with subprocess.Popen(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            ready = json.loads(next(iter(process.stdout or ())))
            running = Running(process, ready, time.monotonic() - begun)
            yield running
        except BaseException:
            process.send_signal(signal.SIGINT)
            raise
        family, begun = processes.family(process.pid), time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait()
        while (left := sum((processes.PROC / str(pid)).exists() for pid in family)) and time.monotonic() < begun + STOP_SECONDS:
            time.sleep(0.02)
        running.stop_seconds, running.left_behind = time.monotonic() - begun, left


@dataclass
class Burst:
    """Seconds from the first POST on."""

    jobs: int
    statuses: Counter[int] = field(default_factory=Counter)
    slowest_post: float = 0.0
    states: Counter[str] = field(default_factory=Counter)
    last_end: float = 0.0
    cpu_per_job: float = 0.0

    @property
    def server_errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if status >= 500)

    @property
    def lost(self) -> int:
        """Jobs that did not succeed, whether they were not taken, ended otherwise or did not end in time."""
        return self.jobs - self.states["SUCCEEDED"]

    @property
    def rate(self) -> float:
        return self.states["SUCCEEDED"] / self.last_end if self.last_end else 0.0


def submit(client: httpx.Client, number: int) -> tuple[int, float, Json]:
    """Status, seconds and job of one POST; status 599 when there was no answer."""
    body = {"gateway": GATEWAYS[number % len(GATEWAYS)], "kind": "music", "input": {"prompt": "a song about rain"}}
    begun = time.monotonic()
    try:
        answer = client.post("/v1/jobs", json=body)
    except httpx.HTTPError:
        return 599, time.monotonic() - begun, {}
    return answer.status_code, time.monotonic() - begun, answer.json() if answer.status_code == 202 else {}


def run(running: Running, jobs: int, patience_seconds: float) -> Burst:
    """Submits so many jobs at once, and returns when all have ended or patience has."""
    burst, cpu, begun = Burst(jobs), processes.cpu_seconds(running.pid), time.time()
    with running.client(jobs) as client, ThreadPoolExecutor(jobs) as pool:
        answers = list(pool.map(lambda number: submit(client, number), range(jobs)))
        burst.statuses = Counter(status for status, _, _ in answers)
        burst.slowest_post = max(seconds for _, seconds, _ in answers)
        ended = wait(client, [job["job_id"] for _, _, job in answers if job], begun + patience_seconds)
    burst.cpu_per_job = (processes.cpu_seconds(running.pid) - cpu) / jobs
    burst.states = Counter(job["state"] for job in ended)
    burst.last_end = max((seconds_of(job["updated_at"]) - begun for job in ended), default=0.0)
    return burst


def wait(client: httpx.Client, job_ids: Sequence[str], give_up: float) -> list[Json]:
    """Asks for one job after the other, few times a second, so that asking is not what is measured."""
    todo, ended = deque(job_ids), []
    while todo and time.time() < give_up:
        time.sleep(ASK_SECONDS)
        answer = client.get(f"/v1/jobs/{todo[0]}")
        if answer.status_code == 200 and answer.json()["state"] in ENDS:
            ended.append(answer.json())
            todo.popleft()
        else:
            todo.rotate(-1)
    return ended


def seconds_of(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
