"""A command finds what it needs from the name of the stack alone, and an option spares it from reading the stack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    UnauthorizedSSOTokenError,
)
from cyclopts import App

from local.source import read_template
from suno_jobs.cli.checkout import GROUP as FROM_A_CHECKOUT
from suno_jobs.cli.client.options import WITH_API_KEY
from suno_jobs.cli.main import ABOUT, app, main
from suno_jobs.cli.problems import ExitCode
from suno_jobs.cli.stack import OPTIONS, VARIABLE, Stack
from tests.unit.cli.conftest import Describe
from tests.world import API_KEYS_TABLE, ROOT, TABLE


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeStacks")


OUTPUTS = {"JobsTable": TABLE, "ApiKeysTable": "keys"}


@pytest.fixture(autouse=True)
def no_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def failed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(arguments)
    out, errors = capsys.readouterr()
    assert (out, errors.count("\n")) == ("", 1)
    return code, errors


def test_the_tables_are_found_and_the_stack_is_read_once(
    aws: SimpleNamespace, described: Describe, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.dynamodb.create_table(TableName="keys", **API_KEYS_TABLE)
    cloudformation = described(Outputs=OUTPUTS)
    assert main(["tenants", "create", "acme", "--stack", "songs"]) == ExitCode.DONE
    cloudformation.calls = 0
    assert main(["tenants", "keys", "create", "acme", "--stack", "songs"]) == ExitCode.DONE
    assert cloudformation.calls == 1
    assert "sj_live_" in capsys.readouterr().out


def test_the_name_may_be_in_the_environment(
    aws: SimpleNamespace, described: Describe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    described(Outputs=OUTPUTS)
    monkeypatch.setenv(VARIABLE, "songs")
    assert failed(capsys, "explain", "job_x") == (ExitCode.REFUSED, "no job job_x\n")
    assert "elsewhere does not exist" in failed(capsys, "explain", "job_x", "--stack", "elsewhere")[1]


def test_an_option_spares_the_permission_to_read_the_stack(
    aws: SimpleNamespace, described: Describe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cloudformation = described(Outputs={"JobsTable": "another"})
    monkeypatch.setenv(VARIABLE, "songs")
    assert failed(capsys, "explain", "job_x", "--table", TABLE) == (ExitCode.REFUSED, "no job job_x\n")
    assert cloudformation.calls == 0


def test_without_either_the_line_names_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    code, line = failed(capsys, "rotate-callback-secret")
    assert code == ExitCode.WRONG_ARGUMENTS
    assert all(each in line for each in ("--stack", VARIABLE, "CallbackSecretArn", "--secret"))
    assert "--stack" in failed(capsys, "outputs")[1]


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ({"StackStatus": "CREATE_IN_PROGRESS"}, "The stack songs has no outputs. Its status is CREATE_IN_PROGRESS."),
        ({"Outputs": {"Website": "w"}}, "The stack songs has no output JobsTable. Is it a stack of suno-jobs"),
    ],
)
def test_a_stack_that_cannot_be_the_right_one_is_named(
    described: Describe, capsys: pytest.CaptureFixture[str], description: dict[str, object], words: str
) -> None:
    described(**description)
    code, line = failed(capsys, "explain", "job_x", "--stack", "songs")
    assert (code, words in line) == (ExitCode.REFUSED, True)


def test_a_stack_that_does_not_exist_or_may_not_be_read_is_one_line_with_the_remedy(
    aws: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = failed(capsys, "explain", "job_x", "--stack", "elsewhere")
    assert code == ExitCode.REFUSED
    assert "elsewhere does not exist" in line
    assert "Check the name, the region and the AWS account." in line


def test_a_real_answer_of_cloudformation_is_read(aws: SimpleNamespace) -> None:
    template = json.dumps(
        {
            "Parameters": {"P": {"Type": "String", "Default": "v"}},
            "Resources": {"Q": {"Type": "AWS::SQS::Queue"}},
            "Outputs": {"O": {"Value": "o"}},
        }
    )
    boto3.client("cloudformation").create_stack(StackName="songs", TemplateBody=template)
    stack = Stack("songs")
    assert (stack.output("O"), stack.parameters) == ("o", {"P": "v"})
    assert stack.resource("Q").startswith("http")


def test_every_output_that_an_option_replaces_exists() -> None:
    assert OPTIONS.keys() <= read_template(ROOT)["Outputs"].keys()


EXPLAINED = "docs/operator-policy.json has the permissions of an operator."
RENEW = "Renew the credentials of your shell."


@pytest.mark.parametrize(
    ("raised", "code", "words"),
    [
        (refusal("AccessDenied"), ExitCode.NOT_PERMITTED, EXPLAINED),
        (refusal("ExpiredToken"), ExitCode.NOT_PERMITTED, RENEW),
        (refusal("InvalidClientTokenId"), ExitCode.NOT_PERMITTED, RENEW),
        (NoCredentialsError(), ExitCode.NOT_PERMITTED, "credentials"),
        (UnauthorizedSSOTokenError(), ExitCode.NOT_PERMITTED, "SSO"),
        (NoRegionError(), ExitCode.WRONG_ARGUMENTS, "Set AWS_DEFAULT_REGION"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1/"), ExitCode.NOT_DONE, "http://127.0.0.1:1/"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
@pytest.mark.parametrize(
    "arguments",
    [
        ("outputs",),
        ("receipts", "job_x"),
        ("replay", "job_x"),
        ("stuck",),
        ("sweep",),
        ("tail",),
        ("doctor",),
        ("tenants", "list"),
        ("tenants", "keys", "list", "acme"),
        ("quarantine", "list", "job_x"),
        ("redrive-callbacks",),
    ],
    ids=" ".join,
)
def test_what_the_shell_lacks_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    raised: Exception,
    code: ExitCode,
    words: str,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(boto3, "client", refuse)
    found, line = failed(capsys, *arguments, "--stack", "songs")
    assert (found, words in line) == (code, True)


def operator_commands(within: App = app, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name in (name for name in within if not name.startswith("-")):
        command = within[name]
        if isinstance(command.group, tuple) and any(group in command.group for group in (WITH_API_KEY, FROM_A_CHECKOUT, ABOUT)):
            continue
        inner = [*operator_commands(command, (*path, name))]
        yield from inner or [(*path, name)]


@pytest.mark.parametrize("command", [*operator_commands()], ids=" ".join)
def test_every_command_for_operators_takes_the_name_of_a_stack_and_has_an_example(
    capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    assert main([*command, "--help"]) == ExitCode.DONE
    text = capsys.readouterr().out
    assert "--stack" in text
    assert f"suno-jobs {' '.join(command)} " in text.partition("Usage:")[2].partition("\n")[2]
    assert "--json" in text or command == ("adopt-file",)
