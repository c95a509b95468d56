"""The HTTP client of the gateways, with a transport in memory."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator

import pytest

from suno_jobs.errors import GatewayUnreachable
from suno_jobs.gateways.protocol import GatewayReply, GatewayRequest
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.network.http import httpx
from suno_jobs.traffic.accounts import Account
from suno_jobs.traffic.client import REPLY_BYTES, http_client, send

KEY = "ak_very-secret-key"
ACCOUNT = Account(KEY, "https://gateway.example/base/")
POST = GatewayRequest("POST", "/suno/v1/music", json={"prompt": "caf\u00e9 \ud800"})
GET = GatewayRequest("GET", "/suno/v2/fetch", params={"jobId": "a b&c"})


class Recorder:
    """Answers every request with ``answer`` and records it."""

    def __init__(self, answer: httpx.Response | Exception) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def ask(
    answer: httpx.Response | Exception, request: GatewayRequest = POST, account: Account = ACCOUNT
) -> tuple[GatewayReply, Recorder]:
    recorder = Recorder(answer)
    with http_client(httpx.MockTransport(recorder)) as client:
        return send(client, GATEWAYS["crun"], account, request), recorder


def test_a_request_is_sent_and_its_reply_returned() -> None:
    reply, recorder = ask(httpx.Response(200, json={"code": 200}, headers={"Retry-After": "3", "X-Odd": "Yes"}))
    (request,) = recorder.requests
    assert (request.method, str(request.url)) == ("POST", "https://gateway.example/base/suno/v1/music")
    assert json.loads(request.content) == {"prompt": "caf\u00e9 \ud800"}
    assert request.headers["x-api-key"] == KEY
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.extensions["timeout"] == {"connect": 5.0, "read": 30.0, "write": 30.0, "pool": 5.0}
    assert (reply.status, reply.body) == (200, b'{"code":200}')
    assert (reply.headers["retry-after"], reply.headers["x-odd"]) == ("3", "Yes")


def test_a_query_has_parameters_and_no_body() -> None:
    _, recorder = ask(httpx.Response(200), GET)
    (request,) = recorder.requests
    assert (str(request.url), request.content) == ("https://gateway.example/base/suno/v2/fetch?jobId=a+b%26c", b"")
    assert "content-type" not in request.headers


@pytest.mark.parametrize("status", [301, 302, 307, 308, 429, 500, 503])
def test_redirects_and_errors_are_returned_after_one_request(status: int) -> None:
    reply, recorder = ask(httpx.Response(status, headers={"location": "https://elsewhere.example/"}))
    assert (reply.status, len(recorder.requests)) == (status, 1)


def test_an_injected_client_that_would_follow_redirects_does_not() -> None:
    recorder = Recorder(httpx.Response(302, headers={"location": "https://elsewhere.example/"}))
    with httpx.Client(transport=httpx.MockTransport(recorder), follow_redirects=True, trust_env=False) as client:
        assert send(client, GATEWAYS["ttapi"], ACCOUNT, POST).status == 302
    assert len(recorder.requests) == 1


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (httpx.ConnectError(KEY), False),
        (httpx.ConnectTimeout(KEY), False),
        (httpx.PoolTimeout(KEY), False),
        (httpx.UnsupportedProtocol(KEY), False),
        (httpx.ReadTimeout(KEY), True),
        (httpx.WriteTimeout(KEY), True),
        (httpx.ReadError(KEY), True),
        (httpx.WriteError(KEY), True),
        (httpx.RemoteProtocolError(KEY), True),
        (httpx.ProxyError(KEY), True),
        (httpx.DecodingError(KEY), True),
    ],
)
def test_a_transport_error_records_whether_the_request_was_sent(error: Exception, *, sent: bool) -> None:
    with pytest.raises(GatewayUnreachable) as caught:
        ask(error)
    assert caught.value.sent is sent
    assert str(caught.value) == f"crun: {type(error).__name__}"
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("base_url", ["", "gateway.example", "ftp://gateway.example", "https://gateway.example:x"])
def test_a_bad_base_url_sends_nothing(base_url: str) -> None:
    with http_client() as client, pytest.raises(GatewayUnreachable) as caught:
        send(client, GATEWAYS["ttapi"], Account(KEY, base_url), POST)
    assert caught.value.sent is False


class Interrupted(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        yield b'{"data":'
        raise httpx.ReadError("gone")


def test_the_request_of_an_interrupted_reply_counts_as_sent() -> None:
    with pytest.raises(GatewayUnreachable) as caught:
        ask(httpx.Response(200, stream=Interrupted()))
    assert caught.value.sent is True


class Endless(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield b" "


def test_a_reply_that_never_ends_is_aborted() -> None:
    times = iter(range(1000))
    recorder = Recorder(httpx.Response(200, stream=Endless()))
    with http_client(httpx.MockTransport(recorder)) as client, pytest.raises(GatewayUnreachable) as caught:
        send(client, GATEWAYS["ttapi"], ACCOUNT, POST, clock=lambda: float(next(times)))
    assert caught.value.sent is True
    assert next(times) < 50


@pytest.mark.parametrize("size", [REPLY_BYTES, REPLY_BYTES + 1, 3 * REPLY_BYTES])
def test_a_huge_reply_is_truncated(size: int) -> None:
    reply, _ = ask(httpx.Response(200, content=b'{"data":{"task_id":"T1"},"code":200,"x":"' + b"x" * size))
    assert len(reply.body) == REPLY_BYTES


def test_our_key_is_removed_from_the_reply() -> None:
    reply, _ = ask(httpx.Response(401, json={"message": f"wrong key {KEY}"}))
    assert json.loads(reply.body) == {"message": "wrong key [key]"}


def test_account_hides_its_key() -> None:
    assert KEY not in repr(ACCOUNT)


@pytest.mark.parametrize("key", ["", "caf\u00e9", "two words", "line\nbreak"])
def test_a_key_that_no_header_can_carry_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII") as caught:
        Account(key, "https://gateway.example")
    assert not key or key not in str(caught.value)
