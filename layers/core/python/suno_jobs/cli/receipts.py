"""``suno-jobs receipts`` shows what the gateway of a job really sent, and ``suno-jobs replay`` processes a callback again."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from suno_jobs.cli import aws
from suno_jobs.cli.explain import receipt_view
from suno_jobs.cli.keys import read_callback_secret
from suno_jobs.cli.options import AsJson, JobId, JobsTable, ReceiptsBucket, show
from suno_jobs.cli.problems import CommandError, NotFound
from suno_jobs.cli.redaction import cut_secrets
from suno_jobs.cli.stack import NO_STACK, StackOption
from suno_jobs.gateways.signatures import SIGNATURE_CHECKS
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.views import iso_time
from suno_jobs.steps.receive_callback import sent_bytes
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import Receipt, ReceiptSource, ReceiptStore
from suno_jobs.traffic.callback_urls import mac, webhook_key

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

Stored = Sequence[tuple[Receipt, bytes]]


def print_receipts(
    job_id: JobId,
    /,
    *,
    stack: StackOption = NO_STACK,
    table: JobsTable = None,
    receipts: ReceiptsBucket = None,
    raw: Annotated[bool, Parameter(negative="", help="write the bodies unchanged, with links that anyone can use")] = False,
    as_json: AsJson = False,
) -> None:
    """Print what the gateway sent: replies to submissions and checks, and callbacks, the oldest first.

    Signatures of links, MACs and keys are cut. `--raw` cuts nothing.

    ```
    suno-jobs receipts job_0123456789abcdefghijklmnop --stack suno-jobs-dev
    ```
    """
    table, bucket = stack.output("JobsTable", table), stack.output("ReceiptsBucket", receipts)
    found = read_receipts(ReceiptStore(aws.dynamodb(), table, aws.s3, bucket, ttl_days=0), job_id)
    if raw and not as_json:
        for _, body in found:
            sys.stdout.buffer.write(body + b"\n")
        return
    read = (lambda body: body.decode(errors="replace")) if raw else cut_secrets
    value = [{"number": number, **receipt_view(receipt), "body": read(body)} for number, receipt, body in _numbered(found)]
    show(value, _lines(found), as_json=as_json)


def read_receipts(store: ReceiptStore, job_id: str) -> Stored:
    """The oldest first. Raises NotFound if there is none."""
    found = sorted(store.with_bodies(job_id), key=lambda each: (each[0].first_at, each[0].source, each[1]))
    if not found:
        raise NotFound(f"no receipt of {job_id}: nothing was received, the job does not exist, or its receipts have expired")
    return found


def _numbered(found: Stored) -> Iterator[tuple[int, Receipt, bytes]]:
    return ((number, receipt, body) for number, (receipt, body) in enumerate(found, 1))


def _lines(found: Stored) -> Iterator[str]:
    for number, receipt, body in _numbered(found):
        status = f", HTTP {receipt.http_status}" if receipt.http_status else ""
        again = f", {receipt.times} times until {iso_time(receipt.last_at)}" if receipt.times > 1 else ""
        yield f"{number}  {iso_time(receipt.first_at)}  {receipt.source}{status}, {receipt.bytes} bytes{again}"
        yield from (f"   {line}" for line in cut_secrets(body).splitlines())


def replay_callback(  # noqa: PLR0913 - the options of a command
    job_id: JobId,
    /,
    *,
    stack: StackOption = NO_STACK,
    number: Annotated[int | None, Parameter(help="the number of the receipt; without it, the last callback")] = None,
    table: JobsTable = None,
    receipts: ReceiptsBucket = None,
    secret: Annotated[str | None, Parameter(help="the stack's output CallbackSecretArn")] = None,
    queue: Annotated[str | None, Parameter(help="the stack's output CallbackQueueUrl")] = None,
    as_json: AsJson = False,
) -> None:
    """Put a stored callback into the queue of callbacks again. May be repeated: a callback is a hint, and costs a check.

    ```
    suno-jobs replay job_0123456789abcdefghijklmnop --stack suno-jobs-dev
    ```
    """
    table = stack.output("JobsTable", table)
    dynamodb = aws.dynamodb()
    if (job := JobStore(dynamodb, table).get(job_id)) is None:
        raise NotFound(f"no job {job_id}")
    store = ReceiptStore(dynamodb, table, aws.s3, stack.output("ReceiptsBucket", receipts), ttl_days=0)
    found, body = choose_callback(read_receipts(store, job_id), number)
    callback_secret = read_callback_secret(aws.secrets_manager(), stack.output("CallbackSecretArn", secret))
    CallbackReplayer(aws.sqs(), stack.output("CallbackQueueUrl", queue), callback_secret).replay(job, body)
    line = f"The callback of {iso_time(found.first_at)} is in the queue. suno-jobs explain {job_id} shows what it causes."
    show({"job_id": job_id, **receipt_view(found)}, [line], as_json=as_json)


def choose_callback(found: Stored, number: int | None) -> tuple[Receipt, bytes]:
    """Raises NotFound if there is none of that number, or none at all."""
    callbacks = {at: (receipt, body) for at, receipt, body in _numbered(found) if receipt.source == ReceiptSource.CALLBACK}
    if not callbacks:
        raise NotFound("The gateway sent no callback. suno-jobs sweep checks jobs that are overdue.")
    chosen = max(callbacks, key=lambda at: callbacks[at][0].last_at) if number is None else number
    if chosen not in callbacks:
        raise NotFound(f"Number {number} is no callback. The callbacks are {', '.join(map(str, callbacks))}.")
    return callbacks[chosen]


@dataclass(frozen=True, slots=True)
class CallbackReplayer:
    sqs: SQSClient
    queue: str
    secret: Mapping[str, str]

    def replay(self, job: Job, body: bytes) -> None:
        """As API Gateway puts it into the queue. Raises CommandError if the gateway has to sign it."""
        gateway = job.gateway
        if gateway in SIGNATURE_CHECKS and self.secret.get(webhook_key(gateway)):
            raise CommandError(f"{gateway} signs its callbacks, and no signature is stored. Use suno-jobs sweep.")
        attributes = {"gateway": gateway, "job_id": job.job_id, "mac": mac(self.secret["current"], gateway, job.job_id)}
        self.sqs.send_message(
            QueueUrl=self.queue, MessageBody=message_text(body), MessageAttributes={k: _text(v) for k, v in attributes.items()}
        )


def _text(value: str) -> MessageAttributeValueTypeDef:
    return {"DataType": "String", "StringValue": value}


def message_text(body: bytes) -> str:
    """The text from which ``receive_callback`` gets this body. Raises CommandError if there is none."""
    for text in (body.decode(errors="replace"), base64.b64encode(body).decode()):
        if sent_bytes(text) == body:
            return text
    raise CommandError("The body is neither text nor JSON, and cannot be put into a queue.")
