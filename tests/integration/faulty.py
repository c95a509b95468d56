"""A server on loopback that does to a download whatever a page says, over real TLS; every address in the world is its own."""

from __future__ import annotations

import datetime as dt
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from suno_jobs.network.http import httpcore

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


def page(head: str, body: bytes = BODY) -> Page:
    return lambda connection, _headers: connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)


def whole(extra: str = "", body: bytes = BODY) -> Page:
    return page(f"HTTP/1.1 200 OK\nContent-Type: audio/mpeg\nContent-Length: {len(body)}{extra}", body)
