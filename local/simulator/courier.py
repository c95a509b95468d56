"""Carries callbacks to whoever ordered: one delivery each. Two of the gateways document that they retry a failed one, but
a client has to live without it.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Mapping, Sequence
from functools import cache

import httpx

from local.simulator.clock import Clock
from local.simulator.tasks import Delivery, Report, Stage, Task
from local.simulator.wire import Signing, Wire

GARBAGE = b"<<task finished>>"


class Courier:
    """Waits, in one thread per task, for the moments of its callbacks. ``stop`` returns when all threads have ended.

    ``webhook_keys`` has, by gateway, the keys that callbacks are signed with. ``detour``: what a URL begins with, and what it
    is replaced by.
    """

    def __init__(self, clock: Clock, *, timeout_seconds: float, webhook_keys: Mapping[str, str]) -> None:
        self._clock = clock
        self._webhook_keys = webhook_keys
        self.detour = ("", "")
        self._client = httpx.Client(timeout=timeout_seconds, trust_env=False, verify=_trusted())
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def send_in_time(self, task: Task, wire: Wire, cdn: str) -> None:
        thread = threading.Thread(target=self.send_all, args=(task, wire, cdn), name=f"callbacks-{task.task_id}")
        with self._lock:
            self._threads = [other for other in self._threads if other.is_alive()] + [thread]
            thread.start()

    def send_all(self, task: Task, wire: Wire, cdn: str) -> None:
        for moment, stage in schedule(task, wire.callback_stages(task.work)):
            if not self._clock.wait_until(moment):
                return
            self._send(task, wire, Report(task, stage, cdn, at=self._clock.now()))

    def stop(self) -> None:
        with self._lock:
            threads = self._threads
        for thread in threads:
            thread.join()
        self._client.close()

    def _send(self, task: Task, wire: Wire, report: Report) -> None:
        body = wire.callback(report)
        if body is None or task.work.callback_url is None:
            return
        content = GARBAGE if "garbage_callback" in task.faults else json.dumps(body).encode()
        outcome = self._post(task.work.callback_url, content, self._headers(task, wire))
        task.callbacks.append(Delivery(report.stage.name.lower(), outcome))

    def _headers(self, task: Task, wire: Wire) -> dict[str, str]:
        headers = {"content-type": "application/json"}
        key = self._webhook_keys.get(task.gateway)
        if key is None or not isinstance(wire, Signing):
            return headers
        if "wrong_signature" in task.faults:
            key += "-other"
        return headers | dict(wire.signature(task.task_id, key, self._clock.now()))

    def _way(self, url: str) -> str:
        public, local = self.detour
        return local + url.removeprefix(public) if url.startswith(f"{public}/") else url

    def _post(self, url: str, content: bytes, headers: Mapping[str, str]) -> int | str:
        try:
            return self._client.post(self._way(url), content=content, headers=headers).status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return type(error).__name__


@cache
def _trusted() -> ssl.SSLContext:
    """Made once: reading the certificates is most of what a client costs."""
    return httpx.create_ssl_context(trust_env=False)


def schedule(task: Task, stages: Sequence[Stage]) -> list[tuple[float, Stage]]:
    """When to call back, and of which stage, after the task's faults."""
    faults, done = task.faults, task.moment(Stage.DONE)
    if "lost_callback" in faults or task.work.callback_url is None:
        return []
    if "early_callback" in faults:
        plan = [(task.moment(Stage.RUNNING), Stage.DONE)]
    elif task.failed(done):
        plan = [(done, Stage.DONE)]
    elif "disordered_callbacks" in faults:
        plan = [(done, stage) for stage in reversed(stages)]
    else:
        plan = [(task.moment(stage), stage) for stage in stages]
    late = faults.get("late_callback", 0.0)
    times = 2 if "doubled_callback" in faults else 1
    return [(moment + late, stage) for moment, stage in plan for _ in range(times)]
