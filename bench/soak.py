"""`make soak`: a thousand jobs, every tenth with a fault, while environments of functions are killed at random.

Every client submits with a key, repeats what was answered 5xx, and waits for the end of its job. Afterwards each job is held
against `soak_rules.py`. The report is printed, and written as JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
from rich.console import Console

from bench import processes
from bench.burst import GATEWAYS
from bench.soak_rules import ENDS, FAULTS, Ended, broken, unexplained
from local.simulator import Simulator
from local.stack import LocalStack

Json = dict[str, Any]

PARAMETERS = {
    "FirstCheckSeconds": "10",
    "CheckIntervalSeconds": "2",
    "MaxCheckIntervalSeconds": "10",
    "JobDeadlineSeconds": "120",
    "AmbiguousSubmitGraceSeconds": "20",
    # One job's fault shall not hold up another.
    "BreakerFailures": "1000",
}
FAULT_SHARE = 0.1
TASK_SECONDS = 2.0
ASK_SECONDS = 1.5
# A step that was killed where nothing repeats it is found by the sweep, ten minutes after it was last due.
PATIENCE_SECONDS = 900
SAMPLE_SECONDS = 5.0
MAX_GROWTH = 0.2
SUBMITTER = "create_task"
NO_ANSWER = "no answer"
UNREADABLE = "unreadable answer"


@dataclass
class Notes:
    """What happened, written by many threads: each only appends or adds."""

    killed: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    megabytes: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)


class Soak:
    """One run on a stack that is up."""

    def __init__(self, stack: LocalStack, seed: int) -> None:
        self.stack = stack
        self.notes = Notes()
        self._chance = Random(seed)  # noqa: S311 - no secret
        self._over = threading.Event()
        headers = {"Authorization": f"Bearer {stack.api_key}"}
        limits = httpx.Limits(max_connections=100)
        self._api = httpx.Client(base_url=stack.api_url, headers=headers, limits=limits, timeout=60, trust_env=False)

    def run(self, jobs: int, clients: int, kill_seconds: float) -> list[Ended]:
        faults = self._chance.choices(list(FAULTS), k=jobs)
        chosen = [fault if self._chance.random() < FAULT_SHARE else "" for fault in faults]
        watchers = [
            threading.Thread(target=self._kill, args=(kill_seconds,)),
            threading.Thread(target=self._sample, args=(jobs,)),
        ]
        for watcher in watchers:
            watcher.start()
        try:
            with self._api, ThreadPoolExecutor(clients) as pool:
                jobs_seen = list(pool.map(self._follow, range(jobs), chosen))
                self._over.set()
                return list(pool.map(self._inspect, jobs_seen, chosen))
        finally:
            self._over.set()
            for watcher in watchers:
                watcher.join()

    def _kill(self, every_seconds: float) -> None:
        while not self._over.wait(self._chance.uniform(0, 2 * every_seconds)):
            if environments := self.stack.environments():
                pid = self._chance.choice(environments)
                with suppress(OSError):
                    name = (processes.PROC / str(pid) / "fd" / "1").readlink().stem
                    os.kill(pid, signal.SIGKILL)
                    self.notes.killed[name] += 1

    def _sample(self, jobs: int) -> None:
        """While new jobs come: at the end, only those are waited for that have to reach their deadline."""
        while not self._over.wait(SAMPLE_SECONDS):
            if sum(self.notes.faults.values()) < jobs:
                self.notes.megabytes.append(processes.usage(os.getpid()).pss)

    def _follow(self, number: int, fault: str) -> Json:
        """From the first POST to the end of the job."""
        marker = f" [fault:{fault}]" if fault else ""
        body = {"gateway": GATEWAYS[number % len(GATEWAYS)], "kind": "music", "input": {"prompt": f"a song about rain{marker}"}}
        self.notes.faults[fault or "none"] += 1
        begun = time.monotonic()
        job = self._ask("POST", "/v1/jobs", json=body, headers={"Idempotency-Key": f"soak-{number}"})
        while job["state"] not in ENDS and time.monotonic() < begun + PATIENCE_SECONDS:
            time.sleep(ASK_SECONDS)
            job = self._ask("GET", f"/v1/jobs/{job['job_id']}")
        self.notes.seconds.append(time.monotonic() - begun)
        return job

    def _ask(self, method: str, path: str, **options: Any) -> Json:
        """Repeats what a killed environment left unanswered, as a client does. Raises HTTPError for a refusal."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = self._api.request(method, path, **options)
                if answer.status_code < 500:
                    found: Json = answer.raise_for_status().json()
                    return found
                self.notes.repeated[str(answer.status_code)] += 1
            except httpx.TransportError:
                self.notes.repeated[NO_ANSWER] += 1
            except ValueError:
                self.notes.repeated[UNREADABLE] += 1
            if time.monotonic() > give_up:
                raise httpx.HTTPError(f"{method} {path}: nothing but {dict(self.notes.repeated)}")
            time.sleep(ASK_SECONDS)

    def _inspect(self, job: Json, fault: str) -> Ended:
        job = self._ask("GET", f"/v1/jobs/{job['job_id']}")
        events = self._ask("GET", f"/v1/jobs/{job['job_id']}/events")["events"]
        assets = [asset for track in job["tracks"] for asset in track["assets"]]
        damaged = [asset["key"] for asset in assets if not whole(asset)]
        paid = sum(order["paid"] for order in self.stack.simulator.orders() if f"/{job['job_id']}/" in order["callback_url"])
        return Ended(fault, job, [event["state"] for event in events], paid, damaged)


def whole(asset: Json) -> bool:
    content = httpx.get(asset["url"], trust_env=False, timeout=60).content
    return (len(content), hashlib.sha256(content).hexdigest()) == (asset["bytes"], asset["sha256"])


def growth(megabytes: Sequence[float]) -> float:
    """Of the last quarter over the second, which is warm already: 0.1 is a tenth more."""
    quarter = len(megabytes) // 4
    if not quarter:
        return 0.0
    return statistics.median(megabytes[-quarter:]) / statistics.median(megabytes[quarter : 2 * quarter]) - 1


def report(ended: Sequence[Ended], notes: Notes, wall_seconds: float) -> Json:
    seconds = sorted(notes.seconds)
    found = {each.job["job_id"]: list(broken(each)) for each in ended}
    extra = unexplained(ended, notes.killed[SUBMITTER])
    return {
        "jobs": len(ended),
        "states": Counter(each.state for each in ended),
        "faults": notes.faults,
        "wall_seconds": round(wall_seconds),
        "jobs_per_second": round(len(ended) / wall_seconds, 2),
        "job_seconds": {
            "median": round(statistics.median(seconds), 1),
            "95 %": round(seconds[len(seconds) * 95 // 100], 1),
            "longest": round(seconds[-1], 1),
        },
        "killed": notes.killed,
        "requests_repeated_after": notes.repeated,
        "given_up_as_ambiguous": sum(each.ambiguous for each in ended),
        "memory_mb": {"least": round(min(notes.megabytes, default=0)), "most": round(max(notes.megabytes, default=0))},
        "memory_growth": round(growth(notes.megabytes), 3),
        "broken": {job_id: wrong for job_id, wrong in found.items() if wrong},
        "unexplained": extra,
    }


def passed(found: Json) -> bool:
    clean = not found["broken"] and not found["unexplained"] and not found["requests_repeated_after"].get(UNREADABLE)
    return clean and found["memory_growth"] <= MAX_GROWTH


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description="Many jobs, faults and killed environments.")
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=16, help="jobs that are under way at once")
    parser.add_argument("--kill-seconds", type=float, default=3.0, help="mean time between two kills")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", type=Path, default=Path(tempfile.gettempdir()) / "suno-jobs-soak.json")
    given = parser.parse_args(arguments)
    console, begun = Console(), time.monotonic()
    with LocalStack(PARAMETERS, simulator=Simulator(task_seconds=TASK_SECONDS)) as stack:
        soak = Soak(stack, given.seed)
        with console.status(f"{given.jobs} jobs, seed {given.seed} ..."):
            ended = soak.run(given.jobs, given.clients, given.kill_seconds)
        found = report(ended, soak.notes, time.monotonic() - begun)
    given.report.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    console.print_json(data=found)
    console.print("passed" if passed(found) else "NOT passed", highlight=False)
    console.print(f"Written to {given.report}; logs: {stack.logs}", highlight=False, soft_wrap=True)
    return 0 if passed(found) else 1


if __name__ == "__main__":
    sys.exit(main())
