"""A loopback server for large files, which the kernel sends (sendfile)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from local.loopback import LoopbackServer


class FileServer(LoopbackServer):
    """Serves each file under its number."""

    def __init__(self, paths: Mapping[int, Path]) -> None:
        super().__init__(_Handler)
        self.paths = paths

    def url(self, number: int) -> str:
        return f"{self.origin}/{number}"


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""

    def do_GET(self) -> None:
        with self.server.paths[int(self.path[1:])].open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            self.send_response_only(200)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            self.connection.sendfile(file)
