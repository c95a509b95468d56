"""Events are printed as they happen, each once, and what was made for it is removed whatever happens."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from suno_jobs.cli import aws as clients
from suno_jobs.cli.main import main
from suno_jobs.cli.problems import ExitCode
from suno_jobs.cli.tail import EventTail, line, pattern

TAIL = ("tail", "--bus", "songs")


def event(number: int, **detail: Any) -> dict[str, Any]:
    sent = {"tenant": "acme", **detail}
    return {"id": str(number), "time": "2026-11-27T12:00:00Z", "detail-type": "job.failed", "detail": sent}


class Queue:
    """SQS with one queue that has these messages. ``raised`` happens when they are used up."""

    def __init__(self, sqs: Any, events: list[dict[str, Any]], raised: BaseException | None) -> None:
        self._sqs = sqs
        self._events = events
        self._raised = raised

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sqs, name)

    def receive_message(self, *, MaxNumberOfMessages: int, **_: Any) -> dict[str, Any]:  # noqa: N803
        taken, self._events[:] = self._events[:MaxNumberOfMessages], self._events[MaxNumberOfMessages:]
        if not taken and self._raised:
            raise self._raised
        return {"Messages": [{"Body": json.dumps(each), "ReceiptHandle": "r"} for each in taken]}

    def delete_message(self, **_: Any) -> None:
        pass


@pytest.fixture
def bus(aws: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    events, sqs = boto3.client("events"), boto3.client("sqs")
    events.create_event_bus(Name="songs")
    made: list[dict[str, Any]] = []

    def deliver(*given: dict[str, Any], raised: BaseException | None = None) -> None:
        monkeypatch.setattr(clients, "sqs", lambda: Queue(sqs, [*given], raised))

    def left() -> list[Any]:
        return [*events.list_rules(EventBusName="songs")["Rules"], *sqs.list_queues().get("QueueUrls", [])]

    return SimpleNamespace(events=events, sqs=sqs, deliver=deliver, left=left, made=made)


def test_events_are_printed_once_and_nothing_is_left(bus: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    failed = event(1, job_id="job_x", gateway="kie", kind="music", error={"code": "quota", "message": "empty"})
    bus.deliver(failed, failed, event(2, job_id="job_y"))
    assert main([*TAIL, "--count", "2"]) == ExitCode.DONE
    out, errors = capsys.readouterr()
    assert [each.split() for each in out.splitlines()] == [
        ["2026-11-27T12:00:00Z", "job.failed", "acme", "job_x", "kie", "music", "quota:", "empty"],
        ["2026-11-27T12:00:00Z", "job.failed", "acme", "job_y"],
    ]
    assert errors.startswith("Waiting for the events of songs")
    assert bus.left() == []


def test_a_program_reads_each_line_as_an_event(bus: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    bus.deliver(event(1, job_id="job_x"))
    assert main([*TAIL, "--count", "1", "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == event(1, job_id="job_x")


def test_the_rule_selects_and_only_the_rule_may_send(bus: SimpleNamespace) -> None:
    tail = EventTail(bus.events, bus.sqs, "songs", "suno-jobs-tail-1", lambda: 0)
    with tail.opened(pattern(["acme"], ["job_x"])) as queue:
        [rule] = bus.events.list_rules(EventBusName="songs")["Rules"]
        wanted = {"tenant": ["acme"], "job_id": ["job_x"]}
        assert json.loads(rule["EventPattern"]) == {"source": ["suno-jobs"], "detail": wanted}
        [target] = bus.events.list_targets_by_rule(Rule=rule["Name"], EventBusName="songs")["Targets"]
        attributes = bus.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
        assert target["Arn"] == attributes["QueueArn"]
        [statement] = json.loads(attributes["Policy"])["Statement"]
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": rule["Arn"]}}
    assert bus.left() == []
    assert pattern([], []) == {"source": ["suno-jobs"]}


@pytest.mark.parametrize(
    ("raised", "code"), [(KeyboardInterrupt(), ExitCode.INTERRUPTED), (BrokenPipeError(), ExitCode.PIPE_CLOSED)]
)
def test_nothing_is_left_after_an_interruption(
    bus: SimpleNamespace, capfd: pytest.CaptureFixture[str], raised: BaseException, code: ExitCode
) -> None:
    bus.deliver(raised=raised)
    assert main(TAIL) == code
    assert bus.left() == []


def test_a_signal_ends_it_as_ctrl_c_does(bus: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def receive(*_: Any) -> Iterator[Any]:
        os.kill(os.getpid(), signal.SIGTERM)
        yield from ()

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(EventTail, "receive", receive)
    assert main(TAIL) == ExitCode.INTERRUPTED
    assert bus.left() == []
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_while_something_is_made_or_removed_leaves_nothing_behind(
    bus: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What AWS has just made is not known here yet."""
    before = signal.getsignal(signal.SIGINT)

    def ended_after(patched: pytest.MonkeyPatch, client: Any, name: str, number: signal.Signals) -> None:
        real = getattr(client, name)

        def call(**given: Any) -> Any:
            answer = real(**given)
            os.kill(os.getpid(), number)
            return answer

        patched.setattr(client, name, call)

    for client, name in ((bus.sqs, "create_queue"), (bus.events, "put_rule"), (bus.events, "remove_targets")):
        for number in (signal.SIGINT, signal.SIGTERM):
            with monkeypatch.context() as patched:
                patched.setattr(clients, "sqs", lambda: bus.sqs)
                patched.setattr(clients, "events", lambda: bus.events)
                patched.setattr(EventTail, "receive", lambda *_: iter(()))
                ended_after(patched, client, name, number)
                assert main(TAIL) == ExitCode.INTERRUPTED
                assert bus.left() == []
    assert signal.getsignal(signal.SIGINT) is before


def test_it_ends_after_the_seconds_that_were_given(bus: SimpleNamespace) -> None:
    moments = iter([0.0, 1.0, 9.5, 10.0])
    bus.deliver()
    tail = EventTail(bus.events, clients.sqs(), "songs", "suno-jobs-tail-1", lambda: next(moments))
    assert [*tail.receive("q", None, 10)] == []
    assert next(moments, None) is None


def test_what_is_not_permitted_leaves_nothing_behind(
    bus: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "PutRule")

    def refuse(**_: Any) -> None:
        raise denied

    monkeypatch.setattr(clients, "events", lambda: SimpleNamespace(put_rule=refuse))
    assert main(TAIL) == ExitCode.NOT_PERMITTED
    assert capsys.readouterr().err.count("\n") == 1
    assert bus.left() == []


def test_what_cannot_be_removed_is_named(
    bus: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DeleteRule")

    monkeypatch.setattr(bus.events, "delete_rule", refuse)
    with EventTail(bus.events, bus.sqs, "songs", "suno-jobs-tail-1", lambda: 0).opened({"source": ["suno-jobs"]}):
        pass
    assert "the rule suno-jobs-tail-1 was not removed: " in capsys.readouterr().err
    assert len(bus.left()) == 1


def test_wrong_numbers_are_refused(bus: SimpleNamespace) -> None:
    assert main([*TAIL, "--count", "0"]) == ExitCode.WRONG_ARGUMENTS


def test_every_type_of_event_has_a_line() -> None:
    progress = {**event(1, job_id="job_x", progress="first"), "detail-type": "job.progress"}
    assert line(progress).split()[1:] == ["job.progress", "acme", "job_x", "first"]
    disabled = {**event(1, webhook_id="wh_1"), "detail-type": "webhook.disabled"}
    assert line(disabled).split()[1:] == ["webhook.disabled", "acme", "wh_1"]
