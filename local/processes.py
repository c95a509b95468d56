"""Emulators as child processes that never outlive this one."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_SECONDS = 60


class StartFailed(Exception):
    """An emulator did not come up; the message says which and where its log is."""


def listen(port: int = 0) -> socket.socket:
    """A listening loopback socket; port 0 takes a free one. A client that connects waits until somebody serves it."""
    return socket.create_server(("127.0.0.1", port), backlog=256)


class Child:
    """A Python process in a group of its own, which is killed as a whole on exit, or when this process is gone."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: subprocess.Popen[Any] | None = None

    def _run(self, module: str, arguments: Sequence[str], environment: Mapping[str, str], **options: Any) -> None:
        """Its standard input stays open here for as long as it may live."""
        with self.log.open("ab") as log:
            process: subprocess.Popen[Any] = subprocess.Popen(
                [sys.executable, "-u", "-m", module, *arguments],
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                **({"stdout": log} | options),
            )
        self._process = process

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class EnvironmentTemplate(Child):
    """The process that every emulated Lambda environment is forked from; bootstraps find its socket in `folder`."""

    def __init__(self, folder: Path, layers: Sequence[str], log: Path) -> None:
        super().__init__("environments", log)
        self.folder = folder
        self._layers = layers

    def start(self, environment: Mapping[str, str]) -> None:
        self._run("local.environments", [str(self.folder), *self._layers], environment, stdout=subprocess.PIPE)

    def running(self) -> list[int]:
        """The process ids of its environments."""
        if self._process is None:
            return []
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)  # noqa: S607
        pairs = (line.split() for line in listed.stdout.splitlines())
        return [int(pid) for pid, parent in pairs if int(parent) == self._process.pid]

    def wait_until_ready(self) -> None:
        """Blocks until bootstraps can connect. Raises StartFailed when the process ends instead."""
        if self._process is None or self._process.stdout is None or not self._process.stdout.readline():
            raise StartFailed(f"{self.name} did not start; its log: {self.log}")


class Emulator(Child):
    """One child process serving on a socket that was bound here, so that its URL is known, and taken, before it runs."""

    def __init__(self, name: str, log: Path) -> None:
        super().__init__(name, log)
        self._listener = listen()
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self, environment: Mapping[str, str]) -> None:
        fd = self._listener.fileno()
        self._run("local.services", [self.name, str(fd)], environment, pass_fds=[fd])
        self._listener.close()

    def wait_until_ready(self, path: str) -> None:
        """Blocks until `path` is answered. Raises StartFailed when the process ends or does not answer in time."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            opener.open(self.url + path, timeout=START_TIMEOUT_SECONDS).close()
        except (urllib.error.URLError, OSError) as error:
            raise StartFailed(f"{self.name} did not start ({error}); its log: {self.log}") from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._listener.close()
        super().__exit__(kind, error, traceback)
