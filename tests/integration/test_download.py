"""Downloads from a real server on loopback that lies, stalls, drips and breaks off, over real TLS."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import os
import random
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from suno_jobs.download import Downloaded, Downloader
from suno_jobs.errors import AssetError, AssetExpired, AssetNotReady, AssetRefused, ErrorCode

BODY = random.Random(1).randbytes(300_000)  # noqa: S311
PUBLIC = "18.66.112.34"
HOSTS = {"cdn.example.com": [PUBLIC], "other.example.com": ["2606:4700::1111"], "stranger.example.com": [PUBLIC],
         "inside.example.com": ["10.1.2.3"], "mixed.example.com": [PUBLIC, "169.254.169.254"]}  # fmt: skip

Headers = dict[str, str]
Page = Callable[[socket.socket, Headers], None]


class Server:
    """One page per path; each request gets a connection of its own, which the page may treat as it likes."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[tuple[str, Headers]] = []
        self.names: list[str | None] = []
        self.stopped = threading.Event()
        self._tls = tls
        tls.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._answer, args=(connection,)))
            self._threads[-1].start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError), ExitStack() as stack:
            stack.enter_context(connection)
            connection.settimeout(10)
            if connection.recv(1, socket.MSG_PEEK) == b"\x16":
                connection = stack.enter_context(self._tls.wrap_socket(connection, server_side=True))
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(1) or b"\r\n\r\n"
            request, *lines = head.decode().strip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            path = request.split()[1].partition("?")[0]
            self.requests.append((path, headers))
            self.pages[path](connection, headers)

    def close(self) -> None:
        self.stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)


class Street(httpcore.NetworkBackend):
    """Every address in the world is the server's, and who was asked for is noted."""

    def __init__(self, port: int) -> None:
        self.dialled: list[tuple[str, int]] = []
        self._port = port

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self.dialled.append((host, port))
        return httpcore.SyncBackend().connect_tcp("127.0.0.1", self._port, timeout, local_address, socket_options)


def certificate(folder: Path, names: list[str]) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "suno-jobs tests")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return pem


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"), [host for host in HOSTS if not host.startswith("stranger")])


@pytest.fixture
def server(pem: Path) -> Iterator[Server]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    running = Server(tls)
    yield running
    running.close()


@pytest.fixture
def street(server: Server) -> Street:
    return Street(server.port)


@pytest.fixture
def downloader(street: Street, pem: Path) -> Downloader:
    return Downloader(
        resolver=lambda host, _port: HOSTS[host], network=street, ssl_context=ssl.create_default_context(cafile=str(pem))
    )


def page(head: str, body: bytes = BODY) -> Page:
    return lambda connection, _headers: connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)


def whole(extra: str = "", body: bytes = BODY) -> Page:
    return page(f"HTTP/1.1 200 OK\nContent-Type: audio/mpeg\nContent-Length: {len(body)}{extra}", body)


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
        ("/song", {"host": "cdn.example.com", "accept": "*/*", "accept-encoding": "identity", "user-agent": "suno-jobs"})
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
    "gzip": (whole("\nContent-Encoding: gzip"), ErrorCode.ASSET_WRONG_TYPE),
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


@pytest.mark.parametrize("status", [202, 204, 300, 304, 403, 404, 408, 425, 429, 500, 502, 503, 504, 520])
def test_a_status_that_may_pass(server: Server, downloader: Downloader, status: int) -> None:
    server.pages["/song"] = page(f"HTTP/1.1 {status} Whatever\nContent-Length: 0", b"")
    error = refusal(downloader)
    assert isinstance(error, AssetNotReady)
    assert error.fault.code is ErrorCode.ASSET_UNAVAILABLE
    assert str(status) in error.fault.message


@pytest.mark.parametrize("status", [400, 401, 405, 451])
def test_a_status_that_will_not_pass(server: Server, downloader: Downloader, status: int) -> None:
    server.pages["/song"] = page(f"HTTP/1.1 {status} Whatever\nContent-Length: 0", b"")
    error = refusal(downloader)
    assert isinstance(error, AssetRefused)
    assert error.fault.code is ErrorCode.ASSET_UNAVAILABLE


@pytest.mark.parametrize(("status", "outlived"), [(410, False), (410, True), (403, True), (404, True)])
def test_a_link_that_is_dead_needs_a_new_one(server: Server, downloader: Downloader, status: int, outlived: bool) -> None:
    server.pages["/song"] = page(f"HTTP/1.1 {status} Whatever\nContent-Length: 0", b"")
    with pytest.raises(AssetExpired, match=f"answered {status}, the link has expired") as caught:
        downloader.fetch("https://cdn.example.com/song", io.BytesIO(), max_bytes=9, seconds=10, outlived=outlived)
    assert caught.value.fault.code is ErrorCode.ASSET_EXPIRED


def test_an_old_link_that_works_is_as_good_as_any(server: Server, downloader: Downloader) -> None:
    server.pages["/song"] = whole()
    assert downloader.fetch("https://cdn.example.com/song", io.BytesIO(), max_bytes=10**6, seconds=10, outlived=True).bytes


@pytest.mark.parametrize("length", ["\nContent-Length: 300000", "\nConnection: close"], ids=["announced", "unannounced"])
def test_a_file_over_the_limit_is_refused(server: Server, downloader: Downloader, length: str) -> None:
    server.pages["/song"] = page(f"HTTP/1.1 200 OK{length}")
    file = io.BytesIO()
    with pytest.raises(AssetRefused) as caught:
        fetch(downloader, file, max_bytes=len(BODY) - 1)
    assert caught.value.fault.code is ErrorCode.ASSET_TOO_LARGE
    assert len(file.getvalue()) < len(BODY)


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


def test_a_fourth_redirect_is_not_followed(server: Server, downloader: Downloader) -> None:
    server.pages["/song"] = redirect("/song")
    assert refusal(downloader).fault.code is ErrorCode.ASSET_UNAVAILABLE
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "location",
    [
        "http://cdn.example.com/song",
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
    with pytest.raises(AssetRefused) as caught:
        fetch(downloader, io.BytesIO())
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
    with pytest.raises(AssetRefused):
        Downloader().fetch(f"{origin}/song", io.BytesIO(), max_bytes=1_000_000, seconds=10)


def test_an_error_of_the_disk_is_not_an_error_of_the_network(server: Server, downloader: Downloader) -> None:
    class Full(io.BytesIO):
        def write(self, _data: object) -> int:
            raise OSError(28, "No space left on device")

    server.pages["/song"] = whole()
    with pytest.raises(OSError, match="No space left"):
        fetch(downloader, Full())
