"""What each function loads at its start, asked of a fresh interpreter that imports the function and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ADAPTERS = "suno_jobs.gateways.adapters"
INPUTS = "pydantic"
HTTP_CLIENT = "httpx"
POWERTOOLS = "aws_lambda_powertools"
RECORD = "suno_jobs.jobs.record"

LEAN = {
    "authorize": (ADAPTERS, INPUTS, HTTP_CLIENT, POWERTOOLS, RECORD),
    "receive_callback": (ADAPTERS, INPUTS, HTTP_CLIENT, POWERTOOLS, RECORD),
    "cancel_job": (ADAPTERS, INPUTS, HTTP_CLIENT),
    "read_jobs": (ADAPTERS, INPUTS, HTTP_CLIENT),
    "store_track": (ADAPTERS, INPUTS, POWERTOOLS),
    "finish_job": (ADAPTERS, INPUTS, HTTP_CLIENT),
}

SIGNATURES = "suno_jobs.gateways.signatures"
"""What receive_callback loads besides, when the operator has set a gateway's webhook key."""


def loaded(folder: Path, *modules: str) -> set[str]:
    script = f"import sys; import {', '.join(modules)}; print('\\n'.join(sys.modules))"
    path = os.pathsep.join([str(folder), str(ROOT / "layers/core/python")])
    environment = {"PYTHONPATH": path, "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("function", LEAN)
def test_a_lean_function_stays_lean(function: str) -> None:
    modules = ("app", SIGNATURES) if function == "receive_callback" else ("app",)
    found = loaded(ROOT / "functions" / function, *modules)
    assert f"suno_jobs.steps.{function}" in found
    for unwanted in LEAN[function]:
        assert not any(module == unwanted or module.startswith(f"{unwanted}.") for module in found), unwanted


def test_packages_import_nothing_by_themselves() -> None:
    packages = [
        path.parent.relative_to(ROOT / "layers/core/python") for path in ROOT.glob("layers/**/suno_jobs/**/__init__.py")
    ]
    names = {".".join(package.parts) for package in packages}
    assert {name for name in loaded(ROOT, *names) if name.startswith("suno_jobs")} == names
