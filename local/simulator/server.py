"""The HTTP side: one server on loopback, with a base path for each gateway, a CDN, and an administration for tests."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from local.simulator import cdn
from local.simulator.faults import UnknownFault, parse_faults
from local.simulator.gateways import WIRES
from local.simulator.studio import CutConnection, Studio
from local.simulator.wire import Refusal, Reply, Request, json_reply

LOOPBACK = "127.0.0.1"


class Server(ThreadingHTTPServer):
    """``stop`` returns when no connection and no thread is left."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__((LOOPBACK, port), Handler)
        self.studio: Studio
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), name="simulator")

    def start(self, studio: Studio) -> None:
        self.studio = studio
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            _hang_up(connection)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is its own business, anything else is a mistake here and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "suno-gateway-simulator"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, _format: str, *_arguments: object) -> None:
        """Nothing: paths hold callback MACs in other parts of the project, and tests read the administration instead."""

    def _serve(self) -> None:
        try:
            self._send(route(self.server.studio, self._request()))
        except CutConnection:
            self.close_connection = True

    def _request(self) -> Request:
        parts = urlsplit(self.path)
        length = self.headers.get("content-length", "")
        return Request(
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(length)) if length.isdecimal() else b"",
        )

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(reply.declared_length or len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)
        if reply.declared_length:
            self.close_connection = True


def route(studio: Studio, request: Request) -> Reply:
    """Raises CutConnection."""
    base, _, rest = request.path.removeprefix("/").partition("/")
    if base == "_simulator":
        return _administer(studio, request, rest)
    if base == "cdn":
        return cdn.serve(studio, request, rest)
    if (wire := WIRES.get(base)) is None:
        return json_reply(404, {"detail": f"no gateway here; there are {', '.join(WIRES)}"})
    below = Request(request.method, "/" + rest, request.query, request.headers, request.body)
    return studio.answer(wire, below)


def _administer(studio: Studio, request: Request, name: str) -> Reply:
    match (request.method, name):
        case ("GET", "health"):
            return json_reply(200, {"status": "ok", "gateways": list(WIRES)})
        case ("GET", "tasks"):
            return json_reply(200, {"tasks": studio.tasks(), "orders": studio.orders()})
        case ("POST", "faults"):
            return _plan_faults(studio, request)
    return json_reply(404, {"detail": "there are GET health, GET tasks and POST faults"})


def _plan_faults(studio: Studio, request: Request) -> Reply:
    """Body: ``{"gateway": "ttapi", "faults": ["slow_task=3", "lost_callback"]}``."""
    try:
        wanted: Mapping[str, Any] = request.json()
        gateway, texts = wanted.get("gateway"), wanted.get("faults")
        if not isinstance(gateway, str) or gateway not in WIRES or not isinstance(texts, list):
            return json_reply(400, {"detail": "give a gateway and a list of faults"})
        faults = parse_faults(map(str, texts))
    except (Refusal, UnknownFault) as error:
        return json_reply(400, {"detail": str(error)})
    return json_reply(200, {"gateway": gateway, "faults": faults, "waiting": studio.fail_next(gateway, faults)})


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it was closed in the meantime
