"""``python -m local simulate``: the simulator alone, until it is interrupted."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Collection

from local.loopback import port
from local.simulator.faults import fault_help
from local.simulator.gateways import WIRES
from local.simulator.simulator import SIGNING, Simulator

_EPILOG = """\
faults, for one task: write [fault:NAME] or [fault:NAME=N] into any text of its request
        for the next task at a gateway: POST /_simulator/faults {{"gateway": "ttapi", "faults": ["slow_task=3"]}}
        by chance: --faults-seed

{table}

what happened: GET /_simulator/tasks
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG.format(table=fault_help())
    parser.add_argument("--port", type=port, default=0, help="port on loopback (default: a free one)")
    parser.add_argument("--task-seconds", type=float, default=10.0, help="how long a task takes (default: %(default)s)")
    parser.add_argument(
        "--audio-seconds", type=float, nargs=2, default=(6.0, 11.0), metavar=("SHORTEST", "LONGEST"), help="length of the songs"
    )
    parser.add_argument("--key", type=_key, action="append", default=[], metavar="GATEWAY=KEY", help="repeatable")
    parser.add_argument(
        "--webhook-key",
        type=_webhook_key,
        action="append",
        default=[],
        metavar="GATEWAY=KEY",
        help="sign callbacks; repeatable",
    )
    parser.add_argument("--seed", type=int, help="the same task ids and songs every time")
    parser.add_argument("--faults-seed", type=int, help="draw faults for songs that ask for none")


def run(arguments: argparse.Namespace) -> int:
    """Prints one JSON line when ready. Returns after SIGINT or SIGTERM; to be called in the main thread."""
    shortest, longest = arguments.audio_seconds
    interrupted = threading.Event()
    before = {number: signal.signal(number, lambda *_: interrupted.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Simulator(
            arguments.port,
            keys=dict(arguments.key),
            webhook_keys=dict(arguments.webhook_key),
            task_seconds=arguments.task_seconds,
            audio_seconds=(shortest, longest),
            seed=arguments.seed,
            faults_seed=arguments.faults_seed,
        ) as simulator:
            print(simulator.ready_line(), flush=True)
            interrupted.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _key(text: str, gateways: Collection[str] = tuple(WIRES)) -> tuple[str, str]:
    gateway, _, key = text.partition("=")
    if gateway not in gateways or not key:
        raise argparse.ArgumentTypeError(f"give GATEWAY=KEY with one of {', '.join(gateways)}")
    return gateway, key


def _webhook_key(text: str) -> tuple[str, str]:
    return _key(text, SIGNING)
