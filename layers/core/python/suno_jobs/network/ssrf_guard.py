"""The SSRF guard: connections to public addresses only (invariant I10).

``GuardedTransport`` is an HTTP transport for every request to a URL that a gateway or a client chose.
"""

from __future__ import annotations

import ipaddress
import math
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, cast

import idna

from suno_jobs.network.http import httpcore, httpx

Clock = Callable[[], float]
Resolver = Callable[[str, int], Sequence[str]]

# Blocks that ``ipaddress`` calls global although they are not public, and blocks that are newer than Python 3.11.
# Sources: the IANA special-purpose address registries; RFC 6052 and 8215 (NAT64), 3056 (6to4), 4380 (Teredo), 9602, 9637.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(block)
    for block in (
        "168.63.129.16/32",  # the host of an Azure machine, at a public address
        "192.0.0.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.175.48.0/24",
        "224.0.0.0/4",
        "2001::/23",
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
# Contains every routed IPv6 address, but no IPv4 address that is embedded in IPv6 (mapped, compatible, NAT64).
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
# The last label starts with a letter, so that no numeric address (127.1, 0x7f000001, 2130706433) matches.
_HOST_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])")
_UNSAFE_IN_URL = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")


class ForbiddenTarget(httpx.TransportError):
    """The URL, or an address that its host name resolves to, is forbidden. Nothing was sent."""


def is_public(address: str) -> bool:
    """True only for a unicast address of the public internet; False for any text that is not a plain address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (ip.scope_id is not None or ip not in _GLOBAL_UNICAST):
        return False
    return ip.is_global and not any(ip in block for block in _NOT_PUBLIC)


def resolve(host: str, port: int) -> list[str]:
    """All addresses of ``host``, in the order in which the system would try them. Raises OSError when there are none."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def parse_url(url: str) -> httpx.URL:
    """Raises ForbiddenTarget for text that is malformed or contains unsafe characters. The target is not checked here."""
    if _UNSAFE_IN_URL.search(url):
        raise ForbiddenTarget("the URL contains a control character or a backslash")
    try:
        parsed = httpx.URL(url)
        if b"xn--" in parsed.raw_host:
            idna.decode(parsed.raw_host)  # HTTP clients differ in whether they refuse malformed Punycode
    except (httpx.InvalidURL, UnicodeError):
        raise ForbiddenTarget("the URL is malformed") from None
    return parsed


def _origin(url: httpx.URL) -> str:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    return f"{url.scheme}://{url.netloc.decode('ascii').removesuffix(f':{port}')}:{port}"


def check_url(url: str) -> None:
    """Raises ForbiddenTarget for a URL that must not be fetched, as far as that is visible without resolving its host name."""
    _check_target(parse_url(url))


def _check_target(url: httpx.URL) -> None:
    if url.scheme != "https":
        raise ForbiddenTarget("the URL is not https")
    if url.userinfo:
        raise ForbiddenTarget("the URL contains a user name")
    if url.port not in (None, 443):
        raise ForbiddenTarget("the URL has a port other than 443")
    host = url.raw_host.decode("ascii")
    if _is_canonical_address(host):
        if not is_public(host):
            raise ForbiddenTarget("the URL contains an address that is not public")
    elif len(host) > 253 or not _HOST_NAME.fullmatch(host):
        raise ForbiddenTarget("the URL has no valid host name")


def _is_canonical_address(host: str) -> bool:
    try:
        return str(ipaddress.ip_address(host)) == host
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Deadline:
    """The latest moment at which a transfer ends. It bounds every wait, so that no slow trickle of bytes exceeds it."""

    clock: Clock = time.monotonic
    moment: float = math.inf

    @property
    def passed(self) -> bool:
        return self.clock() >= self.moment

    def cap(self, timeout: float | None) -> float | None:
        left = self.moment - self.clock()
        if left <= 0:
            raise httpcore.ReadTimeout("the deadline of the transfer has passed")
        if math.isinf(left):
            return timeout
        return left if timeout is None else min(timeout, left)


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.cap(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.cap(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.cap(timeout))
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class _GuardedNetwork(httpcore.NetworkBackend):
    """Resolves a name once and connects only to the addresses that were checked. TLS still verifies the host name."""

    def __init__(
        self, resolver: Resolver, trusted: frozenset[tuple[str, int]], deadline: Deadline, network: httpcore.NetworkBackend
    ) -> None:
        self._resolver = resolver
        self._trusted = trusted
        self._deadline = deadline
        self._network = network

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("the host has no address")
        for address in self._addresses(host, port):
            seconds = self._deadline.cap(timeout)
            try:
                stream = self._network.connect_tcp(address, port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = list(dict.fromkeys(self._resolver(host, port)))
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("the host cannot be resolved") from None
        if (host, port) not in self._trusted and not all(is_public(address) for address in addresses):
            raise ForbiddenTarget("the host has an address that is not public")
        return addresses


_HTTPX_ERRORS: dict[type[Exception], type[httpx.TransportError]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.PoolTimeout: httpx.PoolTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
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
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx_errors():
            yield from self._stream

    def close(self) -> None:
        cast("_Closable", self._stream).close()


class GuardedTransport(httpx.BaseTransport):
    """Sends requests by HTTPS to public addresses on port 443 only. No proxy, no redirects, no environment variables.

    Use it in a client with ``trust_env=False``. It checks each request and raises ForbiddenTarget for a forbidden one.
    ``trusted_origins`` (``scheme://host:port``) are exempt; only the code of the local stack passes any.
    """

    def __init__(
        self,
        *,
        resolver: Resolver = resolve,
        trusted_origins: frozenset[str] = frozenset(),
        deadline: Deadline | None = None,
        ssl_context: ssl.SSLContext | None = None,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        urls = [httpx.URL(origin) for origin in trusted_origins]
        self._trusted_origins = frozenset(_origin(url) for url in urls)
        guard = _GuardedNetwork(
            resolver,
            frozenset((url.raw_host.decode("ascii"), int(_origin(url).rpartition(":")[2])) for url in urls),
            deadline or Deadline(),
            network or httpcore.SyncBackend(),
        )
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or httpx.create_ssl_context(trust_env=False), network_backend=guard
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.userinfo or _origin(request.url) not in self._trusted_origins:
            _check_target(request.url)
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        with _as_httpx_errors():
            reply = self._pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=url,
                    headers=request.headers.raw,
                    content=cast("httpx.SyncByteStream", request.stream),
                    extensions=request.extensions,
                )
            )
        return httpx.Response(reply.status, headers=reply.headers, stream=_Body(cast("Iterable[bytes]", reply.stream)))

    def close(self) -> None:
        self._pool.close()
