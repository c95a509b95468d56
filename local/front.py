"""A clean, early known URL for the HTTP API: the emulator serves it below a path that is known after the deploy only."""

import http.client
import json
import time
from collections.abc import Callable, Iterable, Sequence
from http.server import BaseHTTPRequestHandler

from botocore.exceptions import BotoCoreError, ClientError

from local import limits
from local.limits import Busy, Turns
from local.loopback import LoopbackServer
from local.processes import StartFailed
from local.queue_routes import Message, QueueRoute, RequestRefused

INTEGRATION_TIMEOUT_SECONDS = 35
# The emulator closes a connection that was idle for 75 s. One that may be closed is not used: a request is sent once.
IDLE_SECONDS = 30
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "proxy-authorization",
    "content-length",
}

_Reply = tuple[int, list[tuple[str, str]], bytes]
LOCAL_PATH = "/_local"
"""Not of the API: it tells that this is a local stack, and which of its gateways cost nothing."""
FUNCTION_FAILED: _Reply = (500, [("Content-Type", "application/json")], b'{"message":"Internal Server Error"}')
Send = Callable[[Message], str]
"""Puts a message into its queue, and returns its id."""


def as_api_gateway(reply: _Reply) -> _Reply:
    """The emulator answers a failed function with 502 and its traceback. API Gateway tells clients nothing about it."""
    return FUNCTION_FAILED if reply[0] == 502 else reply


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Front"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent: a request line of the callback route holds a MAC."""

    def _forward(self) -> None:
        self._answer(*self._reply())

    def _reply(self) -> _Reply:
        target = self.server.target
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self.close_connection = True
            return 411, [], b""
        body = self.rfile.read(int(length))
        if target is None:
            return 503, [], b""
        if self.path == LOCAL_PATH:
            return 200, [("Content-Type", "application/json")], json.dumps({"simulated": self.server.simulated}).encode()
        if (enqueued := self._enqueue(body)) is not None:
            return enqueued
        try:
            with self.server.turns.turn(limits.API_PATIENCE_SECONDS) as connection:
                return as_api_gateway(self._exchange(connection, target, body))
        except Busy:
            return 503, [("Content-Type", "application/json")], b'{"message":"Service Unavailable"}'
        except (OSError, http.client.HTTPException):
            return 502, [], b""

    def _enqueue(self, body: bytes) -> _Reply | None:
        """None if no route into a queue fits."""
        try:
            for route in self.server.queue_routes:
                if message := route.message(self.command, self.path, dict(self.headers), body):
                    answer = {"SendMessageResponse": {"SendMessageResult": {"MessageId": self.server.send(message)}}}
                    return 200, [("Content-Type", "application/json")], json.dumps(answer).encode()
        except RequestRefused as refused:
            return 400, [("Content-Type", "application/json")], json.dumps({"message": str(refused)}).encode()
        except (BotoCoreError, ClientError):
            return FUNCTION_FAILED
        return None

    def _exchange(self, connection: "Connection", target: tuple[int, str], body: bytes) -> _Reply:
        port, prefix = target
        upstream = connection.to(port)
        try:
            upstream.putrequest(self.command, prefix + self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    upstream.putheader(name, value)
            upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            response = upstream.getresponse()
            return response.status, response.getheaders(), response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        # The answer to HEAD has the length that the answer to GET would have.
        given = {name.lower(): value for name, value in headers} if self.command == "HEAD" else {}
        self.send_header("Content-Length", given.get("content-length", str(len(body))))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _forward  # noqa: N815


class Connection:
    """A connection to the emulator, kept from one request to the next."""

    def __init__(self) -> None:
        self._upstream: http.client.HTTPConnection | None = None
        self._used = 0.0

    def to(self, port: int) -> http.client.HTTPConnection:
        now = time.monotonic()
        if self._upstream is None or self._upstream.port != port or now - self._used > IDLE_SECONDS:
            self.close()
            self._upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=INTEGRATION_TIMEOUT_SECONDS)
        self._used = now
        return self._upstream

    def close(self) -> None:
        if self._upstream is not None:
            self._upstream.close()


class Front(LoopbackServer):
    """Forwards method, raw path, query, headers, body and status unchanged; answers 503 until `route_to` is called.

    Requests for a route into a queue are put there instead, as the emulator's API Gateway cannot.

    So many requests at a time are forwarded as the API has its share of; more wait for their turn.
    """

    target: tuple[int, str] | None = None
    queue_routes: tuple[QueueRoute, ...] = ()
    simulated: Sequence[str] = ()
    send: Send

    def __init__(self, port: int = 0) -> None:
        self._connections = [Connection() for _ in range(limits.API_REQUESTS)]
        self.turns = Turns(self._connections)
        try:
            super().__init__(_Handler, port)
        except OSError as error:
            raise StartFailed(f"port {port} cannot be used: {error}") from error

    def put_into_queues(self, queue_routes: Iterable[QueueRoute], send: Send) -> None:
        self.queue_routes, self.send = tuple(queue_routes), send

    def route_to(self, port: int, prefix: str) -> None:
        self.target = (port, prefix)

    def server_close(self) -> None:
        super().server_close()
        for connection in self._connections:
            connection.close()
