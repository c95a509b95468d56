"""Emulators as child processes that never outlive this one."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

SERVICES = Path(__file__).with_name("services.py")
START_TIMEOUT_SECONDS = 60


class StartFailed(Exception):
    """An emulator did not come up; the message says which and where its log is."""


def listen(port: int = 0) -> socket.socket:
    """A listening loopback socket; port 0 takes a free one. A client that connects waits until somebody serves it."""
    return socket.create_server(("127.0.0.1", port), backlog=256)


class Emulator:
    """One child process serving on a socket that was bound here, so that its URL is known, and taken, before it runs."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._listener = listen()
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, environment: Mapping[str, str]) -> None:
        fd = self._listener.fileno()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(SERVICES), self.name, str(fd)],
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[fd],
                start_new_session=True,
            )
        self._listener.close()

    def wait_until_ready(self, path: str) -> None:
        """Blocks until `path` is answered. Raises StartFailed when the process ends or does not answer in time."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            opener.open(self.url + path, timeout=START_TIMEOUT_SECONDS).close()
        except (urllib.error.URLError, OSError) as error:
            raise StartFailed(f"{self.name} did not start ({error}); its log: {self.log}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._listener.close()
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
