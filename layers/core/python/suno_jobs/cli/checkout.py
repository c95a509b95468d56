"""The commands that need a checkout of the project: the stack on one machine, and the simulator of the gateways.

They are declared here, so that the help lists them everywhere. What they do is in the folder ``local``, which is in no
installation but that of a checkout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated

from cyclopts import App, Group, Parameter
from cyclopts.validators import Number

from suno_jobs.cli.options import AsJson, show
from suno_jobs.cli.problems import CommandError

GROUP = Group("From a checkout", sort_key=3)
Port = Annotated[int, Parameter(validator=Number(gte=0, lte=65535), help="the port on loopback; 0 takes a free one")]
Repeated = Parameter(negative="", show_default=False)
TaskSeconds = Annotated[float, Parameter(validator=Number(gte=0), help="how long a simulated task takes")]


class NeedsCheckout(CommandError):
    """This installation has no folder ``local``."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class StackOptions:
    """How the stack is started."""

    port: Port = 0
    parameter: Annotated[
        Sequence[str], Repeated, Parameter(help="KEY=VALUE, a parameter of the template; repeat it for several")
    ] = ()
    gateway: Annotated[
        Sequence[str], Repeated, Parameter(help="NAME=URL, a server in place of the simulator; repeat it for several")
    ] = ()
    audio_origin: Annotated[
        Sequence[str], Repeated, Parameter(help="a loopback origin that files may be fetched from; repeat it for several")
    ] = ()
    task_seconds: TaskSeconds = 6.0


local = App(name="local", group=GROUP, help="Run the whole application on this machine, without an AWS account.")


@local.command(name="up")
def start_stack(
    options: StackOptions = StackOptions(),
    *,
    account: Annotated[
        Sequence[str],
        Repeated,
        Parameter(
            help="GATEWAY=@FILE, a key of your own, with which this gateway is really used; @- is the standard input, "
            "GATEWAY alone takes SUNO_JOBS_ACCOUNT_GATEWAY of the shell. Other users of this machine can see GATEWAY=KEY. "
            "Repeat it for several"
        ),
    ] = (),
    public_url: Annotated[
        str | None, Parameter(help="where the API can be reached from outside; your own gateways send callbacks there")
    ] = None,
) -> int:
    """Start the stack, print where it is as one line of JSON, and keep it up until Ctrl-C.

    ```
    suno-jobs local up --account ttapi=@ttapi-key.txt
    ```
    """
    code: int = find_local("local.commands").stay_up(options, accounts=account, public_url=public_url)
    return code


@local.command(name="run")
def run_demo(
    options: StackOptions = StackOptions(),
    *,
    songs: Annotated[Path, Parameter(help="where the files go")] = Path("songs"),
    stay: Annotated[
        bool | None, Parameter(help="keep the stack up afterwards, until Ctrl-C. By default only in a terminal")
    ] = None,
) -> int:
    """Generate one song through each simulated gateway, save the files, and show where to look at the jobs.

    ```
    suno-jobs local run --songs songs --no-stay
    ```
    """
    code: int = find_local("local.commands").run_demo(options, songs=songs, stay=stay)
    return code


def simulate(  # noqa: PLR0913 - the options of a command
    *,
    port: Port = 0,
    task_seconds: TaskSeconds = 10.0,
    audio_seconds: Annotated[
        tuple[float, float], Parameter(negative="", help="the shortest and the longest length of a song")
    ] = (6.0, 11.0),
    key: Annotated[Sequence[str], Repeated, Parameter(help="GATEWAY=KEY; repeat it for several")] = (),
    webhook_key: Annotated[
        Sequence[str], Repeated, Parameter(help="GATEWAY=KEY, with which callbacks are signed; repeat it for several")
    ] = (),
    seed: Annotated[int | None, Parameter(help="the same task ids and songs every time")] = None,
    faults_seed: Annotated[int | None, Parameter(help="draw faults for songs that ask for none")] = None,
) -> int:
    """Start the simulator of the gateways alone, and print where it is as one line of JSON.

    ```
    suno-jobs simulate --port 8090 --task-seconds 2
    ```
    """
    code: int = find_local("local.simulator.command").run(
        port,
        task_seconds=task_seconds,
        audio_seconds=audio_seconds,
        keys=key,
        webhook_keys=webhook_key,
        seed=seed,
        faults_seed=faults_seed,
    )
    return code


def show_faults(*, as_json: AsJson = False) -> None:
    """List the faults that a simulated gateway can play.

    ```
    suno-jobs faults
    ```
    """
    if as_json:
        faults = find_local("local.simulator.faults").FAULTS
        show([{"name": name, "meaning": kind.meaning} for name, kind in faults.items()], (), as_json=True)
    else:
        find_local("local.commands").show_faults()


def find_local(name: str) -> ModuleType:
    """A module of the folder ``local``. Raises NeedsCheckout."""
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        raise NeedsCheckout(
            f"This command needs a checkout of suno-jobs with its development packages ({error}). "
            "There, make run sets up .venv/bin/suno-jobs."
        ) from error
    return module
