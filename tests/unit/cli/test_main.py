"""The commands, and what an operator sees when something outside them is wrong: one line and a documented exit code."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError

from suno_jobs.cli import aws as aws_clients
from suno_jobs.cli.main import app, main
from suno_jobs.cli.problems import ExitCode
from suno_jobs.errors import AssetNotReady, Conflict, ErrorCode, Fault
from tests.world import TABLE

CORE = Path(__file__).parents[3] / "layers/core/python"
EXPLAIN = ("explain", "job_x", "--table", TABLE)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out.strip()


def failed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code and the one line of the error."""
    code = main(arguments)
    out, errors = capsys.readouterr()
    assert (out, errors.count("\n")) == ("", 1)
    return code, errors


def test_a_rotation_keeps_the_previous_secret_for_callbacks_in_flight(
    aws: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="callback", SecretString='{"current": "one", "previous": "", "kie_webhook_key": "k"}')
    assert run(capsys, "rotate-callback-secret", "--secret", "callback") == "rotated"
    values = json.loads(secrets.get_secret_value(SecretId="callback")["SecretString"])
    assert (values["previous"], values["kie_webhook_key"]) == ("one", "k")
    assert len(values["current"]) >= 32
    assert values["current"] != "one"


@pytest.mark.parametrize("content", ['{"ttapi/default": {"api_key": "k"}}', "[]", "no JSON"])
def test_another_secret_is_not_rotated(aws: SimpleNamespace, capsys: pytest.CaptureFixture[str], content: str) -> None:
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="accounts", SecretString=content)
    code, line = failed(capsys, "rotate-callback-secret", "--secret", "accounts")
    assert (code, line.split(":")[0]) == (ExitCode.REFUSED, "The secret is not the callback secret")
    assert secrets.get_secret_value(SecretId="accounts")["SecretString"] == content


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["explain"], "JOB_ID"),
        (["explain", "job_x"], "--table"),
        ([*EXPLAIN, "--tabel", "t"], "--tabel"),
        ([*EXPLAIN, "job_y"], "job_y"),
        (["explian"], "explian"),
        (["quarantine", "lost", "job_x"], "lost"),
        (["explain", "job_x", "--table", ""], "TableName"),
    ],
)
def test_wrong_arguments_are_named(
    aws: SimpleNamespace, capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    code, line = failed(capsys, *arguments)
    assert code == ExitCode.WRONG_ARGUMENTS
    assert named in line


def test_a_table_that_is_not_there_is_an_error_with_its_remedy(
    aws: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = failed(capsys, "explain", "job_x", "--table", "other")
    assert code == ExitCode.REFUSED
    assert "ResourceNotFoundException" in line
    assert "Check the name, the region and the AWS account." in line


def test_without_a_region_the_message_names_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    code, line = failed(capsys, *EXPLAIN)
    [variable] = re.findall(r"Set (\w+),", line)
    assert code == ExitCode.WRONG_ARGUMENTS
    monkeypatch.setenv(variable, "eu-central-1")
    assert aws_clients.dynamodb().meta.region_name == "eu-central-1"


@pytest.mark.parametrize(
    ("environment", "named", "expected"),
    [
        ({"AWS_ENDPOINT_URL": "nowhere"}, "nowhere", ExitCode.WRONG_ARGUMENTS),
        ({"AWS_ENDPOINT_URL": "http://localhost:99999"}, "Port out of range", ExitCode.WRONG_ARGUMENTS),
        ({"AWS_PROFILE": "unknown"}, "unknown", ExitCode.NOT_PERMITTED),
    ],
    ids=str,
)
def test_a_wrong_setting_of_the_shell_is_named(
    aws: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: Any,
    named: str,
    expected: ExitCode,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for arguments in (EXPLAIN, ("rotate-callback-secret", "--secret", "callback")):
        code, line = failed(capsys, *arguments)
        assert (code, named in line) == (expected, True)


def test_an_endpoint_that_does_not_answer_is_named(
    aws: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1/")

    monkeypatch.setattr(boto3, "client", lost)
    code, line = failed(capsys, *EXPLAIN)
    assert (code, "http://127.0.0.1:1/" in line) == (ExitCode.NOT_DONE, True)


def test_a_credential_that_cannot_be_sent_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is in the message of botocore."""

    def refuse(*_: object, **__: object) -> None:
        raise HTTPClientError(error=ValueError("Invalid header value b'secret\\n'"))

    monkeypatch.setattr(boto3, "client", refuse)
    code, line = failed(capsys, *EXPLAIN)
    assert (code, "secret" in line, "the end of a line" in line) == (ExitCode.NOT_PERMITTED, False, True)


def test_a_closed_input_is_empty(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["login", "http://127.0.0.1:1"]) == ExitCode.WRONG_ARGUMENTS
    assert capsys.readouterr().err == "there is no API key on the standard input\n"
    with sys.stdin as opened:
        assert opened.read() == ""


def test_streams_that_the_shell_has_closed_are_no_defect() -> None:
    """As ``>&-`` does. Python then has None in their place."""
    script = "import sys; from suno_jobs.cli.main import main; sys.exit(main(['login', 'https://api.example']))"
    command = ["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, script]
    environment = {"PYTHONPATH": f"{CORE}:{CORE.parents[2] / 'client'}"}
    assert subprocess.run(command, check=False, env=environment).returncode == ExitCode.WRONG_ARGUMENTS


def test_bytes_that_are_no_text_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """As of a terminal with another encoding. Python replaces them by what no request can contain."""
    for arguments in (["generate", "caf\udce9"], ["explain", "\udcff", "--table", TABLE]):
        code, line = failed(capsys, *arguments)
        assert (code, "encoding" in line) == (ExitCode.WRONG_ARGUMENTS, True)


def test_a_reader_that_stops_early_ends_the_command_quietly() -> None:
    """As ``suno-jobs --help | head -1`` does. The pipe is closed before anything is written."""
    reading, writing = os.pipe()
    os.close(reading)
    script = "import sys; from suno_jobs.cli.main import main; sys.exit(main(['--help']))"
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-c", script], stdout=closed, stderr=subprocess.PIPE, check=False, env={"PYTHONPATH": str(CORE)}
        )
    assert (done.returncode, done.stderr) == (ExitCode.PIPE_CLOSED, b"")


@pytest.mark.parametrize(
    ("raised", "code"),
    [(KeyboardInterrupt, ExitCode.INTERRUPTED), (BrokenPipeError, ExitCode.PIPE_CLOSED)],
)
def test_the_end_from_outside_has_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], raised: type[BaseException], code: int
) -> None:
    def end(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(boto3, "client", end)
    assert main(EXPLAIN) == code
    assert capfd.readouterr().err == ""


def test_ctrl_c_while_the_commands_are_imported_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes a second. The installed command starts here."""
    project = tomllib.loads((CORE.parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    start = EntryPoint("suno-jobs", project["scripts"]["suno-jobs"], "console_scripts").load()
    monkeypatch.setattr(sys, "argv", ["suno-jobs", "completion", "bash"])
    assert start() == ExitCode.DONE

    class Importing:
        def find_spec(self, *_: object) -> None:
            raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "suno_jobs.cli.main")
    monkeypatch.setattr(sys, "meta_path", [Importing()])
    assert start() == ExitCode.INTERRUPTED


class Closed(io.StringIO):
    """A standard output whose reader is gone."""

    def write(self, _: str) -> int:
        raise BrokenPipeError

    def fileno(self) -> int:
        return self.descriptor

    descriptor = -1


def test_the_help_has_the_same_exit_code_when_its_reader_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as file:
        closed = Closed()
        closed.descriptor = file.fileno()
        monkeypatch.setattr(sys, "stdout", closed)
        assert main(["--help"]) == ExitCode.PIPE_CLOSED


@pytest.mark.parametrize("problem", [Conflict("changed meanwhile"), AssetNotReady(Fault(ErrorCode.ASSET_SILENT, "silent"))])
def test_what_the_state_of_a_job_does_not_permit_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], problem: Exception
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise problem

    monkeypatch.setattr(boto3, "client", refuse)
    assert failed(capsys, *EXPLAIN) == (ExitCode.REFUSED, f"{problem}\n")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AccessDeniedException", ExitCode.NOT_PERMITTED),
        ("InvalidSignatureException", ExitCode.NOT_PERMITTED),
        ("SignatureDoesNotMatch", ExitCode.NOT_PERMITTED),
        ("InvalidAccessKeyId", ExitCode.NOT_PERMITTED),
        ("ValidationException", ExitCode.REFUSED),
        ("ThrottlingException", ExitCode.NOT_DONE),
    ],
)
def test_an_answer_of_aws_has_the_exit_code_of_its_kind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: str, expected: ExitCode
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetItem")

    monkeypatch.setattr(boto3, "client", refuse)
    assert failed(capsys, *EXPLAIN)[0] == expected


def test_a_defect_of_a_command_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr(boto3, "client", broken)
    with pytest.raises(KeyError):
        main(EXPLAIN)


def test_every_command_has_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, "--help")
    for name in app:
        assert name in text
        if not name.startswith("-"):
            assert run(capsys, name, "--help").split()[:3] == ["Usage:", "suno-jobs", name]
