"""A total deadline for each outgoing request, below the HTTP client: no sequence of slow or endless replies outlasts it.

The timeouts of the client bound a single wait, and every byte begins a new one. Therefore a server that sends a header or an
informational response (``102 Processing``) once a second would keep a request open for ever.
"""

from __future__ import annotations

import math
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Protocol, cast

from suno_jobs.network.http import httpcore, httpx

Clock = Callable[[], float]
Resolver = Callable[[str, int], Sequence[str]]
AddressCheck = Callable[[str, int, Sequence[str]], None]
"""Raises an httpx.TransportError if no connection to these addresses of the host may be opened."""

DEADLINE = "deadline"
"""The name of the request extension that carries the deadline."""

WRITE_BYTES = 16_384
"""One TLS record. A larger write waits several times, each time with the whole timeout."""

Timeout = type[httpcore.TimeoutException]


def resolve(host: str, port: int) -> list[str]:
    """All addresses of ``host``, in the order in which the system would try them. Raises OSError when there are none."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class Deadline:
    """The latest moment at which a request ends, with its reply."""

    clock: Clock = time.monotonic
    moment: float = math.inf

    @classmethod
    def after(cls, seconds: float, clock: Clock = time.monotonic) -> Deadline:
        return cls(clock, clock() + seconds)

    @property
    def passed(self) -> bool:
        return self.clock() >= self.moment

    def cap(self, timeout: float | None, expired: Timeout) -> float | None:
        """The timeout of the next wait: at most the time that is left. Raises ``expired`` when none is left."""
        left = self.moment - self.clock()
        if left <= 0:
            raise expired("the deadline of the request has passed")
        if math.isinf(left):
            return timeout
        return left if timeout is None else min(timeout, left)


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.cap(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), WRITE_BYTES):
            left = self._deadline.cap(timeout, httpcore.WriteTimeout)
            self._stream.write(buffer[start : start + WRITE_BYTES], left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            left = self._deadline.cap(timeout, httpcore.ConnectTimeout)
        except httpcore.ConnectTimeout:
            # The HTTP client does not know this connection yet.
            self._stream.close()
            raise
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class _TimedNetwork(httpcore.NetworkBackend):
    """Resolves a name once and tries its addresses in turn. TLS still verifies the host name."""

    def __init__(
        self, network: httpcore.NetworkBackend, deadline: Deadline, resolver: Resolver, check: AddressCheck | None
    ) -> None:
        self._network = network
        self._deadline = deadline
        self._resolver = resolver
        self._check = check

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._addresses(host, port, timeout)
        if self._check:
            self._check(host, port, addresses)
        failure: Exception = httpcore.ConnectError("the host has no address")
        for address in addresses:
            left = self._deadline.cap(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._network.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure

    def _addresses(self, host: str, port: int, timeout: float | None) -> Sequence[str]:
        left = self._deadline.cap(timeout, httpcore.ConnectTimeout)
        try:
            return list(dict.fromkeys(_resolve_within(left, self._resolver, host, port)))
        except TimeoutError:
            raise httpcore.ConnectTimeout("the host was not resolved in time") from None
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("the host cannot be resolved") from None


def _resolve_within(seconds: float | None, resolver: Resolver, host: str, port: int) -> Sequence[str]:
    """Raises TimeoutError. The system's resolver accepts no timeout, so a slow one is left behind in a thread of its own."""
    answer: Future[Sequence[str]] = Future()

    def ask() -> None:
        try:
            answer.set_result(resolver(host, port))
        except Exception as error:  # noqa: BLE001 - raised again by ``result``
            answer.set_exception(error)

    Thread(target=ask, daemon=True).start()
    return answer.result(seconds)


_HTTPX_ERRORS: Mapping[type[Exception], type[httpx.TransportError]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.PoolTimeout: httpx.PoolTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.UnsupportedProtocol: httpx.UnsupportedProtocol,
}


@contextmanager
def _as_httpx_errors() -> Iterator[None]:
    try:
        yield
    except tuple(_HTTPX_ERRORS) as error:
        raise _HTTPX_ERRORS[type(error)](str(error)) from error


class _Closable(Protocol):
    def close(self) -> None: ...


class _Body(httpx.SyncByteStream):
    """The body of a reply; closing it closes the connection."""

    def __init__(self, stream: Iterable[bytes], pool: httpcore.ConnectionPool) -> None:
        self._stream = stream
        self._pool = pool

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx_errors():
            yield from self._stream

    def close(self) -> None:
        cast("_Closable", self._stream).close()
        self._pool.close()


class TimedTransport(httpx.BaseTransport):
    """Sends each request over a connection of its own, within the ``Deadline`` in its extension ``deadline``.

    No proxy, no redirects, no retries and no environment variables. After the deadline, any step of the request raises the
    timeout of that step: ConnectTimeout as long as nothing was sent, then WriteTimeout or ReadTimeout.
    """

    def __init__(
        self,
        *,
        resolver: Resolver = resolve,
        check: AddressCheck | None = None,
        ssl_context: ssl.SSLContext | None = None,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._resolver = resolver
        self._check = check
        self._ssl_context = ssl_context or httpx.create_ssl_context(trust_env=False)
        self._network = network or httpcore.SyncBackend()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        outgoing = httpcore.Request(
            method=request.method,
            url=url,
            headers=request.headers.raw,
            content=cast("httpx.SyncByteStream", request.stream),
            extensions=request.extensions,
        )
        deadline = request.extensions.get(DEADLINE) or Deadline()
        network = _TimedNetwork(self._network, deadline, self._resolver, self._check)
        pool = httpcore.ConnectionPool(ssl_context=self._ssl_context, network_backend=network)
        with _as_httpx_errors():
            reply = pool.handle_request(outgoing)
        return httpx.Response(reply.status, headers=reply.headers, stream=_Body(cast("Iterable[bytes]", reply.stream), pool))
