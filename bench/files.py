"""A loopback server for large files, which leaves the work to the kernel."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self


class FileServer:
    """Serves each file under its number, on a port of its own, while the context lasts."""

    def __init__(self, paths: Mapping[int, Path]) -> None:
        self._server = _Server(paths)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"

    def url(self, number: int) -> str:
        return f"{self.origin}/{number}"

    def path(self, number: int) -> Path:
        return self._server.paths[number]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, paths: Mapping[int, Path]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.paths = paths


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""

    def do_GET(self) -> None:
        with self.server.paths[int(self.path[1:])].open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            self.send_response_only(200)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            self.connection.sendfile(file)
