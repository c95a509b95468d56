"""The outputs of a stack are environment variables of the shell, whatever is in them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from local.source import read_template
from suno_jobs.cli.client import access
from suno_jobs.cli.main import main
from suno_jobs.cli.outputs import variable_name
from suno_jobs.cli.problems import ExitCode
from tests.unit.cli.conftest import Describe
from tests.world import ROOT

ODD = 'it\'s "$HOME" & `date`\n'
OUTPUTS = [{"OutputKey": "ApiUrl", "OutputValue": "https://api.example"}, {"OutputKey": "JobsTable", "OutputValue": ODD}]


@pytest.fixture
def stack(described: Describe) -> None:
    described(Outputs=OUTPUTS)


def test_the_shell_reads_the_outputs_unchanged(stack: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outputs", "--stack", "songs"]) == ExitCode.DONE
    script = f'{capsys.readouterr().out}printf "%s|%s" "$API_URL" "$JOBS_TABLE"'
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True, env={"PATH": os.defpath})
    assert done.stdout == f"https://api.example|{ODD}"


def test_a_program_reads_them_as_json(stack: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outputs", "--stack", "songs", "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == {"API_URL": "https://api.example", "JOBS_TABLE": ODD}


def test_a_stack_that_does_not_exist_is_named(aws: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outputs", "--stack", "elsewhere"]) == ExitCode.REFUSED
    out, errors = capsys.readouterr()
    assert out == ""
    assert "elsewhere does not exist" in errors


def test_the_documents_name_variables_that_the_command_prints() -> None:
    printed = {variable_name(output) for output in read_template(ROOT)["Outputs"]}
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    named = {name for page in pages for name in shell_variables(page) if name.endswith(("_TABLE", "_BUCKET", "_ARN", "_URL"))}
    named -= {access.URL}
    assert {"API_URL", "JOBS_TABLE", "GATEWAY_ACCOUNTS_SECRET_ARN"} <= named
    assert named <= printed


def shell_variables(page: Path) -> list[str]:
    """But for the settings of the command itself."""
    return re.findall(r"\$\{?(?!SUNO_JOBS_)([A-Z][A-Z_]+)", page.read_text())
