"""Downloads one file from an untrusted server: complete, hashed and within its limits, or not at all."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from suno_jobs.errors import AssetError, AssetExpired, AssetNotReady, AssetTooLarge, ErrorCode, Fault
from suno_jobs.network.deadlines import DEADLINE, Clock, Deadline, Resolver, resolve
from suno_jobs.network.http import httpcore, httpx
from suno_jobs.network.ssrf_guard import ForbiddenAddress, ForbiddenTarget, GuardedTransport, parse_url

if TYPE_CHECKING:
    import ssl


MAX_REDIRECTS = 3
MAX_RESUMES = 2
CONNECT_SECONDS = 10.0
READ_SECONDS = 20.0

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = 410
# After the promised life of a link, any other client error means that it has expired: CDNs answer 403 or 404, S3 and Google
# Cloud Storage answer 400 to an expired token. Before, it may mean that the file is not available yet.
_MAY_PASS_LATER = frozenset({408, 425, 429})
# Some CDNs answer 403 to a client without a browser's product token (gateways.md, "CDN refuses a User-Agent").
USER_AGENT = "Mozilla/5.0 (compatible; suno-jobs/0.1)"
_HEADERS = {"accept": "*/*", "accept-encoding": "identity", "user-agent": USER_AGENT}
_TIMEOUT = {"connect": CONNECT_SECONDS, "read": READ_SECONDS, "write": READ_SECONDS, "pool": CONNECT_SECONDS}


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What was written. ``content_type`` is only the server's claim; ``host`` is the server that sent the file."""

    bytes: int
    sha256: str
    content_type: str | None
    host: str


@dataclass(slots=True)
class _Transfer:
    """The state of one download, over one or more connections."""

    into: BinaryIO
    max_bytes: int
    past_expiry: bool = False
    redirected: bool = False
    host: str = "the URL"
    started: bool = False
    received: int = 0
    declared: int | None = None
    validated_by: str = "etag"
    validator: str | None = None
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    @property
    def can_resume(self) -> bool:
        return self.validator is not None and self.declared is not None and 0 < self.received < self.declared

    def headers(self) -> dict[str, str]:
        if self.validator is None:
            return _HEADERS
        return {**_HEADERS, "range": f"bytes={self.received}-", "if-range": self.validator}

    def begin(self, headers: httpx.Headers) -> None:
        """Records what a 200 declares. Without a length, support for ranges and a validator, the download cannot be resumed."""
        self.started = True
        length = headers.get("content-length")
        self.declared = int(length) if length is not None else None
        if self.declared is not None and self.declared > self.max_bytes:
            raise self._too_large()
        if headers.get("accept-ranges") == "bytes":
            weak = headers.get("etag", "W/").startswith("W/")
            self.validated_by = "last-modified" if weak else "etag"
            self.validator = headers.get(self.validated_by)

    def continues(self, headers: httpx.Headers) -> bool:
        """Whether a 206 contains exactly the missing bytes, of the same version of the file."""
        total = self.declared or 0
        missing = f"bytes {self.received}-{total - 1}/{total}"
        return (headers.get(self.validated_by, self.validator), headers.get("content-range")) == (self.validator, missing)

    def write(self, chunk: bytes) -> None:
        self.received += len(chunk)
        if self.received > self.max_bytes:
            raise self._too_large()
        self.into.write(chunk)
        self.digest.update(chunk)

    def _too_large(self) -> AssetTooLarge:
        message = f"{self.host}: the file is larger than {self.max_bytes} bytes"
        return AssetTooLarge(Fault(ErrorCode.ASSET_TOO_LARGE, message, limit_bytes=self.max_bytes))

    def not_ready(self, code: ErrorCode, reason: str) -> AssetNotReady:
        return AssetNotReady(Fault(code, f"{self.host}: {reason}"))

    def needs_new_link(self, code: ErrorCode, reason: str) -> AssetExpired:
        return AssetExpired(Fault(code, f"{self.host}: {reason}"))


class Downloader:
    """Keeps no connection, cookie or credential between two files.

    ``trusted_origins`` may be fetched from although they are not public; see ``GuardedTransport``.
    """

    def __init__(
        self,
        *,
        resolver: Resolver = resolve,
        clock: Clock = time.monotonic,
        trusted_origins: frozenset[str] = frozenset(),
        ssl_context: ssl.SSLContext | None = None,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._trusted_origins = trusted_origins
        self._ssl_context = ssl_context or httpx.create_ssl_context(trust_env=False)
        self._network = network

    def fetch(self, url: str, into: BinaryIO, *, max_bytes: int, seconds: float, past_expiry: bool = False) -> Downloaded:
        """Streams the file behind ``url`` into ``into``, with constant memory and for at most ``seconds``.

        Raises AssetNotReady if the same call may succeed later, AssetExpired if only a new link helps, and AssetTooLarge only
        for a file over ``max_bytes``: no answer of a server and no name resolution is final. ``into`` may then contain a part
        of the file, which the caller discards. No message contains the URL: it may be signed. ``past_expiry``: the link is
        older than its gateway promises, so that a client error means that it has expired. ``http`` is fetched as ``https``.
        The bytes are as they were sent, whatever Content-Encoding says: only ``identity`` was accepted, and some servers name
        another one without applying it.
        """
        deadline = Deadline.after(seconds, self._clock)
        transfer = _Transfer(into, max_bytes, past_expiry)
        transport = GuardedTransport(
            resolver=self._resolver,
            trusted_origins=self._trusted_origins,
            ssl_context=self._ssl_context,
            network=self._network,
        )
        with transport:
            resumes = 0
            while True:
                try:
                    return _receive(transport, url, transfer, deadline)
                except httpx.TransportError as error:
                    if resumes == MAX_RESUMES or deadline.passed or not transfer.can_resume:
                        raise _as_asset_error(error, transfer) from error
                resumes += 1


def _receive(transport: GuardedTransport, url: str, transfer: _Transfer, deadline: Deadline) -> Downloaded:
    with _follow(transport, url, transfer, deadline) as response:
        _check_status(response.status_code, response.headers, transfer)
        if not transfer.started:
            transfer.begin(response.headers)
        elif not transfer.continues(response.headers):
            raise transfer.not_ready(ErrorCode.ASSET_TRUNCATED, "the server resumed the file at the wrong position")
        for chunk in response.iter_raw():
            transfer.write(chunk)
        if transfer.received == 0 or transfer.declared not in (None, transfer.received):
            sizes = f"received {transfer.received} bytes, Content-Length is {transfer.declared}"
            raise transfer.not_ready(ErrorCode.ASSET_TRUNCATED, sizes)
        return Downloaded(transfer.received, transfer.digest.hexdigest(), response.headers.get("content-type"), transfer.host)


@contextmanager
def _follow(transport: GuardedTransport, url: str, transfer: _Transfer, deadline: Deadline) -> Iterator[httpx.Response]:
    """The first response that is not a redirect. The SSRF guard checks every hop."""
    transfer.redirected = False
    target = transport.secured(parse_url(url))
    for _ in range(MAX_REDIRECTS + 1):
        transfer.host = target.raw_host.decode("ascii")
        extensions = {"timeout": _TIMEOUT, DEADLINE: deadline}
        request = httpx.Request("GET", target, headers=transfer.headers(), extensions=extensions)
        response = transport.handle_request(request)
        try:
            location = response.headers.get("location")
            if response.status_code not in _REDIRECTS or location is None:
                yield response
                return
        finally:
            response.close()
        transfer.redirected = True
        target = transport.secured(parse_url(str(target.join(parse_url(location)))))
    raise transfer.not_ready(ErrorCode.ASSET_UNAVAILABLE, f"more than {MAX_REDIRECTS} redirects")


def _check_status(status: int, headers: httpx.Headers, transfer: _Transfer) -> None:
    if status == 206 if transfer.started else status in (200, 203) or (status == 206 and _is_whole(headers)):
        return
    if transfer.started or status == 206:
        raise transfer.not_ready(ErrorCode.ASSET_TRUNCATED, f"answered {status} to a request for the missing part")
    client_error = 400 <= status < 500 and status not in _MAY_PASS_LATER
    if status == _GONE or (transfer.past_expiry and client_error):
        raise transfer.needs_new_link(ErrorCode.ASSET_EXPIRED, f"answered {status}, the link has expired")
    raise transfer.not_ready(ErrorCode.ASSET_UNAVAILABLE, f"answered {status}")


def _is_whole(headers: httpx.Headers) -> bool:
    """Whether a 206 to a request without a range contains the whole file."""
    length = headers.get("content-length", "")
    whole = f"bytes 0-{int(length or 0) - 1}/{length}"
    return bool(headers.get("content-range") == whole)


def _as_asset_error(error: httpx.TransportError, transfer: _Transfer) -> AssetError:
    if isinstance(error, ForbiddenAddress) or (isinstance(error, ForbiddenTarget) and transfer.redirected):
        # The name may resolve to another address, and the server may redirect to another URL, the next time.
        return transfer.not_ready(ErrorCode.ASSET_FORBIDDEN_ADDRESS, str(error))
    if isinstance(error, ForbiddenTarget):
        return transfer.needs_new_link(ErrorCode.ASSET_FORBIDDEN_ADDRESS, str(error))
    reason = f"{type(error).__name__} after {transfer.received} bytes"
    if transfer.started and not isinstance(error, httpx.TimeoutException):
        return transfer.not_ready(ErrorCode.ASSET_TRUNCATED, reason)
    return transfer.not_ready(ErrorCode.ASSET_UNAVAILABLE, reason)
