"""Downloads from a real server on loopback that lies, stalls, drips and breaks off, over real TLS."""

from __future__ import annotations

import hashlib
import io
import os
import re
import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from suno_jobs.errors import AssetError, AssetExpired, AssetNotReady, AssetTooLarge, ErrorCode
from suno_jobs.network.download import USER_AGENT, Downloaded, Downloader
from suno_jobs.network.http import httpx
from suno_jobs.network.ssrf_guard import GuardedTransport
from tests.integration.faulty import BODY, HOSTS, PUBLIC, Headers, Page, Server, Street, page, whole


def fetch(downloader: Downloader, into: io.BytesIO, max_bytes: int = 1_000_000, seconds: float = 10) -> Downloaded:
    return downloader.fetch("https://cdn.example.com/song?sig=secret", into, max_bytes=max_bytes, seconds=seconds)


def refusal(downloader: Downloader, max_bytes: int = 1_000_000, seconds: float = 10) -> AssetError:
    with pytest.raises(AssetError) as caught:
        fetch(downloader, io.BytesIO(), max_bytes, seconds)
    assert "secret" not in str(caught.value)
    assert caught.value.fault.message.startswith("cdn.example.com: ")
    return caught.value


def test_a_whole_file_arrives_with_its_hash(server: Server, street: Street, downloader: Downloader) -> None:
    server.pages["/song"] = whole()
    file = io.BytesIO()
    found = fetch(downloader, file)
    assert file.getvalue() == BODY
    assert found == Downloaded(len(BODY), hashlib.sha256(BODY).hexdigest(), "audio/mpeg", "cdn.example.com")
    assert street.dialled == [(PUBLIC, 443)]
    assert server.names == ["cdn.example.com"]
    assert server.requests == [
        ("/song", {"host": "cdn.example.com", "accept": "*/*", "accept-encoding": "identity", "user-agent": USER_AGENT})
    ]


def test_a_chunked_file_without_a_length_arrives(server: Server, downloader: Downloader) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:1], BODY[1:70_000], BODY[70_000:]))
    server.pages["/song"] = page("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", chunks + b"0\r\n\r\n")
    file = io.BytesIO()
    assert fetch(downloader, file).bytes == len(BODY)
    assert file.getvalue() == BODY


def test_a_certificate_of_another_name_is_not_accepted(server: Server, downloader: Downloader) -> None:
    server.pages["/song"] = whole()
    with pytest.raises(AssetNotReady) as caught:
        downloader.fetch("https://stranger.example.com/song", io.BytesIO(), max_bytes=1_000_000, seconds=10)
    assert caught.value.fault.code is ErrorCode.ASSET_UNAVAILABLE
    assert server.requests == []


BROKEN = {
    "shorter than announced": (page("HTTP/1.1 200 OK\nContent-Length: 300001"), ErrorCode.ASSET_TRUNCATED),
    "nothing of what was announced": (page("HTTP/1.1 200 OK\nContent-Length: 300000", b""), ErrorCode.ASSET_TRUNCATED),
    "chunks without an end": (
        page("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", b"10\r\n" + bytes(16)),
        ErrorCode.ASSET_TRUNCATED,
    ),
    "broken chunk": (page("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", b"4\r\nabcd\r\nzz\r\n"), ErrorCode.ASSET_TRUNCATED),
    "chunks and another length": (
        page("HTTP/1.1 200 OK\nContent-Length: 9\nTransfer-Encoding: chunked", b"4\r\nabcd\r\n0\r\n\r\n"),
        ErrorCode.ASSET_TRUNCATED,
    ),
    "no bytes": (page("HTTP/1.1 200 OK\nContent-Length: 0", b""), ErrorCode.ASSET_TRUNCATED),
    "no bytes and no length": (page("HTTP/1.1 200 OK\nConnection: close", b""), ErrorCode.ASSET_TRUNCATED),
    "a part that nobody asked for": (
        page("HTTP/1.1 206 Partial Content\nContent-Range: bytes 0-299999/900000\nContent-Length: 300000"),
        ErrorCode.ASSET_TRUNCATED,
    ),
    "a part whose length is unknown": (
        page("HTTP/1.1 206 Partial Content\nContent-Range: bytes 0-299999/300000\nConnection: close"),
        ErrorCode.ASSET_TRUNCATED,
    ),
    "no answer": (lambda _connection, _headers: None, ErrorCode.ASSET_UNAVAILABLE),
    "not HTTP": (page("SSH-2.0-OpenSSH_9.6", b""), ErrorCode.ASSET_UNAVAILABLE),
    "two lengths": (page("HTTP/1.1 200 OK\nContent-Length: 1\nContent-Length: 2", b"ab"), ErrorCode.ASSET_UNAVAILABLE),
    "negative length": (page("HTTP/1.1 200 OK\nContent-Length: -1", b""), ErrorCode.ASSET_UNAVAILABLE),
    "endless head": (page("HTTP/1.1 200 OK\nX: " + "x" * 300_000, b""), ErrorCode.ASSET_UNAVAILABLE),
    "redirect to nowhere": (page("HTTP/1.1 302 Found\nContent-Length: 0", b""), ErrorCode.ASSET_UNAVAILABLE),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_is_tried_again_later(server: Server, downloader: Downloader, name: str) -> None:
    server.pages["/song"], code = BROKEN[name]
    error = refusal(downloader)
    assert isinstance(error, AssetNotReady)
    assert error.fault.code is code


@pytest.mark.parametrize("size", [1, 100, 65_535, 65_536, 65_537, 299_999])
def test_a_reset_in_the_middle_is_a_truncation(server: Server, downloader: Downloader, size: int) -> None:
    def reset(connection: socket.socket, headers: Headers) -> None:
        page("HTTP/1.1 200 OK\nContent-Length: 300000", BODY[:size])(connection, headers)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(connection.detach())

    server.pages["/song"] = reset
    assert refusal(downloader).fault.code in (ErrorCode.ASSET_TRUNCATED, ErrorCode.ASSET_UNAVAILABLE)


@pytest.mark.parametrize(
    "status", [202, 204, 300, 304, *(each for each in range(400, 432) if each != 410), 451, 499, 500, 502, 503, 504, 520, 599]
)
def test_a_status_that_may_pass(server: Server, downloader: Downloader, status: int) -> None:
    server.pages["/song"] = page(f"HTTP/1.1 {status} Whatever\nContent-Length: 0", b"")
    error = refusal(downloader)
    assert type(error) is AssetNotReady
    assert error.fault.code is ErrorCode.ASSET_UNAVAILABLE
    assert str(status) in error.fault.message


@pytest.mark.parametrize(
    ("status", "past_expiry"), [(410, False), *((each, True) for each in (400, 401, 403, 404, 410, 416, 451))]
)
def test_a_link_that_is_dead_needs_a_new_one(server: Server, downloader: Downloader, status: int, past_expiry: bool) -> None:
    server.pages["/song"] = page(f"HTTP/1.1 {status} Whatever\nContent-Length: 0", b"")
    with pytest.raises(AssetExpired, match=f"answered {status}, the link has expired") as caught:
        downloader.fetch("https://cdn.example.com/song", io.BytesIO(), max_bytes=9, seconds=10, past_expiry=past_expiry)
    assert caught.value.fault.code is ErrorCode.ASSET_EXPIRED


def test_an_old_link_that_works_is_as_good_as_any(server: Server, downloader: Downloader) -> None:
    server.pages["/song"] = whole()
    assert downloader.fetch("https://cdn.example.com/song", io.BytesIO(), max_bytes=10**6, seconds=10, past_expiry=True).bytes


@pytest.mark.parametrize("length", ["\nContent-Length: 300000", "\nConnection: close"], ids=["announced", "unannounced"])
def test_a_file_over_the_limit_is_refused(server: Server, downloader: Downloader, length: str) -> None:
    server.pages["/song"] = page(f"HTTP/1.1 200 OK{length}")
    file = io.BytesIO()
    with pytest.raises(AssetTooLarge) as caught:
        fetch(downloader, file, max_bytes=len(BODY) - 1)
    assert (caught.value.fault.code, caught.value.fault.limit_bytes) == (ErrorCode.ASSET_TOO_LARGE, len(BODY) - 1)
    assert len(file.getvalue()) < len(BODY)


@pytest.mark.parametrize("encoding", ["aws-chunked", "utf-8", "none", "", "gzip"])
def test_the_bytes_are_kept_as_they_were_sent_whatever_their_encoding_is_called(
    server: Server, downloader: Downloader, encoding: str
) -> None:
    server.pages["/song"] = whole(f"\nContent-Encoding: {encoding}")
    file = io.BytesIO()
    fetch(downloader, file)
    assert file.getvalue() == BODY


@pytest.mark.parametrize("head", ["203 Transformed", "206 Partial Content\nContent-Range: bytes 0-299999/300000"])
def test_a_whole_file_under_another_status_of_success_is_kept(server: Server, downloader: Downloader, head: str) -> None:
    server.pages["/song"] = page(f"HTTP/1.1 {head}\nContent-Length: 300000")
    assert fetch(downloader, io.BytesIO()).bytes == len(BODY) == 300_000


def test_a_file_of_just_the_limit_is_kept(server: Server, downloader: Downloader) -> None:
    server.pages["/song"] = page("HTTP/1.1 200 OK\nConnection: close")
    assert fetch(downloader, io.BytesIO(), max_bytes=len(BODY)).bytes == len(BODY)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"])
def test_a_stalled_server_is_left_in_time(server: Server, downloader: Downloader, sent: bytes) -> None:
    def stall(connection: socket.socket, _headers: Headers) -> None:
        connection.sendall(sent)
        server.stopped.wait(10)

    server.pages["/song"] = stall
    error = refusal(downloader, seconds=0.3)
    assert isinstance(error, AssetNotReady)
    assert error.fault.code is ErrorCode.ASSET_UNAVAILABLE


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n"], ids=["head", "body"]
)
def test_a_drip_of_bytes_is_cut_off(server: Server, downloader: Downloader, start: bytes) -> None:
    def drip(connection: socket.socket, _headers: Headers) -> None:
        connection.sendall(start)
        while not server.stopped.wait(0.01):
            connection.sendall(b"x")

    server.pages["/song"] = drip
    error = refusal(downloader, seconds=0.3)
    assert isinstance(error, AssetNotReady)
    assert error.fault.code is ErrorCode.ASSET_UNAVAILABLE


def test_the_clock_is_ours(server: Server, street: Street, pem: Path) -> None:
    server.pages["/song"] = whole()
    ticks = iter(range(10_000))
    slow = Downloader(
        resolver=lambda host, _port: HOSTS[host],
        clock=lambda: next(ticks),
        network=street,
        ssl_context=ssl.create_default_context(cafile=str(pem)),
    )
    assert refusal(slow, seconds=6).fault.code is ErrorCode.ASSET_UNAVAILABLE


def redirect(location: str, status: int = 302) -> Page:
    return page(f"HTTP/1.1 {status} Found\nLocation: {location}\nSet-Cookie: a=b; Domain=example.com\nContent-Length: 0", b"")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_three_redirects_are_followed(server: Server, street: Street, downloader: Downloader, status: int) -> None:
    server.pages["/song"] = redirect("/second", status)
    server.pages["/second"] = redirect("//other.example.com/third", status)
    server.pages["/third"] = redirect("https://cdn.example.com:443/fourth?sig=b#c", status)
    server.pages["/fourth"] = whole()
    assert fetch(downloader, io.BytesIO()).host == "cdn.example.com"
    assert street.dialled == [(PUBLIC, 443), (PUBLIC, 443), ("2606:4700::1111", 443), (PUBLIC, 443)]
    assert server.names == ["cdn.example.com", "cdn.example.com", "other.example.com", "cdn.example.com"]
    assert not any(set(headers) & {"cookie", "authorization", "referer"} for _path, headers in server.requests)


def test_a_redirect_to_a_plain_link_is_followed_by_https(server: Server, street: Street, downloader: Downloader) -> None:
    server.pages["/song"] = redirect("http://cdn.example.com/second")
    server.pages["/second"] = whole()
    assert fetch(downloader, io.BytesIO()).bytes == len(BODY)
    assert street.dialled == [(PUBLIC, 443)] * 2
    assert server.names == ["cdn.example.com"] * 2


def test_a_server_that_serves_browsers_only_serves_us(server: Server, downloader: Downloader) -> None:
    def choosy(connection: socket.socket, headers: Headers) -> None:
        browser = headers["user-agent"].startswith("Mozilla/5.0 ")
        answer = whole() if browser else page("HTTP/1.1 403 Forbidden\nContent-Length: 0", b"")
        answer(connection, headers)

    server.pages["/song"] = choosy
    assert fetch(downloader, io.BytesIO()).bytes == len(BODY)


def test_a_fourth_redirect_is_not_followed(server: Server, downloader: Downloader) -> None:
    server.pages["/song"] = redirect("/song")
    assert refusal(downloader).fault.code is ErrorCode.ASSET_UNAVAILABLE
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "location",
    [
        "http://cdn.example.com:8080/song",
        "http://127.0.0.1/song",
        "https://127.0.0.1/song",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/song",
        "https://2130706433/song",
        "https://inside.example.com/song",
        "https://mixed.example.com/song",
        "https://cdn.example.com:8443/song",
        "https://user:password@cdn.example.com/song",
        "//127.0.0.1/song",
        "\\\\127.0.0.1\\song",
        "file:///etc/passwd",
        "https://[",
    ],
)
def test_a_redirect_passes_the_same_guard(server: Server, street: Street, downloader: Downloader, location: str) -> None:
    server.pages["/song"] = redirect("/second")
    server.pages["/second"] = redirect(location)
    with pytest.raises(AssetNotReady) as caught:
        fetch(downloader, io.BytesIO())
    assert not isinstance(caught.value, AssetExpired), "the server may redirect elsewhere the next time"
    assert caught.value.fault.code is ErrorCode.ASSET_FORBIDDEN_ADDRESS
    assert street.dialled == [(PUBLIC, 443)] * 2


def ranged(breaks: int, validator: str = 'ETag: "v1"', change: Callable[[str], str] = str) -> Page:
    """Breaks off in the middle ``breaks`` times, and answers ranges well unless ``change`` spoils the head."""
    left = iter(range(breaks))

    def answer(connection: socket.socket, headers: Headers) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        start = int(asked[1]) if asked else 0
        head = f"HTTP/1.1 200 OK\n{validator}\nAccept-Ranges: bytes\nContent-Length: {len(BODY) - start}"
        if asked:
            head = change(head.replace("200 OK", "206 Partial") + f"\nContent-Range: bytes {start}-{len(BODY) - 1}/{len(BODY)}")
        body = BODY[start:]
        page(head, body if next(left, None) is None else body[: len(body) // 2])(connection, headers)

    return answer


@pytest.mark.parametrize("validator", ['ETag: "v1"', "Last-Modified: Wed, 21 Oct 2026 07:28:00 GMT"])
@pytest.mark.parametrize("breaks", [1, 2])
def test_a_broken_download_is_resumed(server: Server, downloader: Downloader, breaks: int, validator: str) -> None:
    server.pages["/song"] = ranged(breaks, validator)
    file = io.BytesIO()
    found = fetch(downloader, file)
    assert file.getvalue() == BODY
    assert found.sha256 == hashlib.sha256(BODY).hexdigest()
    assert [headers.get("range") for _path, headers in server.requests] == [None, "bytes=150000-", "bytes=225000-"][
        : breaks + 1
    ]
    assert server.requests[1][1]["if-range"] == validator.partition(": ")[2]


def test_a_download_that_breaks_again_and_again_is_given_up(server: Server, downloader: Downloader) -> None:
    server.pages["/song"] = ranged(9)
    assert refusal(downloader).fault.code is ErrorCode.ASSET_TRUNCATED
    assert len(server.requests) == 3


@pytest.mark.parametrize("validator", ['ETag: W/"v1"', "X-Nothing: 1"])
def test_a_file_that_may_have_changed_is_not_resumed(server: Server, downloader: Downloader, validator: str) -> None:
    server.pages["/song"] = ranged(1, validator)
    assert refusal(downloader).fault.code is ErrorCode.ASSET_TRUNCATED
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda head: head.replace("206", "200"),
        lambda head: head.replace("bytes 150000-", "bytes 0-"),
        lambda head: head.replace("/300000", "/400000"),
        lambda head: head.replace("-299999/", "-299998/"),
        lambda head: head.replace("Content-Range", "X-Range"),
        lambda head: head.replace('"v1"', '"v2"'),
        lambda head: head.replace("206", "416"),
    ],
    ids=["whole", "start", "total", "end", "none", "changed", "416"],
)
def test_a_wrong_answer_to_a_range_is_no_file(server: Server, downloader: Downloader, change: Callable[[str], str]) -> None:
    server.pages["/song"] = ranged(1, change=change)
    assert isinstance(refusal(downloader), AssetNotReady)


def test_a_trusted_origin_is_fetched_from_loopback(server: Server) -> None:
    server.pages["/song"] = whole()
    origin = f"http://127.0.0.1:{server.port}"
    trusting = Downloader(trusted_origins=frozenset({origin}))
    assert trusting.fetch(f"{origin}/song", io.BytesIO(), max_bytes=1_000_000, seconds=10).host == "127.0.0.1"
    with pytest.raises(AssetExpired):
        Downloader().fetch(f"{origin}/song", io.BytesIO(), max_bytes=1_000_000, seconds=10)


def test_the_guard_passes_a_body_on(server: Server) -> None:
    def echo(connection: socket.socket, headers: Headers) -> None:
        sent = connection.recv(int(headers["content-length"]), socket.MSG_WAITALL)
        page(f"HTTP/1.1 200 OK\nContent-Length: {len(sent)}", sent)(connection, headers)

    server.pages["/hook"] = echo
    origin = f"http://127.0.0.1:{server.port}"
    with httpx.Client(transport=GuardedTransport(trusted_origins=frozenset({origin})), trust_env=False) as client:
        assert client.post(f"{origin}/hook", content=b'{"done": true}').content == b'{"done": true}'


def test_an_error_of_the_disk_is_not_an_error_of_the_network(server: Server, downloader: Downloader) -> None:
    class Full(io.BytesIO):
        def write(self, _data: object) -> int:
            raise OSError(28, "No space left on device")

    server.pages["/song"] = whole()
    with pytest.raises(OSError, match="No space left"):
        fetch(downloader, Full())
