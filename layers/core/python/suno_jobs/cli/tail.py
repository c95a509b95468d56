"""``suno-jobs tail``: the events of a stack as they happen.

A rule on the event bus sends them to a queue, which both exist for as long as the command runs.
"""

from __future__ import annotations

import json
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from cyclopts import Parameter

from suno_jobs.cli import aws
from suno_jobs.cli.options import AsJson
from suno_jobs.cli.problems import EXPECTED, WrongArgument, describe, printable
from suno_jobs.cli.stack import NO_STACK, StackOption

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_sqs.client import SQSClient

KEEP_SECONDS = "300"
POLL_SECONDS = 5
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)

Event = dict[str, Any]


def follow_events(  # noqa: PLR0913 - the options of a command
    *,
    stack: StackOption = NO_STACK,
    bus: Annotated[str | None, Parameter(help="the stack's output EventBus")] = None,
    tenant: Annotated[Sequence[str], Parameter(negative="", help="only this tenant; repeat it for several")] = (),
    job: Annotated[Sequence[str], Parameter(negative="", help="only this job; repeat it for several")] = (),
    count: Annotated[int | None, Parameter(help="end after so many events")] = None,
    seconds: Annotated[int | None, Parameter(help="end after so many seconds")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the events of the stack as they happen, until Ctrl-C. With `--json`, each line is an event.

    A rule and a queue named `suno-jobs-tail-...` exist meanwhile.

    ```
    suno-jobs tail --tenant acme --stack suno-jobs-dev
    ```
    """
    if min(each for each in (count, seconds, 1) if each is not None) < 1:
        raise WrongArgument("--count and --seconds must be at least 1")
    at = stack.output("EventBus", bus)
    name = f"suno-jobs-tail-{uuid.uuid4().hex[:12]}"
    tail = EventTail(aws.events(), aws.sqs(), at, name, time.monotonic)
    with ended_by_signals(), tail.opened(pattern(tenant, job)) as queue:
        print(f"Waiting for the events of {at}. Ctrl-C ends the command.", file=sys.stderr, flush=True)
        for event in tail.receive(queue, count, seconds):
            print(json.dumps(event, ensure_ascii=False) if as_json else printable(line(event)), flush=True)


def pattern(tenants: Sequence[str], jobs: Sequence[str]) -> dict[str, Any]:
    """The event pattern of the rule."""
    detail = {name: [*values] for name, values in (("tenant", tenants), ("job_id", jobs)) if values}
    return {"source": ["suno-jobs"], **({"detail": detail} if detail else {})}


def line(event: Event) -> str:
    """One line of an event, for people."""
    detail = event["detail"]
    what = [detail.get("job_id") or detail.get("webhook_id") or "", detail.get("gateway") or "", detail.get("kind") or ""]
    if event["detail-type"] == "job.progress":
        what.append(detail.get("progress") or "")
    if detail.get("error"):
        what.append(f"{detail['error']['code']}: {detail['error']['message']}")
    return "  ".join([event["time"], f"{event['detail-type']:<16}", detail.get("tenant") or "", *filter(None, what)])


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """What Ctrl-C does, other signals do as well: the rule and the queue are removed."""

    def end(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Signals wait until its end: what AWS is just making could not be removed, since its answer has not arrived."""
    noted: list[int] = []
    numbers = (signal.SIGINT, *ENDING_SIGNALS)
    before = {number: signal.signal(number, lambda arrived, _: noted.append(arrived)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if noted:
        raise KeyboardInterrupt


@dataclass(slots=True)
class EventTail:
    events: EventBridgeClient
    sqs: SQSClient
    bus: str
    name: str
    clock: Callable[[], float]
    _seen: set[str] = field(default_factory=set)

    @contextmanager
    def opened(self, wanted: dict[str, Any]) -> Iterator[str]:
        """The URL of the queue. It and the rule are removed at the end; what cannot be removed is named."""
        made = ExitStack()
        try:
            with undisturbed():
                queue = self._make(made, wanted)
            yield queue
        finally:
            with undisturbed():
                made.close()

    def _make(self, made: ExitStack, wanted: dict[str, Any]) -> str:
        """``made`` gets the removal of each thing as soon as it exists."""
        queue = self.sqs.create_queue(QueueName=self.name, Attributes={"MessageRetentionPeriod": KEEP_SECONDS})["QueueUrl"]
        made.callback(self._remove, f"the queue {self.name}", lambda: self.sqs.delete_queue(QueueUrl=queue))
        arn = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        rule = self.events.put_rule(Name=self.name, EventBusName=self.bus, EventPattern=json.dumps(wanted))["RuleArn"]
        made.callback(
            self._remove, f"the rule {self.name}", lambda: self.events.delete_rule(Name=self.name, EventBusName=self.bus)
        )
        self.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy(arn, rule))})
        self.events.put_targets(Rule=self.name, EventBusName=self.bus, Targets=[{"Id": "tail", "Arn": arn}])
        made.callback(
            self._remove,
            f"the target of the rule {self.name}",
            lambda: self.events.remove_targets(Rule=self.name, EventBusName=self.bus, Ids=["tail"]),
        )
        return queue

    def receive(self, queue: str, count: int | None, seconds: int | None) -> Iterator[Event]:
        """Each event once, although a queue may deliver it twice."""
        until = None if seconds is None else self.clock() + seconds
        while count is None or len(self._seen) < count:
            left = POLL_SECONDS if until is None else min(POLL_SECONDS, until - self.clock())
            if left <= 0:
                return
            room = 10 if count is None else min(10, count - len(self._seen))
            answer = self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=room, WaitTimeSeconds=max(1, int(left)))
            for message in answer.get("Messages", ()):
                event: Event = json.loads(message["Body"])
                self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                if event["id"] not in self._seen:
                    self._seen.add(event["id"])
                    yield event

    @staticmethod
    def _remove(what: str, remove: Callable[[], object]) -> None:
        try:
            remove()
        except EXPECTED as problem:
            print(f"{what} was not removed: {describe(problem)}", file=sys.stderr)


def policy(queue_arn: str, rule_arn: str) -> dict[str, Any]:
    """Only this rule may send to the queue."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
