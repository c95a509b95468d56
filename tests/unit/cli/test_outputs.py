"""The outputs of a stack are environment variables of the shell, whatever is in them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from local.source import read_template
from suno_jobs.cli.main import main
from suno_jobs.cli.outputs import read_outputs, variable_name
from suno_jobs.cli.problems import ExitCode, NotFound
from tests.world import ROOT

ODD = 'it\'s "$HOME" & `date`\n'
OUTPUTS = [{"OutputKey": "ApiUrl", "OutputValue": "https://api.example"}, {"OutputKey": "JobsTable", "OutputValue": ODD}]


class OneCall:
    """CloudFormation for a caller that may only describe a stack."""

    def __init__(self, stack: dict[str, Any]) -> None:
        self.stack = stack

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        assert StackName == "songs"
        return {"Stacks": [self.stack]}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    client = OneCall({"StackStatus": "UPDATE_COMPLETE", "Outputs": OUTPUTS})
    monkeypatch.setattr(boto3, "client", lambda service, **_: {"cloudformation": client}[service])


def test_the_shell_reads_the_outputs_unchanged(stack: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outputs", "--stack", "songs"]) == ExitCode.DONE
    script = f'{capsys.readouterr().out}printf "%s|%s" "$API_URL" "$JOBS_TABLE"'
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True, env={"PATH": os.defpath})
    assert done.stdout == f"https://api.example|{ODD}"


def test_a_program_reads_them_as_json(stack: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outputs", "--stack", "songs", "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == {"API_URL": "https://api.example", "JOBS_TABLE": ODD}


def test_a_stack_without_outputs_is_named_with_its_status() -> None:
    client: Any = OneCall({"StackStatus": "CREATE_IN_PROGRESS"})
    with pytest.raises(NotFound, match=r"songs has no outputs\. Its status is CREATE_IN_PROGRESS"):
        read_outputs(client, "songs")


def test_a_stack_that_does_not_exist_is_named(aws: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outputs", "--stack", "elsewhere"]) == ExitCode.REFUSED
    out, errors = capsys.readouterr()
    assert out == ""
    assert "elsewhere does not exist" in errors


def test_the_documents_name_variables_that_the_command_prints() -> None:
    printed = {variable_name(output) for output in read_template(ROOT)["Outputs"]}
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    named = {name for page in pages for name in shell_variables(page) if name.endswith(("_TABLE", "_BUCKET", "_ARN", "_URL"))}
    assert {"API_URL", "JOBS_TABLE", "GATEWAY_ACCOUNTS_SECRET_ARN"} <= named
    assert named <= printed


def shell_variables(page: Path) -> list[str]:
    return re.findall(r"\$\{?([A-Z][A-Z_]+)", page.read_text())
