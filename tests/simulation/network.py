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

from local.simulator.clock import Clock
from local.simulator.courier import Courier, schedule
from local.simulator.gateways import WIRES
from local.simulator.server import route
from local.simulator.studio import CutConnection, Studio, StudioSettings
from local.simulator.tasks import Report, Task
from local.simulator.wire import Reply, Request, Wire
from suno_jobs.network.download import Downloader
from suno_jobs.network.http import httpcore, httpx
from suno_jobs.traffic.client import http_client
from tests.simulation.clock import Loop, Process
from tests.simulation.lambdas import Lambdas

HOST = "gateways.example.com"
ORIGIN = f"https://{HOST}"
PUBLIC_ADDRESS = "93.184.215.14"
TASK_SECONDS = 90.0
_NO_TLS = ssl.create_default_context()  # nothing is encrypted here, and creating a context takes long
KEYS = {name: f"secret-key-of-{name}" for name in WIRES}

Deliver = Callable[[str, Mapping[str, str], bytes], int]
RequestFaults = Callable[[str, httpx.Request, Callable[[], httpx.Response]], httpx.Response]
"""Injects faults into a request to a gateway; it calls the last argument to let the request through."""


class _ClientTimeout(Exception):
    """The timeout of the client expired."""


class VirtualClock(Clock):
    """The simulator's clock. Only invocations wait with it, each with the timeout of its request."""

    def __init__(self, loop: Loop, lambdas: Lambdas) -> None:
        super().__init__()
        self._loop = loop
        self._lambdas = lambdas
        self._limits: dict[Process, float] = {}

    def now(self) -> float:
        return self._loop.now

    def wait_until(self, moment: float) -> bool:
        limit = self._limits[self._loop.current]
        if moment > self._loop.now:
            self._lambdas.running.spend(min(moment, limit) - self._loop.now)
        if moment > limit:
            raise _ClientTimeout
        return True

    def with_timeout(self, seconds: float, act: Callable[[], Reply]) -> Reply:
        """Raises _ClientTimeout if ``act`` waits longer than that."""
        process = self._loop.current
        self._limits[process] = self._loop.now + seconds
        return act()


class VirtualCourier(Courier):
    """Sends callbacks through ``deliver``, which may delay, duplicate or lose them."""

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
    """``request_times`` has the times of all requests to each gateway."""

    loop: Loop
    lambdas: Lambdas
    studio: Studio
    clock: VirtualClock
    disturb: RequestFaults
    note: Callable[[str, str], None]
    request_times: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def client(self) -> httpx.Client:
        """Replaces the product's own function for HTTP clients."""
        return http_client(httpx.MockTransport(self._handle))

    def downloader(self, **given: Any) -> Downloader:
        """Replaces the Downloader by the real one on a simulated network."""
        return Downloader(
            **given,
            resolver=lambda _host, _port: [PUBLIC_ADDRESS],
            clock=lambda: self.loop.now,
            ssl_context=_NO_TLS,
            network=_CdnNetwork(self),
        )

    def download(self, request: Request) -> Reply:
        running = self.lambdas.running
        reply: Reply = running.cross_boundary(f"cdn.GET {request.path}", lambda: route(self.studio, request))
        self.note(running.subject, f"{request.path} answers {reply.status} with {len(reply.body)} bytes")
        return reply

    def _handle(self, request: httpx.Request) -> httpx.Response:
        running = self.lambdas.running
        response: httpx.Response = running.cross_boundary(
            f"gateway.{request.method}", lambda: self._answer(request, running.subject)
        )
        return response

    def _answer(self, request: httpx.Request, subject: str) -> httpx.Response:
        gateway = request.url.path.split("/")[1]
        self.request_times[gateway].append(self.loop.now)
        try:
            response = self.disturb(gateway, request, lambda: self._ask(request))
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
            timeout = request.extensions["timeout"]["read"]
            reply = self.clock.with_timeout(timeout, lambda: route(self.studio, asked))
        except CutConnection:
            raise httpx.RemoteProtocolError("Server disconnected", request=request) from None
        except _ClientTimeout:
            raise httpx.ReadTimeout("The read operation timed out", request=request) from None
        headers = {"content-type": reply.content_type, **reply.headers}
        return httpx.Response(reply.status, headers=headers, content=reply.body)


def open_studio(loop: Loop, clock: Clock, random: Random, courier: Courier) -> Studio:
    settings = StudioSettings(TASK_SECONDS, (1.0, 1.0), None)
    return Studio(settings, clock=clock, chance=random, courier=courier, keys=KEYS, origin=lambda: ORIGIN)


def accounts() -> dict[str, dict[str, str]]:
    return {f"{name}/default": {"api_key": key, "base_url": f"{ORIGIN}/{name}"} for name, key in KEYS.items()}


class Pool:
    """Replaces httpcore's pool: the network backend of the guard stays, but no HTTP messages are encoded, which takes long."""

    def __init__(self, *, ssl_context: ssl.SSLContext, network_backend: httpcore.NetworkBackend) -> None:  # noqa: ARG002
        self._network = network_backend

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        stream = self._network.connect_tcp(request.url.host.decode("ascii"), request.url.port or 443)
        target = urlsplit(request.url.target.decode("ascii"))
        headers = {name.decode("ascii").lower(): value.decode("ascii") for name, value in request.headers}
        asked = Request(request.method.decode("ascii"), target.path, dict(parse_qsl(target.query)), headers, b"")
        reply: Reply = stream.get_extra_info("ask")(asked)
        length = reply.declared_length or len(reply.body)
        headers_sent = [(b"content-type", reply.content_type.encode("ascii")), (b"content-length", str(length).encode("ascii"))]
        return httpcore.Response(reply.status, headers=headers_sent, content=_body(stream, length))

    def close(self) -> None:
        """Nothing to close."""


def _body(stream: httpcore.NetworkStream, announced: int) -> Iterator[bytes]:
    content = stream.read(announced)
    yield content
    if len(content) < announced:
        raise httpcore.RemoteProtocolError("peer closed connection without sending complete message body")


class _CdnNetwork(httpcore.NetworkBackend):
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
    """A gateway's documented error reply: ttapi and acedata use the HTTP status, the others the body of a 200."""
    number = int(code) if code.isdecimal() else 400
    if gateway == "ttapi":
        body: Any = {"status": "FAILED", "message": "no", "data": None}
        return _json(number, body)
    if gateway == "acedata":
        return _json(number, {"success": False, "error": {"code": code, "message": "no"}, "trace_id": "t"})
    message = "message" if gateway == "crun" else "msg"
    return _json(200, {"code": number, message: "no", "data": None})


def _json(status: int, body: Any) -> httpx.Response:
    return httpx.Response(status, headers={"content-type": "application/json"}, content=json.dumps(body).encode())
