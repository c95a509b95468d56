"""The server of all emulated services but Step Functions, with three corrections to its Lambda."""

import asyncio
import importlib
import os
import time
from pathlib import Path
from typing import Any

from local import stalls
from local.calls import record_decisions, requested_recorder


def accept_whole_answers_only() -> None:
    """An environment that is killed while it sends its answer has not answered: on AWS, too, the invocation then fails.

    The emulator would take what arrived, which can be nothing, for the answer of the function.
    """
    worker: Any = importlib.import_module("ministack.core.lambda_runtime").ProvidedWorker
    build = worker._build_handler_class  # noqa: SLF001 - the only place where an answer is received

    def build_strict(self: Any, generation: int, pending: Any) -> Any:
        handler: Any = build(self, generation, pending)

        class Strict(handler):  # type: ignore[misc]  # the emulator publishes no types
            def _read_body(self) -> bytes:
                body: bytes = super()._read_body()
                if len(body) < int(self.headers.get("Content-Length", 0)):
                    raise ConnectionAbortedError("the environment ended within its answer")
                return body

        return Strict

    worker._build_handler_class = build_strict  # noqa: SLF001


def share_reserved_concurrency() -> None:
    """Reserved concurrency belongs to a function with all its versions. The emulator asks the version that runs for it."""
    service: Any = importlib.import_module("ministack.services.lambda_svc")
    reserved = service._reserved_concurrency  # noqa: SLF001 - the only place where the limit is read

    def of_function(version: Any, config: Any) -> Any:
        return reserved(service._functions.get(config["FunctionName"]) or version, config)  # noqa: SLF001

    service._reserved_concurrency = of_function  # noqa: SLF001


def end_every_idle_environment() -> None:
    """As AWS does. The emulator keeps one of each version of a function for ever: most of the memory of an idle stack."""
    runtime: Any = importlib.import_module("ministack.core.lambda_runtime")

    def reap_idle_workers() -> int:
        oldest = time.time() - runtime._LOCAL_WORKER_TTL  # noqa: SLF001
        with runtime._lock:  # noqa: SLF001
            pools = runtime._workers.values()  # noqa: SLF001
            idle = [each for pool in pools for each in pool if not each.in_use and each.last_used < oldest]
            for pool in pools:
                pool[:] = [each for each in pool if each not in idle]
        runtime.kill_workers(idle)
        return len(idle)

    service: Any = importlib.import_module("ministack.services.lambda_svc")
    service.reap_idle_workers = reap_idle_workers


def serve(fd: int) -> None:
    if recorder := requested_recorder("ministack"):
        record_decisions(recorder)
    accept_whole_answers_only()
    end_every_idle_environment()
    share_reserved_concurrency()
    config = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"fd://{fd}"]
    config.keep_alive_timeout = 75
    application: Any = importlib.import_module("ministack.app").app
    if switch := os.environ.pop(stalls.VARIABLE, None):
        application = stalls.StallingDynamoDb(application, Path(switch))
    asyncio.run(importlib.import_module("hypercorn.asyncio").serve(application, config))
