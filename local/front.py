"""A clean, early known URL for the HTTP API: the emulator serves it below a path that is known after the deploy only."""

import http.client
from http.server import BaseHTTPRequestHandler

from local.loopback import LoopbackServer
from local.processes import StartFailed

INTEGRATION_TIMEOUT_SECONDS = 35
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "proxy-authorization",
    "content-length",
}

_Reply = tuple[int, list[tuple[str, str]], bytes]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Front"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent: a request line of the callback route holds a MAC."""

    def _forward(self) -> None:
        self._answer(*self._reply())

    def _reply(self) -> _Reply:
        target = self.server.target
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self.close_connection = True
            return 411, [], b""
        body = self.rfile.read(int(length))
        if target is None:
            return 503, [], b""
        try:
            return self._exchange(target, body)
        except (OSError, http.client.HTTPException):
            return 502, [], b""

    def _exchange(self, target: tuple[int, str], body: bytes) -> _Reply:
        port, prefix = target
        upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=INTEGRATION_TIMEOUT_SECONDS)
        try:
            upstream.putrequest(self.command, prefix + self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    upstream.putheader(name, value)
            upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            response = upstream.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            upstream.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _forward  # noqa: N815


class Front(LoopbackServer):
    """Forwards method, raw path, query, headers, body and status unchanged; answers 503 until `route_to` is called."""

    target: tuple[int, str] | None = None

    def __init__(self, port: int = 0) -> None:
        try:
            super().__init__(_Handler, port)
        except OSError as error:
            raise StartFailed(f"port {port} cannot be used: {error}") from error

    def route_to(self, port: int, prefix: str) -> None:
        self.target = (port, prefix)
