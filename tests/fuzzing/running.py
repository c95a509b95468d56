"""Runs schemathesis as its own program does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx

_ROOT = Path(__file__).parents[2]
_SETTINGS = Path(__file__).with_name("schemathesis.toml")
_PHASES = "examples,coverage,fuzzing,stateful"


def command(api_url: str, api_key: str, examples: int, *more: str) -> list[str]:
    """``examples`` are the cases of each operation in the phase fuzzing."""
    schemathesis = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(_SETTINGS)]
    run = ["run", str(_ROOT / "docs/openapi.json"), "--url", api_url, "--header", f"Authorization: Bearer {api_key}"]
    return [*schemathesis, *run, "--phases", _PHASES, "--max-examples", str(examples), *more]


def environment(api_url: str, api_key: str, sample_every: int) -> dict[str, str]:
    answer = httpx.get(f"{api_url}/v1/keys", headers={"Authorization": f"Bearer {api_key}"}, timeout=40, trust_env=False)
    keys = [key["key_id"] for key in answer.raise_for_status().json()["keys"]]
    hooks = {"SCHEMATHESIS_HOOKS": "tests.fuzzing.sampling", "SAMPLE_EVERY": str(sample_every), "OWN_KEYS": " ".join(keys)}
    return {**os.environ, **hooks, "PYTHONPATH": str(_ROOT), "NO_COLOR": "1"}


def fuzz(arguments: list[str], variables: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """``folder`` is where schemathesis keeps what it found."""
    return subprocess.run(arguments, env=variables, capture_output=True, text=True, check=False, cwd=folder)
