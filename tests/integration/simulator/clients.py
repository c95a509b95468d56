"""Clients of the simulated gateways, written from the gateways' documents alone, and a receiver of callbacks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import TYPE_CHECKING, Any

from local.simulator import HandClock, Simulator

if TYPE_CHECKING:
    import httpx

TASK_SECONDS = 10.0
GATEWAYS = ("ttapi", "anyint", "crun", "acedata", "sunoapi", "kie")
FAMILY = ("anyint", "sunoapi", "kie")


class Receiver:
    """A callback endpoint: keeps headers and bodies and answers 200."""

    def __init__(self) -> None:
        bodies: Queue[bytes] = Queue()
        headers: Queue[dict[str, str]] = Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                headers.put(dict(self.headers.items()))
                bodies.put(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, _format: str, *_arguments: object) -> None:
                """Silent."""

        self.bodies = bodies
        self.headers = headers
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1/callbacks/job-1/mac"

    def body(self) -> Any:
        return json.loads(self.bodies.get(timeout=10))

    @contextmanager
    def running(self) -> Iterator[Receiver]:
        thread = threading.Thread(target=self.server.serve_forever, args=(0.005,))
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            thread.join()
            self.server.server_close()


@dataclass(frozen=True)
class Wire:
    """A gateway as a client knows it, written from its documents alone."""

    submit_path: str
    key_header: tuple[str, str]
    simple: Mapping[str, Any]
    custom: Mapping[str, Any]
    callback_field: str
    words_path: tuple[str, ...]
    task_id_path: tuple[str, ...]
    poll: Callable[[str], tuple[str, str, Mapping[str, str], Any]]
    tracks_path: tuple[str | int, ...]
    audio_field: str
    id_field: str
    callback_tracks_path: tuple[str | int, ...]


WIRES = {
    "ttapi": Wire(
        submit_path="/suno/v1/music",
        key_header=("TT-API-KEY", ""),
        simple={"custom": False, "instrumental": False, "mv": "chirp-v5", "gpt_description_prompt": "rain"},
        custom={
            "custom": True,
            "instrumental": False,
            "mv": "chirp-v5",
            "prompt": "[Verse] rain",
            "title": "Rain",
            "tags": "pop",
        },
        callback_field="hookUrl",
        words_path=("gpt_description_prompt",),
        task_id_path=("data", "jobId"),
        poll=lambda task_id: ("GET", "/suno/v2/fetch", {"jobId": task_id}, None),
        tracks_path=("data", "musics"),
        audio_field="audioUrl",
        id_field="musicId",
        callback_tracks_path=("data", "musics"),
    ),
    "anyint": Wire(
        submit_path="/suno/generate",
        key_header=("Authorization", "Bearer "),
        simple={"customMode": False, "instrumental": False, "model": "V5", "prompt": "rain"},
        custom={
            "customMode": True,
            "instrumental": False,
            "model": "V5",
            "prompt": "[Verse] rain",
            "title": "Rain",
            "style": "pop",
        },
        callback_field="callBackUrl",
        words_path=("prompt",),
        task_id_path=("data", "taskId"),
        poll=lambda task_id: ("GET", "/suno/query/task", {"taskId": task_id}, None),
        tracks_path=("data", "response", "sunoData"),
        audio_field="audioUrl",
        id_field="id",
        callback_tracks_path=("data",),
    ),
    "crun": Wire(
        submit_path="/api/v1/client/job/CreateTask",
        key_header=("X-API-KEY", ""),
        simple={"model": "suno/music-generate", "input": {"mode": "simple", "model": "v5", "prompt": "rain"}},
        custom={
            "model": "suno/music-generate",
            "input": {"mode": "custom", "model": "v5", "lyrics": "rain", "title": "Rain", "tags": "pop"},
        },
        callback_field="callback_url",
        words_path=("input", "prompt"),
        task_id_path=("data", "task_id"),
        poll=lambda task_id: ("GET", "/api/v1/client/job/TaskInfo", {"task_id": task_id}, None),
        tracks_path=("data", "result", "suno_data"),
        audio_field="suno_audio_url",
        id_field="suno_id",
        callback_tracks_path=("data", "result", "suno_data"),
    ),
    "acedata": Wire(
        submit_path="/suno/audios",
        key_header=("authorization", "Bearer "),
        simple={"action": "generate", "prompt": "rain", "async": True},
        custom={"custom": True, "lyric": "[Verse] rain", "title": "Rain", "style": "pop", "async": True},
        callback_field="callback_url",
        words_path=("prompt",),
        task_id_path=("task_id",),
        poll=lambda task_id: ("POST", "/suno/tasks", {}, {"id": task_id, "action": "retrieve"}),
        tracks_path=("response", "data"),
        audio_field="audio_url",
        id_field="id",
        callback_tracks_path=("data",),
    ),
}


UPSTREAM = replace(
    WIRES["anyint"],
    submit_path="/api/v1/generate",
    poll=lambda task_id: ("GET", "/api/v1/generate/record-info", {"taskId": task_id}, None),
    callback_tracks_path=("data", "data"),
)
WIRES |= {"sunoapi": UPSTREAM, "kie": UPSTREAM}


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def changed(value: Mapping[str, Any], path: tuple[str, ...], new: Any) -> dict[str, Any]:
    """A copy with one field replaced, or without it when ``new`` is None."""
    first, *rest = path
    if rest:
        return {**value, first: changed(value[first], tuple(rest), new)}
    return {**value, first: new} if new is not None else {name: old for name, old in value.items() if name != first}


class Client:
    """Speaks to one simulated gateway."""

    def __init__(self, simulator: Simulator, gateway: str, http: httpx.Client, callback_url: str) -> None:
        self.simulator, self.gateway, self.wire, self.http = simulator, gateway, WIRES[gateway], http
        self.base = simulator.base_url(gateway)
        self.callback_url = callback_url

    def key(self, key: str | None = None) -> dict[str, str]:
        name, prefix = self.wire.key_header
        return {name: prefix + (key or self.simulator.keys[self.gateway])}

    def send(self, body: Mapping[str, Any], **options: Any) -> httpx.Response:
        return self.post(self.wire.submit_path, body, **options)

    def post(self, path: str, body: Mapping[str, Any], **options: Any) -> httpx.Response:
        return self.http.post(self.base + path, json=body, headers=self.key(), **options)

    def get(self, path: str, **query: str) -> Any:
        return self.http.get(self.base + path, params=query, headers=self.key()).json()

    def order(self, *faults: str, **options: Any) -> httpx.Response:
        words = "rain " + " ".join(f"[fault:{fault}]" for fault in faults)
        body = changed(self.wire.simple, self.wire.words_path, words)
        return self.send({**body, self.wire.callback_field: self.callback_url}, **options)

    def task_id(self, *faults: str) -> str:
        return str(at(self.order(*faults).json(), self.wire.task_id_path))

    def poll(self, task_id: str) -> httpx.Response:
        method, path, params, body = self.wire.poll(task_id)
        return self.http.request(method, self.base + path, params=params, json=body, headers=self.key())

    def tracks(self, task_id: str) -> list[dict[str, Any]]:
        tracks: list[dict[str, Any]] = at(self.poll(task_id).json(), self.wire.tracks_path)
        return tracks

    def finished(self, clock: HandClock, *faults: str) -> list[dict[str, Any]]:
        task_id = self.task_id(*faults)
        clock.advance(TASK_SECONDS)
        return self.tracks(task_id)

    def status(self, task_id: str) -> Any:
        """The status word; for Ace Data Cloud, which has none, what shows how far it is."""
        body = self.poll(task_id).json()
        if self.gateway == "ttapi":
            return body["status"]
        if self.gateway != "acedata":
            return body["data"]["status"]
        response = body["response"]
        return response and (response["success"], [track["state"] for track in response.get("data", ())], "finished_at" in body)


def eventually(condition: Callable[[], object]) -> None:
    """Returns when the condition holds; other threads bring it about."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.002)


def await_callbacks(simulator: Simulator, count: int) -> list[dict[str, Any]]:
    """The callbacks of the only task, once so many have been answered."""
    eventually(lambda: len(simulator.tasks()[0]["callbacks"]) >= count)
    callbacks: list[dict[str, Any]] = simulator.tasks()[0]["callbacks"]
    return callbacks


STAGES: dict[str, list[Any]] = {
    "ttapi": ["PENDING_QUEUE", "ON_QUEUE", "ON_QUEUE", "ON_QUEUE", "SUCCESS"],
    "anyint": ["PENDING", "PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"],
    "crun": ["pending", "running", "running", "running", "success"],
    "acedata": [
        None,
        (True, [], False),
        (True, ["pending"] * 2, False),
        (True, ["running"] * 2, False),
        (True, ["succeeded"] * 2, True),
    ],
}
STAGES |= {"sunoapi": STAGES["anyint"], "kie": STAGES["anyint"]}


def refusal(reply: httpx.Response) -> tuple[int, Any]:
    """HTTP status and the code in the body, wherever the gateway puts it."""
    body = reply.json()
    return reply.status_code, body.get("code") or body.get("status") or body["error"]["code"]
