"""An operator runs a sweep and sees its report."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from suno_jobs.cli.main import main
from suno_jobs.cli.problems import ExitCode
from tests.unit.cli.conftest import Describe


class Lambda:
    """One function. ``result`` is what it returns, or the exception that the call raises."""

    def __init__(self, result: Any, error: str | None = None) -> None:
        self.result = result
        self.error = error
        self.asked: list[dict[str, Any]] = []

    def invoke(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        if isinstance(self.result, Exception):
            raise self.result
        failed = {"FunctionError": self.error} if self.error else {}
        return {"Payload": io.BytesIO(json.dumps(self.result).encode()), **failed}


def use(monkeypatch: pytest.MonkeyPatch, function: Lambda) -> Lambda:
    before = boto3.client
    monkeypatch.setattr(boto3, "client", lambda name, **given: function if name == "lambda" else before(name, **given))
    return function


def test_the_report_of_the_sweep_is_shown(
    described: Describe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    described(Resources={"ReconcileJobsFunction": "songs-reconcile"})
    function = use(monkeypatch, Lambda({"started": 1, "woken": 2, "complete": True}))
    assert main(["sweep", "--stack", "songs"]) == ExitCode.DONE
    assert capsys.readouterr().out == "2 executions woken, 1 started. Nothing that is due is left.\n"
    assert [(each["FunctionName"], each["Qualifier"]) for each in function.asked] == [("songs-reconcile", "live")]


def test_a_sweep_that_did_not_finish_is_not_done(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use(monkeypatch, Lambda({"started": 0, "woken": 0, "complete": False}))
    assert main(["sweep", "--function", "f", "--json"]) == ExitCode.NOT_DONE
    assert json.loads(capsys.readouterr().out) == {"started": 0, "woken": 0, "complete": False}


@pytest.mark.parametrize(
    ("function", "code", "words"),
    [
        (
            Lambda({"errorType": "ExceptionGroup", "errorMessage": "jobs"}, "Unhandled"),
            ExitCode.NOT_DONE,
            "ExceptionGroup: jobs",
        ),
        (Lambda({"statusCode": 200}), ExitCode.REFUSED, "f is not the function reconcile_jobs"),
        (Lambda(None), ExitCode.REFUSED, "f is not the function reconcile_jobs"),
        (Lambda(ReadTimeoutError(endpoint_url="u")), ExitCode.NOT_DONE, "Read timeout"),
        (
            Lambda(ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "f"}}, "Invoke")),
            ExitCode.REFUSED,
            "Check the name, the region and the AWS account.",
        ),
    ],
)
def test_a_sweep_that_fails_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], function: Lambda, code: ExitCode, words: str
) -> None:
    use(monkeypatch, function)
    assert main(["sweep", "--function", "f"]) == code
    out, errors = capsys.readouterr()
    assert (out, errors.count("\n"), words in errors) == ("", 1, True)
