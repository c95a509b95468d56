"""``suno-jobs simulate``: the simulator alone, until it is interrupted."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Collection, Sequence

from local.simulator.gateways import WIRES
from local.simulator.simulator import SIGNING, Simulator
from suno_jobs.cli.problems import ExitCode, WrongArgument


def run(  # noqa: PLR0913 - the options of a command
    port: int,
    *,
    task_seconds: float,
    audio_seconds: tuple[float, float],
    keys: Sequence[str],
    webhook_keys: Sequence[str],
    seed: int | None,
    faults_seed: int | None,
) -> int:
    """Prints one JSON line when ready. Returns after SIGINT or SIGTERM; to be called in the main thread.

    Raises WrongArgument.
    """
    simulator = Simulator(
        port,
        keys=_keys("--key", keys, WIRES),
        webhook_keys=_keys("--webhook-key", webhook_keys, SIGNING),
        task_seconds=task_seconds,
        audio_seconds=audio_seconds,
        seed=seed,
        faults_seed=faults_seed,
    )
    interrupted = threading.Event()
    before = {number: signal.signal(number, lambda *_: interrupted.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with simulator:
            print(simulator.ready_line(), flush=True)
            interrupted.wait()
    except OSError as error:
        print(f"port {port} cannot be used: {error}", file=sys.stderr)
        return ExitCode.NOT_DONE
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return ExitCode.DONE


def _keys(option: str, given: Sequence[str], gateways: Collection[str]) -> dict[str, str]:
    keys = {}
    for text in given:
        gateway, _, key = text.partition("=")
        if gateway not in gateways or not key:
            raise WrongArgument(f"{option}: give GATEWAY=KEY with one of {', '.join(gateways)}")
        keys[gateway] = key
    return keys
