"""What `suno-jobs local` and `suno-jobs faults` do; `suno_jobs.cli.checkout` declares them."""

import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import sleep
from types import FrameType
from typing import NoReturn

import httpx
from rich.console import Console

from local import demo, own_accounts
from local.deploy import DeployFailed
from local.parameters import WrongParameter
from local.processes import StartFailed
from local.simulator import Simulator
from local.simulator.faults import fault_help
from local.stack import GATEWAYS, LocalStack
from suno_jobs.cli.checkout import StackOptions
from suno_jobs.cli.problems import WrongArgument


class Terminated(BaseException):
    """A signal arrived. Like KeyboardInterrupt it unwinds everything, so that nothing is left behind."""


def show_faults() -> None:
    print(f"Write [fault:NAME] or [fault:NAME=N] into the prompt of a request. N has the default shown.\n\n{fault_help()}")


def stay_up(options: StackOptions, *, accounts: Sequence[str], public_url: str | None) -> int:
    make_stack = prepare(options, {}, accounts, public_url)

    def serve(logs: Path) -> int:
        with make_stack(logs) as stack:
            print(json.dumps(stack.describe()), flush=True)
            if sys.stderr.isatty():
                demo.show_where_to_look(stack, Console(stderr=True))
            wait_for_signal()
        return 0

    return with_logs(serve, interrupted=0)


def run_demo(options: StackOptions, *, songs: Path, stay: bool | None) -> int:
    console = Console()
    # Not what rich takes for a terminal: it can be told so by a variable, which CI often does.
    stays = sys.stdin.isatty() and sys.stdout.isatty() if stay is None else stay
    make_stack = prepare(options, demo.PARAMETERS)

    def show(logs: Path) -> int:
        with ExitStack() as running:
            with console.status("Starting AWS and the gateways on this machine"):
                stack = running.enter_context(make_stack(logs))
            code = demo.run(stack, songs, console)
            if stays and not code:
                demo.show_where_to_look(stack, console)
                wait_for_signal()
        return code

    return with_logs(show, interrupted=130)


def prepare(
    options: StackOptions, parameters: Mapping[str, str], accounts: Sequence[str] = (), public_url: str | None = None
) -> Callable[[Path], LocalStack]:
    """What makes the stack, given a folder for its logs. Raises WrongArgument before anything is made."""
    gateways = _gateways(options)
    given = dict(_pair("--parameter", text) for text in options.parameter)
    keys = own_accounts.read_keys(accounts, gateways)
    return lambda logs: LocalStack(
        {**parameters, **given},
        port=options.port,
        gateways=gateways,
        accounts=keys,
        public_url=public_url,
        audio_origins=options.audio_origin,
        simulator=Simulator(task_seconds=options.task_seconds),
        logs=logs,
    )


def _gateways(options: StackOptions) -> dict[str, str]:
    """URLs by name. Raises WrongArgument."""
    pairs = [_pair("--gateway", text) for text in options.gateway]
    for name, _ in pairs:
        if name not in GATEWAYS:
            raise WrongArgument(f"--gateway: unknown gateway {name}; known: {', '.join(GATEWAYS)}")
    return {name: url.rstrip("/") for name, url in pairs}


def _pair(option: str, text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise WrongArgument(f"{option}: not of the form NAME=VALUE: {text}")
    return name, value


def wait_for_signal() -> None:
    """Looks once a second: the system may deliver a signal to another thread, and that does not end a wait of this one."""
    try:
        while True:
            sleep(1)
    except Terminated:
        return


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
