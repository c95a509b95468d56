"""Everything beyond AWS, in this process: the gateways of ``local/simulator``, their callbacks and their CDNs."""

from __future__ import annotations

import math
import ssl
from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import partial
from random import Random
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from local.simulator.clock import Clock
from local.simulator.courier import Courier, schedule
from local.simulator.gateways import WIRES
from local.simulator.server import route
from local.simulator.studio import CutConnection, Studio, StudioSettings
from local.simulator.tasks import Report, Task
from local.simulator.wire import Reply, Request, Wire, json_reply
from suno_jobs.network.deadlines import TimedTransport
from suno_jobs.network.download import Downloader
from suno_jobs.network.http import httpcore, httpx
from suno_jobs.traffic.client import http_client
from tests.simulation.clock import Loop, Process
from tests.simulation.lambdas import Invocation, Lambdas

HOST = "gateways.example.com"
ORIGIN = f"https://{HOST}"
PUBLIC_ADDRESS = "93.184.215.14"
TASK_SECONDS = 90.0
_NO_TLS = ssl.create_default_context()  # nothing is encrypted here, and creating a context takes long
KEYS = {name: f"secret-key-of-{name}" for name in WIRES}
NEW_KEYS = {name: f"{key}-replaced" for name, key in KEYS.items()}

DRIP_SECONDS = 1.0
"""Between two bytes of a reply that drips: shorter than every timeout of the client."""


class Manner(Enum):
    """How a reply arrives. Of a drip, one byte comes each second, and it never ends. STUCK: the call never returns, whatever
    deadline it has, so that only the timeout of the function ends it."""

    WHOLE = auto()
    DRIPPING_HEAD = auto()
    DRIPPING_BODY = auto()
    SILENT = auto()
    CUT = auto()
    STUCK = auto()


Ask = Callable[[], Reply]
Deliver = Callable[[str, Mapping[str, str], bytes], int]
RequestFaults = Callable[[str, str, Ask], Reply]
"""Injects faults into a request to a gateway, given its method; it calls the last argument to let the request through. Raises
the errors of httpcore."""

ReplyFaults = Callable[[str], Manner]
"""How the reply of a gateway, or of ``CDN``, arrives."""

CDN = "cdn"


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


PROCESSED_SECONDS = 0.1


class VirtualCourier(Courier):
    """Sends callbacks through ``deliver``, which may delay, duplicate or lose them. ``submitters`` has the job of each task:
    the one whose function sent the request. It is empty for a task that was created elsewhere."""

    def __init__(self, loop: Loop, clock: Clock, deliver: Deliver) -> None:
        self._loop = loop
        self._clock = clock
        self._webhook_keys: Mapping[str, str] = {}
        self._deliver = deliver
        self.submitters: dict[str, str] = {}

    def send_in_time(self, task: Task, wire: Wire, cdn: str) -> None:
        self._record_submitter(task)
        for moment, stage in schedule(task, wire.callback_stages(task.work)):
            report = Report(task, stage, cdn, at=max(moment, self._loop.now))
            self._loop.spawn(partial(self._send, task, wire, report), after=report.at - self._loop.now)

    def send_all(self, task: Task, wire: Wire, cdn: str) -> None:
        self._record_submitter(task)
        for _, stage in schedule(task, wire.callback_stages(task.work)):
            self._send(task, wire, Report(task, stage, cdn, at=self._loop.now))
        # They are processed before the answer arrives.
        self._loop.sleep(PROCESSED_SECONDS)

    def _record_submitter(self, task: Task) -> None:
        invocation: Invocation | None = self._loop.current.local
        self.submitters[task.task_id] = invocation.subject if invocation else ""

    def _post(self, url: str, content: bytes, headers: Mapping[str, str]) -> int | str:
        return self._deliver(url, headers, content)


@dataclass(frozen=True, slots=True)
class Served:
    """A file that the CDN sent completely, whatever it was."""

    to: Invocation
    path: str
    body: bytes


class KeyRing:
    """Which of our keys each gateway accepts. The simulator itself knows the first key of each gateway only."""

    def __init__(self, own_accounts: Iterable[tuple[str, str]] = ()) -> None:
        self._valid = {gateway: {key} for gateway, key in KEYS.items()}
        for gateway, tenant in own_accounts:
            self.add(gateway, key_of(gateway, tenant))

    def add(self, gateway: str, key: str) -> None:
        self._valid[gateway].add(key)

    def revoke(self, gateway: str, key: str) -> None:
        self._valid[gateway].discard(key)

    def translate(self, gateway: str, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers with the key that the simulator knows in place of a valid one, and without it otherwise."""
        return {name: self._translate_value(gateway, value) for name, value in headers.items()}

    def _translate_value(self, gateway: str, value: str) -> str:
        first = KEYS.get(gateway, "")
        scheme, space, key = value.rpartition(" ")
        if not key.startswith(first) or not first:
            return value
        return f"{scheme}{space}{first if key in self._valid[gateway] else 'revoked'}"


@dataclass(eq=False, slots=True)
class Sent:
    """A request that left ``at`` that time. ``retry_at`` is when its gateway wants the next one, by its Retry-After. A
    reply that does not arrive whole says nothing."""

    at: float
    gateway: str
    request: Request
    retry_at: float | None = None


@dataclass(eq=False, slots=True)
class Network:
    """``request_times`` has the times at which requests left, by gateway and account. ``served`` has every download that did
    not break off. ``sent`` has the requests to gateways, by job. ``of_test_jobs`` are the requests that concern a job
    in test mode: there must be none."""

    loop: Loop
    lambdas: Lambdas
    studio: Studio
    clock: VirtualClock
    disturb: RequestFaults
    manner: ReplyFaults
    note: Callable[[str, str], None]
    keys: KeyRing = field(default_factory=KeyRing)
    request_times: defaultdict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    served: list[Served] = field(default_factory=list)
    sent: defaultdict[str, list[Sent]] = field(default_factory=lambda: defaultdict(list))
    of_test_jobs: list[str] = field(default_factory=list)

    def client(self) -> httpx.Client:
        """Replaces the product's own function for HTTP clients: the same transport on a simulated network."""
        network = _Gateways(self, self._ask_gateway)
        return http_client(TimedTransport(resolver=_resolve, ssl_context=_NO_TLS, network=network))

    def downloader(self, **given: Any) -> Downloader:
        """Replaces the Downloader by the real one on a simulated network."""
        network = _Gateways(self, self._ask_cdn)
        return Downloader(**given, resolver=_resolve, clock=lambda: self.loop.now, ssl_context=_NO_TLS, network=network)

    def _ask_cdn(self, request: Request, _timeout: float) -> tuple[Reply, Manner]:
        running = self.lambdas.running
        self._note_test_job(running.subject, request)

        def ask() -> tuple[Reply, Manner]:
            reply, manner = route(self.studio, request), self.manner(CDN)
            self.note(running.subject, f"{request.path} answers {reply.status} with {len(reply.body)} bytes{_named(manner)}")
            if reply.status == 200 and reply.declared_length is None and manner is Manner.WHOLE:
                self.served.append(Served(running, request.path, reply.body))
            return reply, manner

        answered: tuple[Reply, Manner] = running.cross_boundary(f"cdn.GET {request.path}", ask)
        return answered

    def _ask_gateway(self, request: Request, timeout: float) -> tuple[Reply, Manner]:
        running, left_at = self.lambdas.running, self.loop.now
        self._note_test_job(running.subject, request)
        answered: tuple[Reply, Manner] = running.cross_boundary(
            f"gateway.{request.method}", lambda: self._answer(request, timeout, running.subject, left_at)
        )
        return answered

    def _note_test_job(self, subject: str, request: Request) -> None:
        if "job_test_" in f"{subject} {request}":
            self.of_test_jobs.append(f"{subject} {request.method} {request.path}")

    def _answer(self, request: Request, timeout: float, subject: str, left_at: float) -> tuple[Reply, Manner]:
        gateway = request.path.split("/")[1]
        insort(self.request_times[gateway, account_in(gateway, request.headers)], left_at)
        sent = Sent(left_at, gateway, request)
        self.sent[subject].append(sent)
        try:
            reply = self.disturb(gateway, request.method, lambda: self._route(gateway, request, timeout))
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            self.note(subject, f"{gateway} {request.method} {type(error).__name__}")
            raise
        manner = self.manner(gateway)
        seconds = reply.headers.get("Retry-After")
        if seconds and manner is Manner.WHOLE:
            sent.retry_at = self.loop.now + float(seconds)
        self.note(subject, f"{gateway} {request.method} answers {reply.status} {reply.body[:120]!r}{_named(manner)}")
        return reply, manner

    def _route(self, gateway: str, request: Request, timeout: float) -> Reply:
        asked = replace(request, headers=self.keys.translate(gateway, request.headers))
        try:
            return self.clock.with_timeout(timeout, lambda: route(self.studio, asked))
        except CutConnection:
            raise httpcore.RemoteProtocolError("Server disconnected") from None
        except _ClientTimeout:
            raise httpcore.ReadTimeout("The read operation timed out") from None


def _named(manner: Manner) -> str:
    return "" if manner is Manner.WHOLE else f", {manner.name.lower().replace('_', ' ')}"


def _resolve(_host: str, _port: int) -> list[str]:
    return [PUBLIC_ADDRESS]


class InlineThread:
    """Replaces the thread that bounds a name resolution, since the simulated one takes no time."""

    def __init__(self, *, target: Callable[[], None], daemon: bool) -> None:  # noqa: ARG002
        self.start = target


def open_studio(loop: Loop, clock: Clock, random: Random, courier: Courier) -> Studio:
    settings = StudioSettings(TASK_SECONDS, (1.0, 1.0), None)
    return Studio(settings, clock=clock, chance=random, courier=courier, keys=KEYS, origin=lambda: ORIGIN)


def key_of(gateway: str, tenant: str) -> str:
    """The key of a tenant's own account."""
    return f"{KEYS[gateway]}-of-{tenant}"


def account_in(gateway: str, headers: Mapping[str, str]) -> str:
    """The account whose key is in the headers of a request."""
    keys = (value.partition(f"{KEYS.get(gateway)}-of-") for value in headers.values())
    return next((tenant for _, found, tenant in keys if found), "default")


def accounts(own: Iterable[tuple[str, str]] = ()) -> dict[str, dict[str, Any]]:
    """The accounts secret: the shared account of each gateway, and those that tenants have of their own."""
    shared = {f"{name}/default": {"api_key": key, "base_url": f"{ORIGIN}/{name}"} for name, key in KEYS.items()}
    of_tenants = {f"{name}/{tenant}": {"api_key": key_of(name, tenant), "base_url": f"{ORIGIN}/{name}"} for name, tenant in own}
    return {**shared, **of_tenants}


class Pool:
    """Replaces httpcore's pool: the network backend stays, with its deadline and its guard, but no HTTP messages are encoded,
    which takes long."""

    def __init__(self, *, ssl_context: ssl.SSLContext, network_backend: httpcore.NetworkBackend) -> None:  # noqa: ARG002
        self._network = network_backend

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        stream = self._network.connect_tcp(request.url.host.decode("ascii"), request.url.port or 443)
        target = urlsplit(request.url.target.decode("ascii"))
        headers = {name.decode("ascii").lower(): value.decode("ascii") for name, value in request.headers}
        body = b"".join(cast("Iterable[bytes]", request.stream))
        stream.get_extra_info("send")(
            Request(request.method.decode("ascii"), target.path, dict(parse_qsl(target.query)), headers, body)
        )
        timeout = request.extensions["timeout"]["read"]
        while (reply := stream.get_extra_info("head")) is None:
            stream.read(READ_BYTES, timeout)
        length = reply.declared_length or len(reply.body)
        if stream.get_extra_info("manner") is Manner.DRIPPING_BODY:
            length = ENDLESS_BYTES
        head = {"content-type": reply.content_type, "content-length": str(length), **reply.headers}
        headers_sent = [(name.encode("ascii"), value.encode("ascii")) for name, value in head.items()]
        return httpcore.Response(reply.status, headers=headers_sent, content=_body(stream, length, timeout))

    def close(self) -> None:
        """Nothing to close."""


READ_BYTES = 65_536
ENDLESS_BYTES = 500_000
"""The length of a body that drips: below every limit of size, so that only the time ends it."""


def _body(stream: httpcore.NetworkStream, announced: int, timeout: float) -> Iterator[bytes]:
    received = 0
    while received < announced:
        content = stream.read(max(announced, READ_BYTES), timeout)
        if not content:
            raise httpcore.RemoteProtocolError("peer closed connection without sending complete message body")
        received += len(content)
        yield content


Exchange = Callable[[Request, float], tuple[Reply, Manner]]
"""Sends a request; the reply has to begin within so many seconds."""


class _Gateways(httpcore.NetworkBackend):
    """A network with only one server, which is behind every name."""

    def __init__(self, network: Network, exchange: Exchange) -> None:
        self._network = network
        self._exchange = exchange

    def connect_tcp(
        self,
        host: str,
        port: int,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        assert host == PUBLIC_ADDRESS
        return _Connection(self._network, self._exchange)


class _Connection(httpcore.NetworkStream):
    """One request and its reply. The first read sends the request; each read waits as long as its timeout permits."""

    def __init__(self, network: Network, exchange: Exchange) -> None:
        self._network = network
        self._exchange = exchange
        self._request: Request | None = None
        self._reply: Reply | None = None
        self._manner = Manner.WHOLE
        self._content = b""

    def get_extra_info(self, info: str) -> Any:
        return {"send": self._send, "head": self._head(), "manner": self._manner}[info]

    def _send(self, request: Request) -> None:
        self._request = request

    def _head(self) -> Reply | None:
        """None while it is not complete."""
        return None if self._manner in (Manner.DRIPPING_HEAD, Manner.SILENT, Manner.STUCK) else self._reply

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        seconds = math.inf if timeout is None else timeout
        if self._reply is None:
            assert self._request
            self._reply, self._manner = self._exchange(self._request, seconds)
            whole = self._reply.body
            self._content = whole[: len(whole) // 2] if self._manner is Manner.CUT else whole
            return b""
        match self._manner:
            case Manner.DRIPPING_HEAD | Manner.DRIPPING_BODY:
                self._wait(DRIP_SECONDS, seconds)
                return b"x"
            case Manner.SILENT:
                self._wait(math.inf, seconds)
            case Manner.STUCK:
                self._network.lambdas.running.stuck = True
                self._wait(math.inf, math.inf)
        content, self._content = self._content[:max_bytes], self._content[max_bytes:]
        return content

    def _wait(self, seconds: float, timeout: float) -> None:
        self._network.lambdas.running.spend(min(seconds, timeout))
        if seconds > timeout:
            raise httpcore.ReadTimeout("timed out")


def documented_error(gateway: str, code: str) -> Reply:
    """A documented error reply: crun and the family of sunoapi.org use the body of a 200, the others the HTTP status."""
    number = int(code) if code.isdecimal() else 400
    if gateway == "ttapi":
        return json_reply(number, {"status": "FAILED", "message": "no", "data": None})
    if gateway == "acedata":
        return json_reply(number, {"success": False, "error": {"code": code, "message": "no"}, "trace_id": "t"})
    if gateway == "evolink":
        return json_reply(number, {"error": {"code": code, "message": "no"}})
    if gateway == "newapi":
        return json_reply(number, {"code": code, "message": "no", "data": None})
    message = "message" if gateway == "crun" else "msg"
    return json_reply(200, {"code": number, message: "no", "data": None})
