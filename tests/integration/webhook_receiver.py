"""An endpoint of a client on loopback, which fails in every way. The path says how."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

from local.loopback import LoopbackServer


class Received(NamedTuple):
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(eq=False)
class Receiver:
    """``received`` is in order. A path of ``failing`` answers 500 until it is removed from there."""

    origin: str = ""
    received: list[Received] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    _arrival: threading.Condition = field(default_factory=threading.Condition)

    def record(self, received: Received) -> None:
        with self._arrival:
            self.received.append(received)
            self._arrival.notify_all()

    def at(self, path: str) -> list[Received]:
        return [each for each in self.received if each.path == path]

    def wait(self, path: str, count: int = 1, seconds: float = 40) -> list[Received]:
        """What has arrived at the path, as soon as there is so much of it."""
        with self._arrival:
            assert self._arrival.wait_for(lambda: len(self.at(path)) >= count, seconds), self.received
        return self.at(path)


def serving(receiver: Receiver) -> LoopbackServer:
    """Not started yet."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.record(Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.close_connection = True
            MANNERS.get("fails" if self.path in receiver.failing else self.path.strip("/"), _succeed)(self)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name of the base class
            """Nothing."""

    server = LoopbackServer(Handler)
    receiver.origin = server.origin
    return server


def _answer(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _succeed(handler: BaseHTTPRequestHandler) -> None:
    _answer(handler, 200, b"thanks")


def _drip(handler: BaseHTTPRequestHandler) -> None:
    """One byte of the head after the other, for longer than anyone waits."""
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.1)


def _write_garbage(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"\x00\xff no HTTP \r\n\r\n")


def _cut_head(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-")


def _cut_body(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


MANNERS: Mapping[str, Callable[[BaseHTTPRequestHandler], None]] = {
    "fails": lambda handler: _answer(handler, 500, b"x" * 10_000),
    "refuses": lambda handler: _answer(handler, 401),
    "gone": lambda handler: _answer(handler, 410),
    "busy": lambda handler: _answer(handler, 429, Retry_After="7"),
    "redirects": lambda handler: _answer(handler, 307, Location="/elsewhere"),
    "closes": lambda _: None,
    "garbage": _write_garbage,
    "cut_head": _cut_head,
    "cut_body": _cut_body,
    "drips": _drip,
    "silent": lambda _: time.sleep(2),
}
