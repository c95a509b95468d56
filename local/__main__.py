"""`python -m local up | run | simulate | faults`."""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import NoReturn

import httpx
from rich.console import Console

from local import demo, simulator
from local.deploy import DeployFailed
from local.loopback import port
from local.parameters import WrongParameter
from local.processes import StartFailed
from local.simulator import Simulator
from local.simulator.faults import fault_help
from local.stack import GATEWAYS, LocalStack


class Terminated(BaseException):
    """A signal arrived. Like KeyboardInterrupt it unwinds everything, so that nothing is left behind."""


class OneLineParser(argparse.ArgumentParser):
    """Answers a wrong argument with what is wrong, and not with all that might be right."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise argparse.ArgumentTypeError(f"not of the form NAME=VALUE: {text}")
    return name, value


def gateway_pair(text: str) -> tuple[str, str]:
    name, url = pair(text)
    if name not in GATEWAYS:
        raise argparse.ArgumentTypeError(f"unknown gateway {name}; known: {', '.join(GATEWAYS)}")
    return name, url.rstrip("/")


def add_stack_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=port, default=0, help="port of the API (default: a free one)")
    parser.add_argument(
        "--parameter", type=pair, action="append", default=[], metavar="KEY=VALUE", help="template parameter; repeatable"
    )
    parser.add_argument(
        "--gateway",
        type=gateway_pair,
        action="append",
        default=[],
        metavar="NAME=BASE_URL",
        help="use this server, not the simulator",
    )
    parser.add_argument(
        "--audio-origin",
        action="append",
        default=[],
        metavar="URL",
        help="fetch audio from this loopback origin too; repeatable",
    )
    parser.add_argument("--task-seconds", type=float, default=6.0, help="how long a task takes at the simulator (default: 6)")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = OneLineParser(prog="python -m local", description="The whole bundle on this machine: no account, no Docker.")
    commands = parser.add_subparsers(required=True)
    up = commands.add_parser("up", help="start the stack, print where it is, stay up until interrupted")
    add_stack_arguments(up)
    up.set_defaults(command=stay_up)
    run = commands.add_parser("run", help="bring one song through each gateway")
    add_stack_arguments(run)
    run.add_argument("--songs", type=Path, default=Path("songs"), help="where the files go (default: songs)")
    run.set_defaults(command=run_demo)
    faults = commands.add_parser("faults", help="show the faults that the simulator can play")
    faults.set_defaults(command=show_faults)
    simulate = commands.add_parser("simulate", help="the gateway simulator alone")
    simulator.add_arguments(simulate)
    simulate.set_defaults(command=simulator.run)
    return parser.parse_args(arguments)


def show_faults(_arguments: argparse.Namespace) -> int:
    print(f"Write [fault:NAME] or [fault:NAME=N] into the prompt of a request. N has the default shown.\n\n{fault_help()}")
    return 0


def make_stack(arguments: argparse.Namespace, parameters: dict[str, str], logs: Path) -> LocalStack:
    return LocalStack(
        parameters | dict(arguments.parameter),
        port=arguments.port,
        gateways=dict(arguments.gateway),
        audio_origins=arguments.audio_origin,
        simulator=Simulator(task_seconds=arguments.task_seconds),
        logs=logs,
    )


def stay_up(arguments: argparse.Namespace) -> int:
    def serve(logs: Path) -> int:
        with make_stack(arguments, {}, logs) as stack:
            print(json.dumps(stack.describe()), flush=True)
            threading.Event().wait()
        return 0

    return with_logs(serve, interrupted=0)


def run_demo(arguments: argparse.Namespace) -> int:
    console = Console()

    def show(logs: Path) -> int:
        with ExitStack() as running:
            with console.status("Starting AWS and the gateways on this machine"):
                stack = running.enter_context(make_stack(arguments, demo.PARAMETERS, logs))
            return demo.run(stack, arguments.songs, console)

    return with_logs(show, interrupted=130)


def with_logs(command: Callable[[Path], int], *, interrupted: int) -> int:
    """Runs it with a folder for logs, which is kept, and named, only when something went wrong."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, terminate)
    logs = Path(tempfile.mkdtemp(prefix="suno-jobs-logs-"))
    code = 1
    try:
        code = command(logs)
    except Terminated:
        shutil.rmtree(logs)
        return interrupted
    except (StartFailed, DeployFailed, WrongParameter, demo.RequestRefused, httpx.HTTPError) as error:
        print(f"{error} (logs: {logs})", file=sys.stderr)
        return code
    if code:
        print(f"logs: {logs}", file=sys.stderr)
    else:
        shutil.rmtree(logs)
    return code


def terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def main() -> int:
    arguments = parse(sys.argv[1:])
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        code = command(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader stopped early, as head does. The interpreter flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


if __name__ == "__main__":
    sys.exit(main())
