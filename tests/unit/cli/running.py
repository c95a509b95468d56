"""Runs a command in this process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from suno_jobs.cli.main import main
from suno_jobs.cli.problems import ExitCode
from tests.unit.client.service import Service

Serving = Callable[..., Service]


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = ExitCode.DONE) -> tuple[str, str]:
    assert main(arguments) == code
    out, errors = capsys.readouterr()
    return out, errors
