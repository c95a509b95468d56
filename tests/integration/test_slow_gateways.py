"""Requests to a real server on loopback whose replies drip, hang or end in the middle."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from suno_jobs.errors import GatewayUnreachable
from suno_jobs.gateways.protocol import GatewayReply, GatewayRequest
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.traffic import client as traffic
from suno_jobs.traffic.accounts import Account
from tests.integration.faulty import Headers, Page, Server, page

POST = GatewayRequest("POST", "/suno/v1/music", json={"prompt": "rain"})
SECONDS = 0.5


def ask(server: Server, monkeypatch: pytest.MonkeyPatch) -> GatewayReply:
    monkeypatch.setattr(traffic, "CONNECT_SECONDS", 0.2)
    account = Account("ak_very-secret-key", f"http://127.0.0.1:{server.port}")
    with traffic.http_client() as client:
        return traffic.send(client, GATEWAYS["ttapi"], account, POST, reply_seconds=SECONDS - 0.2)


def dripping(start: bytes, drip: bytes) -> Callable[[Server], Page]:
    """Sends ``start``, then ``drip`` a hundred times a second until the test is over."""

    def prepare(server: Server) -> Page:
        def answer(connection: socket.socket, _headers: Headers) -> None:
            connection.sendall(start)
            while not server.stopped.wait(0.01):
                connection.sendall(drip)

        return answer

    return prepare


ENDLESS = {
    "headers": dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "informational responses": dripping(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "a body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n", b" "),
    "chunks": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "silence": dripping(b"", b""),
    "silence after a header": dripping(b"HTTP/1.1 200 OK\r\n", b""),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_i1_a_reply_without_an_end_is_lost_at_the_deadline(server: Server, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    server.pages["/suno/v1/music"] = ENDLESS[kind](server)
    began = time.monotonic()
    with pytest.raises(GatewayUnreachable) as caught:
        ask(server, monkeypatch)
    assert caught.value.sent is True
    assert time.monotonic() - began < 3 * SECONDS
    assert len(server.requests) == 1


@pytest.mark.parametrize("head", ["HTTP/1.1 200 OK\nContent-Length: 9", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked"])
def test_i1_a_reply_that_ends_in_the_middle_is_lost(server: Server, monkeypatch: pytest.MonkeyPatch, head: str) -> None:
    server.pages["/suno/v1/music"] = page(head, b'{"a"')
    with pytest.raises(GatewayUnreachable) as caught:
        ask(server, monkeypatch)
    assert caught.value.sent is True
    assert len(server.requests) == 1


def test_a_slow_reply_that_is_complete_in_time_is_read(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(connection: socket.socket, _headers: Headers) -> None:
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}":
            time.sleep(0.001)
            connection.sendall(bytes([byte]))

    server.pages["/suno/v1/music"] = slow
    assert ask(server, monkeypatch).body == b"{}"


def test_a_server_that_is_gone_was_sent_nothing(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port: int = unused.getsockname()[1]
    monkeypatch.setattr(server, "port", port)
    with pytest.raises(GatewayUnreachable) as caught:
        ask(server, monkeypatch)
    assert caught.value.sent is False
