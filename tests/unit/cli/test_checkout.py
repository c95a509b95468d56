"""The commands that need a checkout: which they are, what they pass on, and what they say without one."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.cli import checkout
from suno_jobs.cli.checkout import StackOptions
from suno_jobs.cli.main import main
from suno_jobs.cli.problems import ExitCode

Called = list[tuple[str, tuple[Any, ...], dict[str, Any]]]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Called:
    """What the commands call in the folder ``local``."""
    calls: Called = []

    def noted(name: str) -> Any:
        return lambda *values, **named: calls.append((name, values, named))

    functions = {name: noted(name) for name in ("stay_up", "run_demo", "run")}
    monkeypatch.setattr(checkout, "find_local", lambda _: SimpleNamespace(**functions))
    return calls


def test_every_option_is_passed_on(called: Called) -> None:
    given = ["--port", "8080", "--parameter", "A=1", "--parameter", "B=2", "--gateway", "kie=https://x", "--task-seconds", "2"]
    options = StackOptions(port=8080, parameter=["A=1", "B=2"], gateway=["kie=https://x"], task_seconds=2.0)
    assert main(["local", "up", *given, "--account", "ttapi=@f", "--public-url", "https://t"]) == 0
    assert main(["local", "run", *given, "--songs", "s", "--no-stay"]) == 0
    assert main(["local", "run"]) == 0
    assert main(["simulate", "--port", "1", "--audio-seconds", "1", "2", "--key", "ttapi=k", "--seed", "3"]) == 0
    simulated = {"task_seconds": 10.0, "audio_seconds": (1.0, 2.0), "keys": ["ttapi=k"], "webhook_keys": ()}
    assert called == [
        ("stay_up", (options,), {"accounts": ["ttapi=@f"], "public_url": "https://t"}),
        ("run_demo", (options,), {"songs": Path("s"), "stay": False}),
        ("run_demo", (StackOptions(),), {"songs": Path("songs"), "stay": None}),
        ("run", (1,), simulated | {"seed": 3, "faults_seed": None}),
    ]


@pytest.mark.parametrize("arguments", [["local", "up"], ["local", "run"], ["simulate"], ["faults"]], ids=str)
def test_an_installation_without_a_checkout_says_that_one_is_needed(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(checkout, "import_module", missing)
    assert main(arguments) == ExitCode.REFUSED
    out, errors = capsys.readouterr()
    assert (out, errors.count("\n"), "needs a checkout" in errors) == ("", 1, True)


def test_the_faults_are_those_of_the_simulator(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults"]) == 0
    assert "lost_callback" in capsys.readouterr().out
    assert main(["faults", "--json"]) == 0
    assert {"name": "lost_callback", "meaning": "no callback is sent"} in json.loads(capsys.readouterr().out)


def test_the_help_lists_them_in_a_group_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    group = capsys.readouterr().out.partition(checkout.GROUP.name)[2]
    assert all(f" {name} " in group for name in ("local", "simulate", "faults"))
