"""A queue of SQS with its dead-letter queue, and Lambda's event source mapping that lets a function consume it.

As AWS promises and no more: a message is delivered at least once, in any order. A batch that fails, or messages of it that the
function reports as failed, are delivered again after the visibility timeout, and moved to the dead-letter queue in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.simulation.clock import Loop
from tests.simulation.lambdas import FunctionError, Lambdas
from tests.simulation.template import QueuePlan


@dataclass(eq=False, slots=True)
class QueuedMessage:
    """``deleted_at`` is when the function had received it."""

    body: str
    attributes: Mapping[str, Any]
    subject: str
    number: int
    sent_at: float
    receives: int = 0
    deleted_at: float | None = None

    def record(self) -> dict[str, Any]:
        """As Lambda passes it to a function: see ``events/receive_callback``."""
        attributes = {
            name: {"stringValue": each["StringValue"], "dataType": each["DataType"]} for name, each in self.attributes.items()
        }
        sent = {"SentTimestamp": str(int(self.sent_at * 1000)), "ApproximateReceiveCount": str(self.receives)}
        return {"messageId": str(self.number), "body": self.body, "attributes": sent, "messageAttributes": attributes}


@dataclass(eq=False, slots=True)
class MessageQueue:
    """``sent`` are all messages that were ever accepted, ``dead`` those in the dead-letter queue."""

    plan: QueuePlan
    loop: Loop
    lambdas: Lambdas
    delays: Callable[[], tuple[float, ...]]
    sent: list[QueuedMessage] = field(default_factory=list)
    dead: list[QueuedMessage] = field(default_factory=list)
    _visible: list[QueuedMessage] = field(default_factory=list)
    _running: int = 0

    def send(self, body: str, attributes: Mapping[str, Any], subject: str, delay_seconds: float = 0.0) -> None:
        message = QueuedMessage(body, attributes, subject, len(self.sent), self.loop.now)
        self.sent.append(message)
        for delay in self.delays():
            self.loop.spawn(partial(self._appear, message), after=delay_seconds + delay)

    def redrive(self) -> None:
        """What an operator does with the dead letters."""
        while self.dead:
            message = self.dead.pop()
            message.receives = 0
            self.loop.spawn(partial(self._appear, message))

    def _appear(self, message: QueuedMessage) -> None:
        """The message is visible, for the first time or again."""
        if message.receives >= self.plan.max_receives:
            self.dead.append(message)
        else:
            self._visible.append(message)
        self._start_invocations()

    def _start_invocations(self) -> None:
        while self._visible and self._running < self.plan.concurrency:
            batch, self._visible = self._visible[: self.plan.batch_size], self._visible[self.plan.batch_size :]
            self._running += 1
            self.loop.spawn(partial(self._deliver, batch))

    def _deliver(self, batch: list[QueuedMessage]) -> None:
        received_at = self.loop.now
        failed = self._failed(batch)
        self._running -= 1
        for message in batch:
            if str(message.number) in failed:
                hidden_until = received_at + self.plan.visibility_seconds
                self.loop.spawn(partial(self._appear, message), after=max(0.0, hidden_until - self.loop.now))
            else:
                message.deleted_at = message.deleted_at or self.loop.now
        self._start_invocations()

    def _failed(self, batch: list[QueuedMessage]) -> set[str]:
        """The ids of the messages that the function has not received."""
        for message in batch:
            message.receives += 1
        subjects = {message.subject for message in batch}
        subject = subjects.pop() if len(subjects) == 1 else ""
        try:
            answer = self.lambdas.invoke(self.plan.function, {"Records": [each.record() for each in batch]}, subject)
        except FunctionError:
            return {str(message.number) for message in batch}
        return {each["itemIdentifier"] for each in answer["batchItemFailures"]}


@dataclass(frozen=True, slots=True)
class Sqs:
    """As the client of boto3, for the queues that functions send to. ``subject_of`` finds the job that a message is about."""

    queues: Mapping[str, MessageQueue]
    subject_of: Callable[[str], str]

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> dict[str, Any]:
        self.queues[QueueUrl].send(MessageBody, {}, self.subject_of(MessageBody), DelaySeconds)
        return {"MessageId": "m"}
