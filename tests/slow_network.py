"""A network in memory whose steps take time, by a clock that only the network moves."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from suno_jobs.network.http import httpcore
from tests.world import Clock

TLS = ssl.create_default_context()
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


Replies = Callable[[], Iterable[tuple[float, bytes]]]
"""The parts of a reply, each after as many seconds."""


@dataclass
class Line(httpcore.NetworkBackend):
    """A network whose steps take time: each of them waits at most its timeout, as a socket does."""

    clock: Clock
    replies: Replies = lambda: ((0.0, WHOLE),)
    connecting: float = 0.0
    writing: float = 0.0
    encrypting: float = 0.0
    timeouts: dict[str, list[float | None]] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)
    written: bytes = b""
    closed: bool = False

    def wait(self, step: str, seconds: float, timeout: float | None, expired: type[Exception]) -> None:
        self.timeouts.setdefault(step, []).append(timeout)
        self.clock.sleep(seconds if timeout is None else min(seconds, timeout))
        if timeout is not None and seconds > timeout:
            raise expired("timed out")

    def connect_tcp(
        self,
        host: str,
        port: int,  # noqa: ARG002
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        self.addresses.append(host)
        self.wait("connect", self.connecting, timeout, httpcore.ConnectTimeout)
        return _Stream(self)


class _Stream(httpcore.NetworkStream):
    def __init__(self, line: Line) -> None:
        self._line = line
        self._replies = iter(line.replies())

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        seconds, data = next(self._replies, (0.0, b""))
        self._line.wait("read", seconds, timeout, httpcore.ReadTimeout)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._line.wait("write", self._line.writing, timeout, httpcore.WriteTimeout)
        self._line.written += buffer

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,  # noqa: ARG002
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        assert server_hostname == "gateway.example"
        self._line.wait("tls", self._line.encrypting, timeout, httpcore.ConnectTimeout)
        return self

    def close(self) -> None:
        self._line.closed = True

    def get_extra_info(self, info: str) -> object:  # noqa: ARG002
        return None


def parts(*timed: tuple[float, bytes]) -> Replies:
    return lambda: timed


def endless(seconds: float, *content: bytes) -> Replies:
    """The parts, and the last one for ever, each after as many seconds."""
    return lambda: ((seconds, part) for part in itertools.chain(content, itertools.repeat(content[-1])))


DRIPS = {
    "informational responses": endless(1.0, b"HTTP/1.1 102 Processing\r\n\r\n"),
    "headers": endless(1.0, b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "a header without an end": endless(1.0, b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "a body": endless(1.0, b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n", b"x"),
    "chunks": endless(1.0, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "silence": parts((999.0, b"")),
    "silence after a header": parts((19.0, b"HTTP/1.1 200 OK\r\n"), (999.0, b"")),
}
