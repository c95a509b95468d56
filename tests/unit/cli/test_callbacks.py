"""An operator moves callbacks that failed back to their queue."""

from __future__ import annotations

from types import SimpleNamespace

import boto3
import pytest
from botocore.stub import Stubber

from suno_jobs.cli import aws as clients
from suno_jobs.cli.main import main
from suno_jobs.cli.problems import ExitCode

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/failed"
ARN = "arn:aws:sqs:us-east-1:123456789012:failed"


@pytest.mark.parametrize(
    ("count", "line"), [(0, "The dead-letter queue is empty."), (3, "SQS moves about 3 callbacks back to their queue.")]
)
def test_dead_letters_are_moved_by_sqs_itself(
    aws: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], count: int, line: str
) -> None:
    sqs = boto3.client("sqs")
    names = ["ApproximateNumberOfMessages", "QueueArn"]
    attributes = {"ApproximateNumberOfMessages": str(count), "QueueArn": ARN}
    monkeypatch.setattr(clients, "sqs", lambda: sqs)
    with Stubber(sqs) as stub:
        stub.add_response("get_queue_attributes", {"Attributes": attributes}, {"QueueUrl": URL, "AttributeNames": names})
        if count:
            stub.add_response("start_message_move_task", {"TaskHandle": "t"}, {"SourceArn": ARN})
        assert main(("redrive-callbacks", "--queue", URL)) == ExitCode.DONE
        stub.assert_no_pending_responses()
    assert capsys.readouterr().out == f"{line}\n"


def test_an_unknown_queue_is_one_line_and_an_exit_code(aws: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("redrive-callbacks", "--queue", URL)) == ExitCode.REFUSED
    out, errors = capsys.readouterr()
    assert (out, errors.count("\n")) == ("", 1)
