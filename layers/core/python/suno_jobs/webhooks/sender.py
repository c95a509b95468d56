"""One HTTP request to an endpoint: through the SSRF guard, once, and within its deadline."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from suno_jobs.network.deadlines import DEADLINE, Clock, Deadline, Resolver, resolve
from suno_jobs.network.http import httpcore, httpx
from suno_jobs.network.ssrf_guard import ForbiddenTarget, GuardedTransport, parse_url

TIMEOUT_SECONDS = 15.0
CONNECT_SECONDS = 5.0
ANSWER_BYTES = 256
"""How much of an answer is kept."""
_HEADERS = {"accept": "*/*", "accept-encoding": "identity", "content-type": "application/json", "user-agent": "suno-jobs"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """``status`` is None if no complete head of an answer arrived; then ``answer`` says why. ``retry_after`` is in seconds."""

    status: int | None
    answer: str
    seconds: float
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        """Any other answer is a failure, a redirect included."""
        return self.status is not None and 200 <= self.status < 300


class WebhookSender:
    """Keeps no connection and no cookie between two requests, and follows no redirect. Raises nothing: every end of a request
    is an outcome, whose text never contains the URL."""

    def __init__(
        self,
        *,
        resolver: Resolver = resolve,
        clock: Clock = time.monotonic,
        trusted_origins: frozenset[str] = frozenset(),
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._clock = clock
        self._transport = GuardedTransport(resolver=resolver, trusted_origins=trusted_origins, network=network)

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        begun, deadline = self._clock(), Deadline.after(TIMEOUT_SECONDS, self._clock)
        timeout = dict.fromkeys(("read", "write"), TIMEOUT_SECONDS) | dict.fromkeys(("connect", "pool"), CONNECT_SECONDS)
        try:
            extensions = {"timeout": timeout, DEADLINE: deadline}
            request = httpx.Request(
                "POST", parse_url(url), headers={**_HEADERS, **headers}, content=body, extensions=extensions
            )
            response = self._transport.handle_request(request)
            try:
                answer, retry_after = _beginning(response), _retry_after(response.headers)
            finally:
                response.close()
        except httpx.TransportError as error:
            return Outcome(None, _reason(error), self._clock() - begun)
        return Outcome(response.status_code, answer, self._clock() - begun, retry_after)


def _beginning(response: httpx.Response) -> str:
    """The status is the answer. So a body that breaks off or never ends is no failure."""
    body = bytearray()
    try:
        for chunk in response.iter_raw():
            body += chunk
            if len(body) >= ANSWER_BYTES:
                break
    except httpx.TransportError:
        pass
    return bytes(body[:ANSWER_BYTES]).decode(errors="replace")


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds, or a date relative to the header ``Date`` of the answer, not to our clock."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, wait.total_seconds())


def _reason(error: httpx.TransportError) -> str:
    if isinstance(error, ForbiddenTarget):
        return f"not sent: {error}"
    if isinstance(error, httpx.TimeoutException):
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    return f"the connection failed: {type(error).__name__}"
