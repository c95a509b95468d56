"""``suno-jobs``: commands for people with an API key, and for operators with the AWS credentials of the shell.

A command is a function. Its docstring and its parameters are its help, and what it prints is its output. It returns None or an
exit code, and raises one of ``problems.EXPECTED`` for what an operator can cause.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TextIO

from cyclopts import App, Group, Parameter
from rich.console import Console

from suno_jobs.cli import (
    adopt,
    attach,
    callbacks,
    checkout,
    doctor,
    explain,
    keys,
    outputs,
    problems,
    quarantine,
    receipts,
    stuck,
    sweep,
    tail,
    tenants,
)
from suno_jobs.cli.client import access, jobs, listen, playing, songs, trigger, webhooks
from suno_jobs.cli.client import keys as own_keys
from suno_jobs.cli.client.options import WITH_API_KEY
from suno_jobs.cli.problems import ExitCode


class _HelpConsole(Console):
    def on_broken_pipe(self) -> None:
        """Without this, ``rich`` ends the process with an exit code of its own."""
        raise BrokenPipeError


ABOUT = Group("About this command", sort_key=9)
app = App(
    name="suno-jobs",
    help="Create and download songs with an API key, or operate a stack with the AWS credentials of the shell.",
    help_epilogue=f"Exit codes: {', '.join(f'{code} {code.name.lower()}'.replace('_', ' ') for code in ExitCode)}.",
    version_flags=[],
    exit_on_error=False,
    print_error=False,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    console=_HelpConsole(),
    group_commands=Group("With AWS credentials", sort_key=2),
)
app.command(access.log_in, name="login", group=WITH_API_KEY)
app.command(songs.generate, name="generate", group=WITH_API_KEY)
app.command(songs.run, name="run", group=WITH_API_KEY)
app.command(jobs.list_jobs, name="list", group=WITH_API_KEY)
app.command(jobs.get_job, name="get", group=WITH_API_KEY)
app.command(jobs.watch_jobs, name="watch", group=WITH_API_KEY)
app.command(jobs.download_files, name="download", group=WITH_API_KEY)
app.command(jobs.cancel_job, name="cancel", group=WITH_API_KEY)
app.command(jobs.retry_job, name="retry", group=WITH_API_KEY)
app.command(jobs.show_events, name="events", group=WITH_API_KEY)
app.command(jobs.adopt_task, name="adopt", group=WITH_API_KEY)
app.command(jobs.show_gateways, name="gateways", group=WITH_API_KEY)
app.command(jobs.show_usage, name="usage", group=WITH_API_KEY)
app.command(playing.open_console, name="open", group=WITH_API_KEY)
app.command(playing.play_song, name="play", group=WITH_API_KEY)
app.command(webhooks.app)
app.command(own_keys.app)

app.command(checkout.local)
app.command(checkout.simulate, name="simulate", group=checkout.GROUP)
app.command(checkout.show_faults, name="faults", group=checkout.GROUP)
app.command(listen.listen, name="listen", group=checkout.GROUP)
app.command(trigger.trigger, name="trigger", group=checkout.GROUP)

app.command(outputs.print_outputs, name="outputs")
app.command(keys.rotate_secret, name="rotate-callback-secret")
app.command(callbacks.redrive_callbacks, name="redrive-callbacks")
app.command(adopt.adopt_file, name="adopt-file")
app.command(attach.attach_data, name="attach")
app.command(explain.print_timeline, name="explain")
app.command(receipts.print_receipts, name="receipts")
app.command(receipts.replay_callback, name="replay")
app.command(stuck.print_stuck, name="stuck")
app.command(sweep.print_sweep, name="sweep")
app.command(tail.follow_events, name="tail")
app.command(quarantine.app)
tenants.app.command(keys.app)
app.command(tenants.app)
app.command(doctor.print_checks, name="doctor")

app["--help"].group = (ABOUT,)


@app.command(name="completion", group=ABOUT)
def print_completion(shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="the shell to complete in")], /) -> None:
    """Print a script that completes commands and options in a shell.

    ```
    suno-jobs completion bash > ~/.local/share/bash-completion/completions/suno-jobs
    suno-jobs completion zsh > "${fpath[1]}/_suno-jobs"
    suno-jobs completion fish > ~/.config/fish/completions/suno-jobs.fish
    ```
    """
    print(app.generate_completion(shell=shell), end="")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        _replace_what_cannot_be_encoded(stream)
    try:
        code = app(_readable(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return ExitCode.PIPE_CLOSED
    except problems.EXPECTED as problem:
        print(problems.describe(problem), file=sys.stderr)
        _finish_output()
        return problems.exit_code(problem)
    return code or ExitCode.DONE


def _open_what_is_closed() -> None:
    """A shell can close a stream, as ``suno-jobs list >&-`` does. Then Python has None in its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process


def _readable(arguments: Sequence[str]) -> Sequence[str]:
    """Raises WrongArgument for bytes that are no text, which Python replaces by something that cannot be sent."""
    for each in arguments:
        if not each.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in each):
            raise problems.WrongArgument(f"{each} is not in the encoding {sys.getfilesystemencoding()}")
    return arguments


def _replace_what_cannot_be_encoded(stream: TextIO) -> None:
    """A title may have characters that the encoding of the terminal does not have."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")


def _finish_output() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _discard_output()


def _discard_output() -> None:
    """The interpreter flushes once more at its end, and would report a closed pipe or a full disk itself."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
