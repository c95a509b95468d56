"""The service and its bucket as a client meets them, in memory, and a wire that holds the clock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

T = TypeVar("T")
URL = "https://api.example"
KEY = "sj_live_test"
AUDIO = bytes(range(256)) * 400

A_USAGE: dict[str, Any] = {
    "month": "2026-11",
    "mode": "live",
    "jobs_in_progress": 1,
    "jobs": 3,
    "usd": 1.5,
    "days": [{"day": "2026-11-01", "jobs": 3, "usd": 1.5}],
    "limits": {
        "requests_per_second": None,
        "jobs_in_progress": 20,
        "jobs_per_day": None,
        "jobs_per_month": 0,
        "usd_per_month": 500,
    },
}

A_KEY: dict[str, Any] = {
    "key_id": "key_0123456789abcdef",
    "mode": "live",
    "name": "web shop",
    "hint": "sj_live_abcd",
    "scopes": ["jobs:read", "keys"],
    "created_at": "2026-11-22T02:00:00Z",
    "expires_at": None,
    "last_used_on": None,
    "revoked_at": None,
}

A_WEBHOOK: dict[str, Any] = {
    "webhook_id": "wh_0123456789abcdef",
    "url": "https://shop.example/hooks",
    "description": "the shop",
    "events": ["job.succeeded", "job.failed"],
    "created_at": "2026-11-22T02:00:00Z",
    "disabled_at": None,
    "disabled_by": None,
    "failing_since": None,
    "previous_secret_until": None,
}

A_DELIVERY: dict[str, Any] = {
    "delivery_id": "0001763776800-0123456789abcdef",
    "event_id": "job_1.SUCCEEDED",
    "type": "job.succeeded",
    "state": "failed",
    "reason": None,
    "created_at": "2026-11-22T02:00:00Z",
    "next_attempt_at": None,
    "attempts": [{"at": "2026-11-22T02:00:00Z", "status": 500, "milliseconds": 12, "answer": "no"}],
}

Reply = Callable[[httpx.Request], httpx.Response]


def a_job(
    state: str = "GENERATING", *, title: str | None = "Harbour Lights", contents: tuple[bytes, ...] = (AUDIO, AUDIO[1:])
) -> dict[str, Any]:
    at = "2026-11-22T02:00:00Z"
    tracks: list[dict[str, Any]] = [
        {
            "track_id": f"t{number}",
            "title": title,
            "model": "v6",
            "gateway_model": None,
            "duration_seconds": 3.5,
            "doubtful": None,
            "identity": None,
            "state": "stored",
            "error": None,
            "identical_to": None,
            "source": None,
            "assets": [an_asset(f"acme/job_1/t{number}/audio.mp3", "audio", content)],
            "missing": {},
        }
        for number, content in enumerate(contents, 1)
    ]
    nothing = (
        "task_id",
        "recoverable_until",
        "retry_of",
        "retried_as",
        "waiting_for",
        "cost",
        "error",
        "manifest",
        "result",
        "request",
    )
    return {
        **dict.fromkeys(nothing),
        "job_id": "job_1",
        "mode": "live",
        "gateway": "ttapi",
        "kind": "music",
        "requested_model": None,
        "requested_gateway_model": None,
        "state": state,
        "progress": "queued",
        "partial": False,
        "metadata": {},
        "created_at": at,
        "updated_at": at,
        "deadline_at": at,
        "charged": "yes",
        "tracks": tracks if state == "SUCCEEDED" else [],
        "quarantine": [],
    }


def an_asset(key: str, kind: str, content: bytes) -> dict[str, Any]:
    return {
        "kind": kind,
        "key": key,
        "content_type": "audio/mpeg",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "source_host": None,
        "stored_at": None,
        "released": False,
    }


def an_error(status: int, name: str = "", detail: str = "", **members: Any) -> Reply:
    body = {"type": f"/v1/problems/{name}", "title": name, "status": status, "detail": detail, **members}
    return lambda _: httpx.Response(status, json=body)


def a_lost_answer(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("timed out", request=request)


def not_reached(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@dataclass
class Service:
    """Answers with the next reply of the list, and with the last one for ever."""

    replies: list[Reply]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        response = reply(request)
        response.request = request
        return response

    def sent(self, position: int = -1) -> Any:
        return json.loads(self.requests[position].content)


def says(body: Any, status: int = 200, **headers: str) -> Reply:
    return lambda _: httpx.Response(
        status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


@dataclass
class HeldWire:
    """A wire whose clock moves when a caller sleeps, and by ``held`` seconds with each request that waits."""

    serve: Reply
    held: float = 0.0
    time: float = 1000.0
    slept: list[float] = field(default_factory=list)

    async def send(self, request: httpx.Request) -> httpx.Response:
        if "Prefer" in request.headers:
            self.time += self.held
        return self.serve(request)

    async def read(self, request: httpx.Request, begin: Callable[[httpx.Response], Callable[[bytes], None]]) -> httpx.Response:
        response = self.serve(request)
        if not response.is_error:
            write = begin(response)
            for chunk in response.iter_bytes(1000):
                write(chunk)
        return response

    async def work(self, function: Callable[[], T]) -> T:
        return function()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def now(self) -> float:
        return self.time

    def spread(self, seconds: float) -> float:
        return seconds
