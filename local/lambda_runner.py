"""What an emulated Lambda environment does after it was forked: sets itself up as Lambda would, then runs AWS's own client.

It is in no layer and no function: only the `bootstrap` of local deployments leads here. That is what makes a loopback download
or a gateway without TLS impossible on AWS: nothing else ever fills LOCAL_ORIGINS.
"""

import importlib
import json
import os
import sys
from collections.abc import Sequence
from typing import Any


def serve(handler: str, settings_json: str, files: Sequence[int]) -> None:
    """Takes `files` as standard input, output and error and as working directory, and serves invocations until it is ended."""
    settings = json.loads(settings_json)
    os.fchdir(files[3])
    log = os.open(settings["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for fd, standard in ((files[0], 0), (log, 1), (log, 2)):
        os.dup2(fd, standard)
    # In place of the folder that `python -m` put there.
    sys.path[:1] = [os.environ["LAMBDA_TASK_ROOT"], *settings["path"]]
    origins = importlib.import_module("suno_jobs.network.local_origins")
    vars(origins)["LOCAL_ORIGINS"] = frozenset(settings["local_origins"])
    run_client(handler, files[2], f"What this function logs is in {settings['log']}\n".encode())


def run_client(handler: str, stderr: int, line: bytes) -> None:
    """As `python -m awslambdaric` does. Imported only now, since its modules read variables of the environment at import."""
    bootstrap = importlib.import_module("awslambdaric.bootstrap")
    base: Any = importlib.import_module("awslambdaric.lambda_runtime_client").LambdaRuntimeClient

    class Client(base):  # type: ignore[misc]  # awslambdaric publishes no types
        """Writes a line for each invocation: without one, the emulator waits for it before it passes the answer on."""

        def post_invocation_result(self, *arguments: Any) -> None:
            os.write(stderr, line)
            super().post_invocation_result(*arguments)

        def post_invocation_error(self, *arguments: Any) -> None:
            os.write(stderr, line)
            super().post_invocation_error(*arguments)

    bootstrap.run(handler, Client(os.environ["AWS_LAMBDA_RUNTIME_API"]))
