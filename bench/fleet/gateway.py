"""The gateway of a fleet, without a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from bench.fleet.figures import RATE, TASK_SECONDS
from suno_jobs.gateways.protocol import GatewayReply, GatewayRequest
from suno_jobs.traffic.account_items import AtAccount
from suno_jobs.traffic.accounts import Account
from suno_jobs.traffic.calls import GatewayCalls
from suno_jobs.traffic.client import REPLY_SECONDS


class Gateway:
    """Counts requests, and what it would refuse as above the rate."""

    def __init__(self, clock: Callable[[], float], random: Random) -> None:
        self.clock = clock
        self.random = random
        self.done_at: dict[str, float] = {}
        self.times: list[float] = []
        self.reads = 0
        self.on_task: Callable[[str, float], None] = lambda _url, _moment: None

    def exceeded(self) -> int:
        """Requests at which more than the permitted number had left within the window, whatever the order of this model."""
        times = sorted(self.times)
        return sum(1 for first, last in zip(times, times[RATE.requests :], strict=False) if last - first < RATE.seconds - 1e-6)

    def used(self) -> float:
        """Requests a second while the middle half of them left."""
        times = sorted(self.times)
        first, last = len(times) // 4, 3 * len(times) // 4
        return (last - first) / max(1e-9, times[last] - times[first]) if last else 0.0

    def answer(self, request: GatewayRequest) -> Any:
        now = self.clock()
        self.times.append(now)
        if request.json is not None:
            task_id = f"T{len(self.done_at)}"
            self.done_at[task_id] = now + self.random.uniform(*TASK_SECONDS)
            self.on_task(request.json["callback_url"], self.done_at[task_id])
            return {"task_id": task_id}
        self.reads += 1
        task_id = dict(request.params)["task_id"]
        done = self.done_at[task_id] <= now
        result = {"media_urls": [f"https://cdn.example.com/{task_id}.mp3"]} if done else None
        return {"task_id": task_id, "status": "success" if done else "running", "result": result}


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetCalls(GatewayCalls):
    """Real calls but for the network."""

    gateway: Gateway

    def send(
        self,
        at: AtAccount,  # noqa: ARG002
        account: Account,  # noqa: ARG002
        request: GatewayRequest,
        reply_seconds: float = REPLY_SECONDS,  # noqa: ARG002
    ) -> GatewayReply:
        data = self.gateway.answer(request)
        return GatewayReply(200, json.dumps({"code": 200, "message": "success", "data": data}).encode())
