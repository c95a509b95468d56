"""The total deadline of a request, on a network in memory and with a clock that only the network moves."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from suno_jobs.network.deadlines import DEADLINE, WRITE_BYTES, Deadline, TimedTransport
from suno_jobs.network.http import httpcore, httpx
from tests.slow_network import DRIPS, TLS, Line, parts
from tests.world import Clock

SECONDS = 30.0
TIMEOUT = {"connect": 5.0, "read": 20.0, "write": 20.0, "pool": 5.0}


def request(line: Line, *, url: str = "http://gateway.example/", body: bytes = b"", seconds: float = SECONDS) -> bytes:
    transport = TimedTransport(network=line, resolver=lambda _host, _port: ["192.0.2.1", "192.0.2.2"], ssl_context=TLS)
    extensions = {"timeout": TIMEOUT, DEADLINE: Deadline.after(seconds, line.clock)}
    response = transport.handle_request(httpx.Request("POST", url, content=body, extensions=extensions))
    try:
        return response.read()
    finally:
        response.close()


@pytest.mark.parametrize("kind", DRIPS)
def test_a_reply_that_never_ends_ends_at_the_deadline(kind: str) -> None:
    line = Line(Clock(0.0), DRIPS[kind])
    with pytest.raises(httpx.ReadTimeout):
        request(line)
    assert line.clock.now <= SECONDS
    assert line.closed


def test_the_timeout_of_each_wait_shrinks_to_the_time_left() -> None:
    line = Line(Clock(0.0), parts((12.0, b"HTTP/1.1 200 OK\r\n"), (6.0, b"Content-Length: 2\r\n"), (6.0, b"\r\nok")))
    assert request(line) == b"ok"
    assert line.timeouts == {"connect": [5.0], "write": [20.0], "read": [20.0, 18.0, 12.0]}


def test_the_connection_counts_and_ends_before_anything_is_sent() -> None:
    line = Line(Clock(0.0), connecting=9.0)
    with pytest.raises(httpx.ConnectTimeout):
        request(line, seconds=7.0)
    assert (line.addresses, line.timeouts["connect"]) == (["192.0.2.1", "192.0.2.2"], [5.0, 2.0])
    late = Line(Clock(0.0), connecting=5.5)
    with pytest.raises(httpx.ConnectTimeout):
        request(late, seconds=5.0)
    assert late.addresses == ["192.0.2.1"]


def test_the_tls_handshake_counts() -> None:
    line = Line(Clock(0.0), connecting=2.0, encrypting=4.0)
    with pytest.raises(httpx.ConnectTimeout):
        request(line, url="https://gateway.example/", seconds=5.0)
    assert line.timeouts["tls"] == [3.0]
    assert request(Line(Clock(0.0), encrypting=4.0), url="https://gateway.example/") == b"ok"


def test_a_connection_that_is_open_at_the_deadline_is_closed() -> None:
    line = Line(Clock(0.0), connecting=5.0)
    with pytest.raises(httpx.ConnectTimeout):
        request(line, url="https://gateway.example/", seconds=5.0)
    assert line.closed
    assert "tls" not in line.timeouts


def test_a_server_that_does_not_read_is_left_at_the_deadline() -> None:
    line = Line(Clock(0.0), writing=8.0)
    with pytest.raises(httpx.WriteTimeout):
        request(line, body=bytes(10 * WRITE_BYTES))
    assert line.clock.now == SECONDS
    assert line.timeouts["write"][-1] == 6.0


def test_a_large_body_is_sent_completely() -> None:
    line, body = Line(Clock(0.0)), bytes(range(256)) * 1000
    assert request(line, body=body) == b"ok"
    assert line.written.endswith(body)
    assert line.closed


def test_without_a_deadline_only_the_timeouts_count() -> None:
    line = Line(Clock(0.0))
    transport = TimedTransport(network=line, resolver=lambda host, _port: [host], ssl_context=TLS)
    sent = httpx.Request("GET", "http://gateway.example/", extensions={"timeout": TIMEOUT})
    assert transport.handle_request(sent).read() == b"ok"
    assert line.timeouts == {"connect": [5.0], "write": [20.0], "read": [20.0]}
    untimed = Line(Clock(0.0))
    transport = TimedTransport(network=untimed, resolver=lambda host, _port: [host], ssl_context=TLS)
    assert transport.handle_request(httpx.Request("GET", "http://gateway.example/")).read() == b"ok"
    assert untimed.timeouts == {"connect": [None], "write": [None], "read": [None]}


def test_a_deadline_is_the_only_limit_where_there_is_no_timeout() -> None:
    assert Deadline(Clock(0.0), 9.0).cap(None, httpcore.ReadTimeout) == 9.0


def failing(error: Exception) -> Callable[[str, int], list[str]]:
    def resolver(_host: str, _port: int) -> list[str]:
        raise error

    return resolver


@pytest.mark.parametrize("error", [OSError("no such host"), UnicodeError("label too long")])
def test_a_name_that_cannot_be_resolved_is_no_connection(error: Exception) -> None:
    line = Line(Clock(0.0))
    transport = TimedTransport(network=line, resolver=failing(error), ssl_context=TLS)
    with pytest.raises(httpx.ConnectError):
        transport.handle_request(httpx.Request("GET", "http://gateway.example/"))
    assert line.addresses == []


def test_a_resolver_that_hangs_is_left_behind() -> None:
    line, released = Line(Clock(0.0)), threading.Event()

    def hang(_host: str, _port: int) -> list[str]:
        released.wait(10)
        return ["192.0.2.1"]

    transport = TimedTransport(network=line, resolver=hang, ssl_context=TLS)
    timeout = {"connect": 0.05, "read": 1.0, "write": 1.0, "pool": 1.0}
    try:
        with pytest.raises(httpx.ConnectTimeout):
            transport.handle_request(httpx.Request("GET", "http://gateway.example/", extensions={"timeout": timeout}))
    finally:
        released.set()
    assert line.addresses == []


def test_what_is_no_url_of_the_web_is_not_connected_to() -> None:
    line = Line(Clock(0.0))
    transport = TimedTransport(network=line, resolver=lambda host, _port: [host], ssl_context=TLS)
    for url in ("gateway.example", "ftp://gateway.example"):
        with pytest.raises(httpx.UnsupportedProtocol):
            transport.handle_request(httpx.Request("GET", url))
    assert line.addresses == []
