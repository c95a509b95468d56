"""``suno-jobs redrive-callbacks``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from suno_jobs.cli import aws
from suno_jobs.cli.options import AsJson, show
from suno_jobs.cli.stack import NO_STACK, StackOption

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient


def redrive(client: SQSClient, dead_letter_queue: str) -> int:
    """Lets SQS move all messages back to the queue that they come from. Returns about how many there are. May be repeated.

    No message passes through this machine: it contains a MAC.
    """
    asked = client.get_queue_attributes(QueueUrl=dead_letter_queue, AttributeNames=["ApproximateNumberOfMessages", "QueueArn"])
    attributes = asked["Attributes"]
    count = int(attributes["ApproximateNumberOfMessages"])
    if count:
        client.start_message_move_task(SourceArn=attributes["QueueArn"])
    return count


def redrive_callbacks(
    *,
    stack: StackOption = NO_STACK,
    queue: Annotated[str | None, Parameter(help="the stack's output FailedCallbacksQueueUrl")] = None,
    as_json: AsJson = False,
) -> None:
    """Move the callbacks in the dead-letter queue back, so that they are processed again.

    ```
    suno-jobs redrive-callbacks --stack suno-jobs-dev
    ```
    """
    count = redrive(aws.sqs(), stack.output("FailedCallbacksQueueUrl", queue))
    line = f"SQS moves about {count} callbacks back to their queue." if count else "The dead-letter queue is empty."
    show({"moved": count}, [line], as_json=as_json)
