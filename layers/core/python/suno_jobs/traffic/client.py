"""The one place that sends requests to gateways: exactly once, and without revealing the key."""

from __future__ import annotations

import json
import time

from suno_jobs.errors import GatewayUnreachable
from suno_jobs.gateways.protocol import Gateway, GatewayReply, GatewayRequest
from suno_jobs.network.deadlines import DEADLINE, Clock, Deadline, TimedTransport
from suno_jobs.network.http import httpx
from suno_jobs.traffic.accounts import Account

CONNECT_SECONDS = 5.0
REPLY_SECONDS = 30.0
REPLY_BYTES = 1024 * 1024
_SHORTEST_SECRET = 8

# Raised before anything left this machine.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


def http_client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """For use with ``send``: no proxy from the environment, no redirects, no retries, and a new connection each time.

    A connection that was kept while Lambda froze the function may be broken, and a submission over it would count as lost.
    """
    return httpx.Client(transport=transport or TimedTransport(), trust_env=False, follow_redirects=False)


def send(
    client: httpx.Client,
    gateway: Gateway,
    account: Account,
    request: GatewayRequest,
    *,
    reply_seconds: float = REPLY_SECONDS,
    clock: Clock = time.monotonic,
) -> GatewayReply:
    """Sends ``request`` exactly once and returns any complete reply, including redirects and errors.

    The whole call takes at most ``reply_seconds`` and 5 s for the connection, however slowly the reply arrives: informational
    responses, headers and body count alike. Of a reply over 1 MiB only the beginning is returned, which no adapter can parse.
    If the gateway echoes our key, it is removed from the body.

    Raises GatewayUnreachable if no complete reply arrived in time.
    """
    deadline = Deadline.after(CONNECT_SECONDS + reply_seconds, clock)
    try:
        outgoing = client.build_request(
            request.method,
            account.base_url.rstrip("/") + request.path,
            params=dict(request.params) or None,
            # ASCII only, so that every text of a client can be encoded.
            content=None if request.json is None else json.dumps(request.json).encode(),
            headers=_headers(gateway, account, request),
            timeout=httpx.Timeout(reply_seconds, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS),
            extensions={DEADLINE: deadline},
        )
        response = client.send(outgoing, stream=True, follow_redirects=False)
    except (httpx.RequestError, httpx.InvalidURL) as error:
        raise _unreachable(gateway, error) from None
    try:
        body = _read(gateway, response, deadline)
    except httpx.RequestError as error:
        raise _unreachable(gateway, error) from None
    finally:
        response.close()
    headers = {name.lower(): value for name, value in response.headers.items()}
    return GatewayReply(response.status_code, _without_key(body, account.api_key), headers)


def _headers(gateway: Gateway, account: Account, request: GatewayRequest) -> dict[str, str]:
    # Uncompressed, so that the size limit of a reply also limits the memory for it.
    headers = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "suno-jobs"}
    if request.json is not None:
        headers["content-type"] = "application/json"
    return {**headers, **request.headers, **gateway.authorization(account.api_key)}


def _read(gateway: Gateway, response: httpx.Response, deadline: Deadline) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > REPLY_BYTES:
            return bytes(body[:REPLY_BYTES])
        if deadline.passed:
            raise GatewayUnreachable(f"{gateway.name}: the reply was not complete in time", sent=True)
    return bytes(body)


def _without_key(body: bytes, api_key: str) -> bytes:
    return body.replace(api_key.encode(), b"[key]") if len(api_key) >= _SHORTEST_SECRET else body


def _unreachable(gateway: Gateway, error: httpx.RequestError | httpx.InvalidURL) -> GatewayUnreachable:
    sent = not isinstance(error, (*_NOT_SENT, httpx.InvalidURL))
    return GatewayUnreachable(f"{gateway.name}: {type(error).__name__}", sent=sent)
