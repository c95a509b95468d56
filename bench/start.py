"""How long functions take from the start of their process to their first answer."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.shipped import import_path
from bench.stub import FunctionBroken, Json, Stub

RUNS = 25
ANSWER_SECONDS = 30.0


@dataclass(frozen=True)
class Function:
    """One function to start: its file, its event, what its answer has to contain, and what AWS answers to it."""

    name: str
    file: Path
    event: Json
    expected: Json
    environment: Mapping[str, str] = field(default_factory=dict)
    replies: Mapping[str, Json] = field(default_factory=dict)


class Starter:
    """Starts functions as Lambda does: with AWS's runtime client, only the shipped packages, and compiled bytecode."""

    def __init__(self, home: Path) -> None:
        self._home = home
        packages = home / "packages"
        packages.mkdir()
        self._path = import_path(packages)

    def seconds(self, function: Function) -> float:
        """Starts it once. Raises FunctionBroken if it returns another status or omits an AWS call."""
        with Stub(function.event, function.replies) as stub:
            begin = time.perf_counter()
            with self._running(function, stub.origin.removeprefix("http://")):
                end, answer = stub.answered(ANSWER_SECONDS)
        if not function.expected.items() <= (answer or {}).items() or stub.operations != function.replies.keys():
            raise FunctionBroken(f"{function.name}: {json.dumps(answer)} after {sorted(stub.operations)}")
        return end - begin

    @contextmanager
    def _running(self, function: Function, address: str) -> Iterator[None]:
        command = [sys.executable, "-S", "-P", "-m", "awslambdaric", f"{function.file.stem}.lambda_handler"]
        with (self._home / "functions.log").open("ab") as log:
            process = subprocess.Popen(command, env=self._environment(function, address), stdout=log, stderr=log)
            try:
                yield
            finally:
                process.kill()
                process.wait()

    def _environment(self, function: Function, address: str) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join([str(function.file.parent), *self._path]),
            # A separate bytecode cache, so that no missing or outdated .pyc of the project slows the start.
            "PYTHONPYCACHEPREFIX": str(self._home / "bytecode"),
            "AWS_LAMBDA_RUNTIME_API": address,
            "AWS_ENDPOINT_URL": f"http://{address}",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            **function.environment,
        }


def measure(functions: Sequence[Function], runs: int = RUNS) -> dict[str, float]:
    """The median seconds of each, by name. They take turns, so that a busy moment of the machine affects all of them."""
    with TemporaryDirectory(prefix="suno-jobs-bench-") as home:
        starter = Starter(Path(home))
        for function in functions:
            starter.seconds(function)  # compiles the bytecode
        times: dict[str, list[float]] = {function.name: [] for function in functions}
        for _ in range(runs):
            for function in functions:
                times[function.name].append(starter.seconds(function))
    return {name: statistics.median(found) for name, found in times.items()}
