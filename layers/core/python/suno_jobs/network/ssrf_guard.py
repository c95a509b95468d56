"""The SSRF guard: connections to public addresses only (invariant I10).

``GuardedTransport`` is an HTTP transport for every request to a URL that a gateway or a client chose.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Sequence

import idna

from suno_jobs.network.deadlines import Resolver, TimedTransport, resolve
from suno_jobs.network.http import httpcore, httpx

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


class ForbiddenAddress(ForbiddenTarget):
    """The host name resolves to an address that is not public. The next resolution may give another answer."""


def is_public(address: str) -> bool:
    """True only for a unicast address of the public internet; False for any text that is not a plain address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (ip.scope_id is not None or ip not in _GLOBAL_UNICAST):
        return False
    return ip.is_global and not any(ip in block for block in _NOT_PUBLIC)


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


def check_url(url: str, trusted_origins: frozenset[str] = frozenset()) -> None:
    """Raises ForbiddenTarget for a URL that must not be fetched, as far as that is visible without resolving its host name.

    ``trusted_origins`` are exempt; see ``GuardedTransport``.
    """
    parsed = parse_url(url)
    if parsed.userinfo or _origin(parsed) not in trusted_origins:
        _check_target(parsed)


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


class GuardedTransport(TimedTransport):
    """Sends requests by HTTPS to public addresses on port 443 only. No proxy, no redirects, no environment variables.

    Use it in a client with ``trust_env=False``. It checks each request and raises ForbiddenTarget for a forbidden one.
    ``trusted_origins`` (``scheme://host:port``) are exempt; only the code of the local stack passes any.
    """

    def __init__(
        self,
        *,
        resolver: Resolver = resolve,
        trusted_origins: frozenset[str] = frozenset(),
        ssl_context: ssl.SSLContext | None = None,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        urls = [httpx.URL(origin) for origin in trusted_origins]
        self._trusted_origins = frozenset(_origin(url) for url in urls)
        self._trusted_hosts = frozenset((url.raw_host.decode("ascii"), int(_origin(url).rpartition(":")[2])) for url in urls)
        super().__init__(resolver=resolver, check=self._check_addresses, ssl_context=ssl_context, network=network)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.userinfo or _origin(request.url) not in self._trusted_origins:
            _check_target(request.url)
        return super().handle_request(request)

    def secured(self, url: httpx.URL) -> httpx.URL:
        """The same URL by HTTPS, unless its origin is trusted: a plain link is never fetched in the clear."""
        if url.scheme != "http" or _origin(url) in self._trusted_origins:
            return url
        return url.copy_with(scheme="https", port=None if url.port == 80 else url.port)

    def _check_addresses(self, host: str, port: int, addresses: Sequence[str]) -> None:
        if (host, port) not in self._trusted_hosts and not all(is_public(address) for address in addresses):
            raise ForbiddenAddress("the host has an address that is not public")
