"""The commands of the local stack: what its users give it, and what it says."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from local import commands, demo
from local.parameters import UnknownParameter, WrongParameter, check
from local.simulator.faults import FAULTS
from local.source import read_template
from local.stack import GATEWAYS, ROOT
from suno_jobs.cli.main import main
from suno_jobs.cli.problems import ExitCode


def local(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"TMPDIR": str(folder)} if folder else {}
    command = [sys.executable, "-m", "local", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("FirstCheckSeconds", "abc", "must be a number"),
        ("FirstCheckSeconds", "0", "must be from 1 to 3600"),
        ("FirstCheckSeconds", "3601", "must be from 1 to 3600"),
        ("AmbiguousSubmitPolicy", "maybe", "must be one of fail, resubmit"),
        ("LogRetentionDays", "2", "must be one of 1, 3, 5"),
        ("AutoGateways", "ttapi,", "must be empty or names of gateways separated by commas"),
    ],
)
def test_a_value_that_the_template_does_not_allow_is_refused(name: str, value: str, reason: str) -> None:
    with pytest.raises(WrongParameter, match=f"parameter {name}={value}: {reason}"):
        check(read_template(ROOT), {name: value})


def test_allowed_values_are_taken() -> None:
    given = {"FirstCheckSeconds": "3", "AmbiguousSubmitPolicy": "resubmit", "AutoGateways": "kie", "LogRetentionDays": "7"}
    check(read_template(ROOT), given)


def test_an_unknown_parameter_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(UnknownParameter, match=r"no parameter X; it has FirstCheckSeconds, "):
        check(read_template(ROOT), {"X": "1"})


def test_a_wrong_parameter_gets_one_line(tmp_path: Path) -> None:
    done = local("up", "--parameter", "FirstCheckSeconds=abc", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("parameter FirstCheckSeconds=abc: must be a number (logs: ")


@pytest.mark.parametrize("port", ["99999", "-1", "http"])
@pytest.mark.parametrize("command", [["local", "up"], ["simulate"]], ids=str)
def test_a_wrong_port_gets_one_line(command: list[str], port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, f"--port={port}"]) == ExitCode.WRONG_ARGUMENTS
    [line] = capsys.readouterr().err.splitlines()
    assert "--port" in line
    assert port in line


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["local", "up", "--parameter", "X"], "--parameter: not of the form NAME=VALUE: X"),
        (["local", "run", "--gateway", "suno=http://x"], "--gateway: unknown gateway suno"),
        (["simulate", "--key", "suno=k"], "--key: give GATEWAY=KEY"),
        (["simulate", "--webhook-key", "kie="], "--webhook-key: give GATEWAY=KEY"),
    ],
)
def test_a_wrong_argument_gets_one_line(arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == ExitCode.WRONG_ARGUMENTS
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(named)


def test_a_port_that_is_taken_gets_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["simulate", "--port", str(port)]) == ExitCode.NOT_DONE
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"port {port} cannot be used: ")


def test_a_reader_that_stops_early_ends_the_command_quietly() -> None:
    """As ``python -m local faults | head -1`` does."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        command = [sys.executable, "-m", "local", "faults"]
        done = subprocess.run(command, cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (141, b"")


def test_faults_are_shown_with_what_they_do() -> None:
    shown = local("faults").stdout
    assert "[fault:NAME]" in shown
    assert all(name in shown and kind.meaning in shown for name, kind in FAULTS.items())


def test_the_demo_shows_every_gateway() -> None:
    assert sorted(demo.SONGS) == sorted(GATEWAYS)


@pytest.mark.parametrize(
    ("terminal", "option", "code", "stays"),
    [
        (True, [], 0, True),
        (False, [], 0, False),
        (True, ["--no-stay"], 0, False),
        (False, ["--stay"], 0, True),
        (True, ["--stay"], 1, False),
    ],
)
def test_the_demo_stays_up_in_a_terminal_until_it_is_interrupted(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    terminal: bool,
    option: list[str],
    code: int,
    stays: bool,
) -> None:
    """``FORCE_COLOR``, which CI may set, makes no terminal."""

    def interrupt(_seconds: float) -> None:
        raise commands.Terminated

    stack = SimpleNamespace(console_url="http://127.0.0.1:1/console", api_url="http://127.0.0.1:1", api_key="sj_live_x")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(commands, "prepare", lambda *_: lambda _: nullcontext(stack))
    monkeypatch.setattr("local.commands.signal.signal", lambda *_: None)
    monkeypatch.setattr("local.commands.sleep", interrupt)
    monkeypatch.setattr(demo, "run", lambda *_: code)
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: terminal)
    assert main(["local", "run", *option]) == code
    assert (stack.console_url in capsys.readouterr().out) == stays
