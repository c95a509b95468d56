"""Everything beyond AWS, in this process: the gateways of ``local/simulator``, their callbacks and their CDNs."""

from __future__ import annotations

import json
import ssl
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpcore
import httpx

from local.simulator.clock import Clock
from local.simulator.courier import Courier, schedule
from local.simulator.gateways import WIRES
from local.simulator.server import route
from local.simulator.studio import CutConnection, Studio, StudioSettings
from local.simulator.tasks import Report, Task
from local.simulator.wire import Reply, Request, Wire
from suno_jobs.download import Downloader
from suno_jobs.gateways.wire import http_client
from tests.simulation.clock import Loop, Process
from tests.simulation.lambdas import Lambdas

HOST = "gateways.example.com"
ORIGIN = f"https://{HOST}"
PUBLIC_ADDRESS = "93.184.215.14"
TASK_SECONDS = 90.0
_NO_TLS = ssl.create_default_context()  # nothing is encrypted here, and making one takes long
KEYS = {name: f"secret-key-of-{name}" for name in WIRES}

Deliver = Callable[[str, Mapping[str, str], bytes], int]
Trouble = Callable[[str, httpx.Request, Callable[[], httpx.Response]], httpx.Response]
"""What may stand in the way of a request to a gateway; it calls the last argument to let the request through."""


class _HungUp(Exception):
    """The client waited long enough."""


class VirtualClock(Clock):
    """The simulator's clock. Whoever waits by it is an invocation, which has a patience of its own."""

    def __init__(self, loop: Loop, lambdas: Lambdas) -> None:
        super().__init__()
        self._loop = loop
        self._lambdas = lambdas
        self._patience: dict[Process, float] = {}

    def now(self) -> float:
        return self._loop.now

    def wait_until(self, moment: float) -> bool:
        limit = self._patience[self._loop.current]
        if moment > self._loop.now:
            self._lambdas.running.spend(min(moment, limit) - self._loop.now)
        if moment > limit:
            raise _HungUp
        return True

    def within(self, seconds: float, act: Callable[[], Reply]) -> Reply:
        """Raises _HungUp when ``act`` waits longer than that."""
        process = self._loop.current
        self._patience[process] = self._loop.now + seconds
        return act()


class VirtualCourier(Courier):
    """``deliver`` brings one callback to our API; what may happen on the way is its business."""

    def __init__(self, loop: Loop, clock: Clock, deliver: Deliver) -> None:
        self._loop = loop
        self._clock = clock
        self._webhook_keys: Mapping[str, str] = {}
        self._deliver = deliver

    def send_in_time(self, task: Task, wire: Wire, cdn: str) -> None:
        for moment, stage in schedule(task, wire.callback_stages(task.work)):
            report = Report(task, stage, cdn)
            self._loop.spawn(partial(self._send, task, wire, report), after=max(0.0, moment - self._loop.now))

    def send_all(self, task: Task, wire: Wire, cdn: str) -> None:
        for _, stage in schedule(task, wire.callback_stages(task.work)):
            self._send(task, wire, Report(task, stage, cdn))

    def _post(self, url: str, content: bytes, headers: Mapping[str, str]) -> int | str:
        return self._deliver(url, headers, content)


@dataclass(eq=False, slots=True)
class Network:
    """``asked`` has the moments of all requests to each gateway."""

    loop: Loop
    lambdas: Lambdas
    studio: Studio
    clock: VirtualClock
    trouble: Trouble
    note: Callable[[str, str], None]
    asked: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def client(self) -> httpx.Client:
        """In place of the product's own way to make one."""
        return http_client(httpx.MockTransport(self._handle))

    def downloader(self, **given: Any) -> Downloader:
        """In place of the Downloader: the real one on another network."""
        return Downloader(
            **given,
            resolver=lambda _host, _port: [PUBLIC_ADDRESS],
            clock=lambda: self.loop.now,
            ssl_context=_NO_TLS,
            network=_Cdn(self),
        )

    def download(self, request: Request) -> Reply:
        running = self.lambdas.running
        reply: Reply = running.cross(f"cdn.GET {request.path}", lambda: route(self.studio, request))
        self.note(running.subject, f"{request.path} answers {reply.status} with {len(reply.body)} bytes")
        return reply

    def _handle(self, request: httpx.Request) -> httpx.Response:
        running = self.lambdas.running
        response: httpx.Response = running.cross(f"gateway.{request.method}", lambda: self._answer(request, running.subject))
        return response

    def _answer(self, request: httpx.Request, subject: str) -> httpx.Response:
        gateway = request.url.path.split("/")[1]
        self.asked[gateway].append(self.loop.now)
        try:
            response = self.trouble(gateway, request, lambda: self._ask(request))
        except httpx.TransportError as error:
            self.note(subject, f"{gateway} {request.method} {type(error).__name__}")
            raise
        self.note(subject, f"{gateway} {request.method} answers {response.status_code} {response.content[:120]!r}")
        return response

    def _ask(self, request: httpx.Request) -> httpx.Response:
        asked = Request(
            method=request.method,
            path=request.url.path,
            query=dict(request.url.params),
            headers=dict(request.headers),
            body=request.content,
        )
        try:
            patience = request.extensions["timeout"]["read"]
            reply = self.clock.within(patience, lambda: route(self.studio, asked))
        except CutConnection:
            raise httpx.RemoteProtocolError("Server disconnected", request=request) from None
        except _HungUp:
            raise httpx.ReadTimeout("The read operation timed out", request=request) from None
        headers = {"content-type": reply.content_type, **reply.headers}
        return httpx.Response(reply.status, headers=headers, content=reply.body)


def open_studio(loop: Loop, clock: Clock, random: Random, courier: Courier) -> Studio:
    settings = StudioSettings(TASK_SECONDS, (1.0, 1.0), None)
    return Studio(settings, clock=clock, chance=random, courier=courier, keys=KEYS, origin=lambda: ORIGIN)


def accounts() -> dict[str, dict[str, str]]:
    return {f"{name}/default": {"api_key": key, "base_url": f"{ORIGIN}/{name}"} for name, key in KEYS.items()}


class Pool:
    """In place of httpcore's: the guard's own part of the network stays, but no bytes are framed, which takes long."""

    def __init__(self, *, ssl_context: ssl.SSLContext, network_backend: httpcore.NetworkBackend) -> None:  # noqa: ARG002
        self._network = network_backend

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        stream = self._network.connect_tcp(request.url.host.decode("ascii"), request.url.port or 443)
        target = urlsplit(request.url.target.decode("ascii"))
        headers = {name.decode("ascii").lower(): value.decode("ascii") for name, value in request.headers}
        asked = Request(request.method.decode("ascii"), target.path, dict(parse_qsl(target.query)), headers, b"")
        reply: Reply = stream.get_extra_info("ask")(asked)
        length = reply.declared_length or len(reply.body)
        told = [(b"content-type", reply.content_type.encode("ascii")), (b"content-length", str(length).encode("ascii"))]
        return httpcore.Response(reply.status, headers=told, content=_body(stream, length))

    def close(self) -> None:
        """Keeps nothing."""


def _body(stream: httpcore.NetworkStream, announced: int) -> Iterator[bytes]:
    content = stream.read(announced)
    yield content
    if len(content) < announced:
        raise httpcore.RemoteProtocolError("peer closed connection without sending complete message body")


class _Cdn(httpcore.NetworkBackend):
    def __init__(self, network: Network) -> None:
        self._network = network

    def connect_tcp(
        self,
        host: str,
        port: int,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        assert host == PUBLIC_ADDRESS
        return _Connection(self._network)


class _Connection(httpcore.NetworkStream):
    """One request and the body of its answer."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._content = b""

    def get_extra_info(self, info: str) -> Any:
        return {"ask": self._ask}[info]

    def _ask(self, request: Request) -> Reply:
        reply = self._network.download(request)
        self._content = reply.body
        return reply

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._content[:max_bytes]


def documented_error(gateway: str, code: str) -> httpx.Response:
    """A gateway's error reply as its documents show it: ttapi and acedata by HTTP status, the others in a 200's body."""
    number = int(code) if code.isdecimal() else 400
    if gateway == "ttapi":
        body: Any = {"status": "FAILED", "message": "no", "data": None}
        return _json(number, body)
    if gateway == "acedata":
        return _json(number, {"success": False, "error": {"code": code, "message": "no"}, "trace_id": "t"})
    words = "message" if gateway == "crun" else "msg"
    return _json(200, {"code": number, words: "no", "data": None})


def _json(status: int, body: Any) -> httpx.Response:
    return httpx.Response(status, headers={"content-type": "application/json"}, content=json.dumps(body).encode())
