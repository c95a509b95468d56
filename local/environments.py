"""The template of all emulated Lambda environments: it has imported what they need once, and forks a process for each.

A `lambda_bootstrap.py` connects to the socket and sends handler, settings, environment variables and file descriptors; it gets
the wait status of its environment when that has ended. When the connection ends first, the emulator has killed the bootstrap,
and the environment is killed as well. When standard input ends, the stack is gone, and the whole process group is killed.

What may depend on the environment is not imported before the fork: the function itself, AWS's client, and those modules of the
project that use its logger, which reads its level and looks for the client's handlers as soon as it is made.
"""

import array
import contextlib
import gc
import importlib
import os
import pkgutil
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn, cast

from local.lambda_runner import serve

SOCKET = "environments.sock"
READY = "ready\n"
HEADER_BYTES = 8
FILES = 4
# What functions import of installed packages, which a test checks. Not awslambdaric: it reads where its server is at import.
PACKAGES = (
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.logging",
    "aws_lambda_powertools.metrics",
    "boto3.session",
    "botocore.httpsession",
    "httpcore",
    "httpx",
    "pydantic.json_schema",
    "pydantic.main",
    "pydantic.plugin._loader",
    "tinytag",
)
LOGGERS = "aws_lambda_powertools"
SERVICES = ("dynamodb", "events", "s3", "secretsmanager", "sqs", "stepfunctions")


def preload(layers: Sequence[str]) -> None:
    """Imports packages and modules, and reads service definitions. Neither credentials nor settings of a function are read."""
    preload_packages()
    preload_modules(layers)
    gc.collect()
    gc.freeze()


def preload_modules(layers: Sequence[str]) -> None:
    """Each module in these folders, unless it needs the package that loggers come from, by itself or through another one."""
    kept = sys.modules.pop(LOGGERS)
    cast("dict[str, object]", sys.modules)[LOGGERS] = None  # makes its import fail
    sys.path[1:1] = layers
    for module in pkgutil.walk_packages(layers, onerror=lambda _: None):
        with contextlib.suppress(ImportError):
            importlib.import_module(module.name)
    del sys.path[1 : 1 + len(layers)]
    sys.modules[LOGGERS] = kept


def preload_packages() -> None:
    for name in PACKAGES:
        importlib.import_module(name)
    boto3 = importlib.import_module("boto3")
    boto3.setup_default_session()
    loader = boto3.DEFAULT_SESSION._session.get_component("data_loader")  # noqa: SLF001 - else each environment reads all anew
    for name in ("endpoints", "partitions", "sdk-default-configuration", "_retry"):
        loader.load_data(name)
    for service in SERVICES:
        loader.load_service_model(service, "service-2")
        loader.load_service_model(service, "endpoint-rule-set-1")


class Request:
    """What a bootstrap has sent so far, and the process that was forked for it."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.pid = 0
        self._received = bytearray()
        self._files = array.array("i")

    def receive(self) -> bool:
        """Takes in what has arrived; false when the other side is gone."""
        try:
            data, ancillary, _, _ = self.connection.recvmsg(65536, socket.CMSG_SPACE(FILES * self._files.itemsize))
        except ConnectionError:
            return False
        for _, _, files in ancillary:
            self._files.frombytes(files)
        self._received += data
        return bool(data)

    @property
    def complete(self) -> bool:
        length = int.from_bytes(self._received[:HEADER_BYTES], "big")
        return len(self._received) == HEADER_BYTES + length > HEADER_BYTES

    def fields(self) -> list[str]:
        """The handler, the settings, then a variable each."""
        return [os.fsdecode(field) for field in bytes(self._received[HEADER_BYTES:]).split(b"\0")[:-1]]

    def take_files(self) -> list[int]:
        """Standard input, output and error, and the working directory. They are the caller's to close from now on."""
        files, self._files = list(self._files), array.array("i")
        return files

    def close(self) -> None:
        for fd in self.take_files():
            os.close(fd)
        self.connection.close()


class Template:
    """Serves all bootstraps in one thread: a process with several must not fork."""

    def __init__(self, listener: socket.socket, environment: Callable[[str, str, Sequence[int]], None]) -> None:
        self._listener = listener
        self._environment = environment
        self._running: dict[int, Request] = {}
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = socket.socketpair()
        for end in (self._woken, self._wake):
            end.settimeout(0)

    def run(self) -> NoReturn:
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._woken, selectors.EVENT_READ, self._reap)
        self._selector.register(0, selectors.EVENT_READ, kill_group)
        while True:
            for key, _ in self._selector.select():
                key.data()

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        request = Request(connection)
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._read(request))

    def _read(self, request: Request) -> None:
        if not request.receive():
            self._selector.unregister(request.connection)
            request.close()
            if request.pid:
                os.kill(request.pid, signal.SIGKILL)
        elif request.complete:
            self._fork(request)

    def _fork(self, request: Request) -> None:
        files = request.take_files()
        request.pid = os.fork()
        if not request.pid:
            self._become(request, files)
        for fd in files:
            os.close(fd)
        self._running[request.pid] = request

    def _become(self, request: Request, files: Sequence[int]) -> NoReturn:
        """The rest of the life of a forked process."""
        code = 1
        try:
            self._let_go()
            handler, settings, *variables = request.fields()
            os.environ.clear()
            for name, _, value in (variable.partition("=") for variable in variables):
                os.environ[name] = value
            gc.enable()
            self._environment(handler, settings, files)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001 - whatever it is, there must not be a second template
            traceback.print_exc()
        finally:
            os._exit(code)

    def _let_go(self) -> None:
        """Of all that is the template's alone: signals, and the sockets whose ends the bootstraps wait for."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()
        self._wake.close()

    def _reap(self) -> None:
        """Reports each environment that has ended to its bootstrap, which ends likewise."""
        self._woken.recv(4096)
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                request = self._running.pop(ended[0])
                request.pid = 0
                with contextlib.suppress(OSError):  # it is gone already, and that killed the environment
                    request.connection.sendall(ended[1].to_bytes(4, "big"))


def kill_group() -> None:
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main(folder: str, *layers: str) -> None:
    os.chdir(folder)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(SOCKET)
    listener.listen(256)
    os.write(1, READY.encode())
    os.dup2(2, 1)
    preload(layers)
    Template(listener, serve).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
