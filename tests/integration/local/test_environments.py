"""The template of Lambda environments: each environment is a process of its own, and lives and dies with its bootstrap."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import lambda_bootstrap, template
from local.source import read_template
from local.stack import ROOT
from tests.integration.waiting import wait_for

BOOTSTRAP = ROOT / "local" / "lambda_bootstrap.py"
COMMON = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
# In place of a function: what an environment finds around it, and ends of every kind.
TEMPLATE = """
import json, os, signal, socket, sys
from local.environments import SOCKET, Template

def environment(handler, settings, files):
    os.fchdir(files[3])
    seen = {"pid": os.getpid(), "settings": settings, "cwd": os.getcwd(), "variables": dict(os.environ)}
    os.write(files[1], json.dumps(seen).encode() + b"\\n")
    if handler == "wait":
        signal.pause()
    if handler == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if handler == "broken":
        raise ValueError("broken")
    sys.exit(int(handler))

os.chdir(sys.argv[1])
listener = socket.socket(socket.AF_UNIX)
listener.bind(SOCKET)
listener.listen()
print("ready", flush=True)
Template(listener, environment).run()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the socket of a running template is; the path is longer than that of a socket may be."""
    home = tmp_path / ("x" * 120)
    home.mkdir()
    command = [sys.executable, "-c", TEMPLATE, str(home)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        try:
            yield home
        finally:
            process.stdin.close()
        assert process.wait(10) == -signal.SIGKILL, "it is gone when nothing holds its input open"


@contextmanager
def bootstrap(folder: Path, handler: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    environment = COMMON | {"_HANDLER": handler} | variables
    command = [sys.executable, "-IS", str(BOOTSTRAP), str(folder), "settings"]
    with subprocess.Popen(command, cwd=folder.parent, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def seen_by(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout
    found: dict[str, object] = json.loads(process.stdout.readline())
    return found


def is_alive(pid: object) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_an_environment_has_variables_folder_and_output_of_its_bootstrap_and_a_process_of_its_own(folder: Path) -> None:
    with bootstrap(folder, "wait", MINE="one = 1") as one, bootstrap(folder, "wait", MINE="", OTHER="ü\n") as other:
        first, second = seen_by(one), seen_by(other)
        assert first["pid"] != second["pid"]
        assert first["variables"] == {**COMMON, "_HANDLER": "wait", "MINE": "one = 1"}
        assert second["variables"] == {**COMMON, "_HANDLER": "wait", "MINE": "", "OTHER": "ü\n"}
        assert first["cwd"] == str(folder.parent)
        assert first["settings"] == "settings"


@pytest.mark.parametrize(("handler", "code"), [("0", 0), ("7", 7), ("broken", 1), ("killed", -signal.SIGKILL)])
def test_a_bootstrap_ends_as_its_environment_did(folder: Path, handler: str, code: int) -> None:
    with bootstrap(folder, handler) as process:
        seen_by(process)
        assert process.wait(10) == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_environment_is_killed_with_its_bootstrap(folder: Path, number: signal.Signals) -> None:
    with bootstrap(folder, "wait") as process:
        pid = seen_by(process)["pid"]
        assert is_alive(pid)
        process.send_signal(number)
        assert process.stdout
        assert process.stdout.read() == "", "its output is closed once no process has it any more"
        assert process.wait(10) == -number
    wait_for(lambda: not is_alive(pid), seconds=10)


def test_a_bootstrap_without_a_template_fails(tmp_path: Path) -> None:
    with bootstrap(tmp_path, "0") as process:
        assert process.wait(10) == 1
    assert lambda_bootstrap.TEMPLATE_IS_GONE == 70


# ---------------------------------------------------------------------------- what the template imports

IMPORTS = """
import importlib.util, json, os, sys
from pathlib import Path
from local import environments

read = set()
kind = type(os.environ)
get = kind.__getitem__
def noted(self, name):
    read.add(name)
    return get(self, name)
kind.__getitem__ = noted

environments.preload(sys.argv[2:])
before, read_before = set(sys.modules), sorted(read)
for app in sorted(Path(sys.argv[1]).glob("*/app.py")):
    spec = importlib.util.spec_from_file_location("app", app)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
late = {name for name in set(sys.modules) - before if "site-packages" in (getattr(sys.modules[name], "__file__", None) or "")}
own = {name for name in before if name.startswith("suno_jobs.")}
print(json.dumps({"read": read_before, "late": sorted(late), "own": len(own)}))
"""


def test_the_template_imports_all_packages_of_the_functions_and_reads_no_variable_of_theirs() -> None:
    bundle = read_template(ROOT)
    layers = template.layer_folders(bundle, ROOT)
    command = [sys.executable, "-c", IMPORTS, str(ROOT / "functions"), *layers]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    variables: set[str] = set()
    for function in template.of_type(bundle, "AWS::Serverless::Function").values():
        variables |= function["Properties"].get("Environment", {}).get("Variables", {}).keys()
    assert variables.isdisjoint(found["read"])
    assert [name for name in found["read"] if name.startswith("AWS_LAMBDA_FUNCTION")] == []
    assert found["late"] == []
    assert found["own"] > 20
