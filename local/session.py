"""Records a session of the command line: `make session` writes docs/session.md.

The commands really run, on a local stack with a key of the test mode. What differs from run to run is replaced: ids, secrets,
times, and where the stack is. Only the lines of progress may differ; `without_progress` leaves them out for a comparison.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from local.stack import LocalStack
from suno_jobs.cli.client import access
from suno_jobs.cli.main import main
from suno_jobs.tenants.api_keys import Scope
from suno_jobs_client import SunoJobs

PAGE = Path(__file__).parents[1] / "docs/session.md"
ADDRESS = "https://abc.execute-api.eu-central-1.amazonaws.com"
SCRIPT = """\
# A session on the command line

Recorded by `make session`, with a key of the [test mode](api.md#test-mode): the jobs reach no gateway and cost nothing. Ids, secrets, times and the address are replaced. [The command line](cli.md) describes every command, and [the runbook](runbook.md#commands-for-operators) the exit codes.

## Log in

The key is asked for, or read from the standard input. It is checked and stored in a file that only you can read.

    $ suno-jobs login {address} < key.txt

## Make a song

The estimated cost. Nothing is created:

    $ suno-jobs generate "a folk song about harbour lights" --gateway ttapi,kie --dry-run

The states and stages of the job appear as they happen. A file gets its name when it is complete and checked. Without `--download` or `--wait`, the command prints the id of the job and returns.

    $ suno-jobs generate "a folk song about harbour lights" --gateway ttapi --download songs

## Look at jobs

    $ suno-jobs list
    $ suno-jobs events {job}
    $ suno-jobs open {job}

## When something goes wrong

A failed job has its own exit code. Here a marker of the test mode causes the failure:

    $ suno-jobs generate "a song [test:no_credits]" --gateway ttapi --wait

If a request is refused, one line on the standard error says why:

    $ suno-jobs cancel {job}
    $ suno-jobs run wav --field title=Lights
    $ suno-jobs get job_0

## Keys and webhooks

A new key or secret is shown once. Only the key is on the standard output, so that a shell variable can hold it.

    $ suno-jobs keys create --name "web shop" --scope jobs:read --days 90
    $ suno-jobs keys list
    $ suno-jobs webhooks create https://shop.example/hooks --event job.succeeded --event job.failed

For a program, every command has `--json`:

    $ suno-jobs webhooks list --json
"""  # noqa: E501 - a paragraph of Markdown is one line


def record(stack: LocalStack, tenant: str) -> str:
    """The page. `tenant` must be new, since its jobs and keys are listed."""
    with SunoJobs(stack.api_url, stack.create_api_key(tenant)) as suno:
        scopes = [scope.value for scope in Scope if scope is not Scope.OPERATE]
        key = suno.create_key(name="laptop", mode="test", scopes=scopes).key
    with tempfile.TemporaryDirectory() as folder, _away_from_home(folder):
        recorded = "".join(_lines(stack.api_url, key))
    return _replaced(recorded.replace(stack.api_url, ADDRESS).replace(folder, "~"))


@contextlib.contextmanager
def _away_from_home(folder: str) -> Iterator[None]:
    """In an empty folder, with an environment that has no API key and opens no browser."""
    before = dict(os.environ)
    for name in (access.URL, access.KEY, "DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "FORCE_COLOR"):
        os.environ.pop(name, None)
    os.environ["XDG_CONFIG_HOME"] = f"{folder}/.config"
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _lines(url: str, key: str) -> Iterator[str]:
    """The script with what each command prints."""
    job = ""
    for line in SCRIPT.splitlines(keepends=True):
        if not line.startswith("    $ "):
            yield line
            continue
        command = line.strip().removeprefix("$ suno-jobs ").format(address=url, job=job)
        code, output = _run(command.removesuffix(" < key.txt"), f"{key}\n")
        job = job or next(iter(re.findall(r"job_\w+", output)), "")
        shown = [f"$ suno-jobs {command}", *output.splitlines(), *([f"[exit code {code}]"] if code else [])]
        yield "".join(f"    {each}".rstrip() + "\n" for each in shown)


def _run(command: str, given: str) -> tuple[int, str]:
    """The exit code, and what a terminal would show: both outputs in their order."""
    shown, terminal = io.StringIO(), sys.stdin
    sys.stdin = io.StringIO(given)
    try:
        with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
            return main(shlex.split(command)), shown.getvalue()
    finally:
        sys.stdin = terminal


def _replaced(text: str) -> str:
    """Everything that is different in each run, by something of the same length."""
    known: dict[str, str] = {}

    def stable(found: re.Match[str]) -> str:
        return known.setdefault(found[0], found[1] + _letters(len(known), len(found[2])))

    text = re.sub(r"(sj_test_\w{4})\w{33}|(whsec_)[\w+/=]+", r"\1\2...", text)
    text = re.sub(r"sj_test_\w{4}\b", "sj_test_abcd", text)
    text = re.sub(r"(job_test_|key_|we_)([0-9a-v]{16,26})\b", stable, text)
    text = re.sub(r"\b()([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b", lambda found: _uuid(known, found[2]), text)
    text = re.sub(r"\b20\d\d-\d\d-\d\d", "2026-11-22", text)
    text = re.sub(r"(?<!\d)\d\d:\d\d:\d\d|(?<=2026-11-22 )\d\d:\d\d", lambda found: "02:00:00"[: len(found[0])], text)
    text = re.sub(r"\b\d{3} bytes", "304 bytes", text)
    return re.sub(r"\.1\d{9}\.", ".1795312800.", text)


def _letters(number: int, length: int) -> str:
    digest = int.from_bytes(hashlib.sha256(str(number).encode()).digest())
    return "".join("0123456789abcdefghijklmnopqrstuv"[digest >> 5 * place & 31] for place in range(length))


def _uuid(known: dict[str, str], found: str) -> str:
    digest = hashlib.sha256(str(len(known)).encode()).hexdigest()
    return known.setdefault(found, "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32])))


def without_progress(page: str) -> str:
    """Without the lines that depend on how fast the stack is: states of jobs as they happen, and the history of one."""
    return re.sub(r"^    (?:job_\w+  [A-Z_]+(?:, \w+)?(?: \(.*\))?|\d\d:\d\d:\d\d .*)\n", "", page, flags=re.MULTILINE)


if __name__ == "__main__":
    with LocalStack({"FirstCheckSeconds": "3"}) as running:
        PAGE.write_text(record(running, "you"), "utf-8")
