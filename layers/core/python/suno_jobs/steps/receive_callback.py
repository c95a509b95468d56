"""Receive Callback: stores what a gateway sent and wakes the waiting execution. The payload is never believed (I8)."""

from __future__ import annotations

import base64
import binascii
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from suno_jobs.errors import CallbackRefused, ExecutionsThrottled, SecretNotRenewed
from suno_jobs.jobs.states import Cause
from suno_jobs.lifecycle.resuming import resume_job
from suno_jobs.runtime import log_context
from suno_jobs.runtime.executions import Executions
from suno_jobs.runtime.secrets import Secret
from suno_jobs.storage.receipts import ReceiptSource, ReceiptStore
from suno_jobs.storage.signals import CalledBack, Signalled, SignalStore
from suno_jobs.traffic.callback_urls import verify_callback_path, webhook_key
from suno_jobs.traffic.rate_limiter import RateLimiter

log = logging.getLogger("suno_jobs")

REOPENED_SECONDS = 86_400
"""How long recovery may take to find out which task a callback names, before the usual rules decide."""


def sent_bytes(text: str) -> bytes:
    """The body of a callback whose message has this text.

    AWS does not document in which form API Gateway puts a body into a queue whose content type is not that of a text. To a
    function it passes such a body in Base64. JSON is recognized in that form as well.
    """
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode(errors="surrogatepass")
    return decoded if decoded.lstrip()[:1] in (b"{", b"[") else text.encode()


def names_stage(body: bytes, stage_words: Mapping[str, Sequence[str]]) -> bool:
    """Whether one of the words is in its field, in the body or in an object directly inside it.

    Every body that says anything else leads to a read of the task.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return False
    objects = [each for each in (found, *found.values()) if isinstance(each, dict)] if isinstance(found, dict) else []
    values = [(each[field], words) for each in objects for field, words in stage_words.items() if field in each]
    return bool(values) and all(value in words for value, words in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackReceiver:
    """``executions`` is a function, so that a client is made only when there is an execution to wake or to start."""

    secret: Secret
    receipts: ReceiptStore
    signals: SignalStore
    rate_limiter: RateLimiter
    executions: Callable[[], Executions]
    slack_seconds: int
    clock: Callable[[], float]

    def receive_record(self, record: Mapping[str, Any]) -> Exception | None:
        """``record`` is a message of the queue as Lambda passes it. Returns why SQS has to deliver it again.

        It contains a MAC and must not be logged (I9). May be repeated like ``receive_callback``.
        """
        given = {name: each["stringValue"] for name, each in record["messageAttributes"].items()}
        path = f"/v1/callbacks/{given.get('gateway')}/{given.get('job_id')}/{given.get('mac')}"
        sent_at = int(record["attributes"]["SentTimestamp"]) / 1000
        with log_context.about_job(None):
            try:
                self.receive_callback(path, sent_bytes(record["body"]), given, sent_at)
                log.info("callback received")
            except CallbackRefused as refused:
                log.warning("callback refused: %s", refused)
            except SecretNotRenewed as later:
                log.info("callback is delivered again: %s", later)
                return later
            except Exception as error:
                # Whatever is wrong with one message, the others of its batch are received.
                log.exception("callback not received")
                return error
        return None

    def receive_callback(self, path: str, body: bytes, headers: Mapping[str, str], sent_at: float) -> None:
        """Stores the receipt, leaves the signal, then wakes the waiting execution or resumes a job in recovery.
        A callback of an intermediate stage does so only while a slot of the rate limiter is idle. One that names no known task
        of the job marks the job, and opens the recovery of a job that has ended.

        ``sent_at``: when the gateway sent it (seconds since 1970). It may have been in the queue for days.

        Safe to repeat at any point. If it stops halfway, SQS delivers the message again. Nothing is stored for a deleted job.
        Raises CallbackRefused, and SecretNotRenewed if it has to be delivered again.
        """
        gateway, job_id = verify_callback_path(path, self.secret, sent_seconds_ago=self.clock() - sent_at)
        log_context.note(job_id=job_id)
        self._check_signature(gateway, headers, body, sent_at)
        job = self.signals.called_back(job_id)
        if job and job.deleted:
            return
        now = int(self.clock())
        self.receipts.record(job_id, ReceiptSource.CALLBACK, body, gateway=gateway, now=now)
        known = job is not None and job.names_known_task(body)
        if job and known and job.stage_words and names_stage(body, job.stage_words):
            self._read_if_idle(job_id, job)
            return
        signalled = self.signals.signal(job_id, Cause.CALLBACK, unread=not known)
        due_at = now + self.slack_seconds
        reopened = signalled is not None and signalled.ended and not signalled.in_recovery and not known
        if reopened:
            self.signals.reopen(job_id, until=now + REOPENED_SECONDS, due_at=due_at)
        if signalled and not self._wake(signalled) and (signalled.in_recovery or reopened):
            # If Step Functions is throttled, recovery checks the job later.
            with suppress(ExecutionsThrottled):
                resume_job(self.signals, self.executions(), job_id, signalled.execution, Cause.CALLBACK, due_at=due_at)

    def _wake(self, signalled: Signalled) -> bool:
        """False: no execution waits."""
        return signalled.task_token is not None and self.executions().wake(signalled.task_token)

    def _read_if_idle(self, job_id: str, job: CalledBack) -> None:
        """The task is still running: it is read only if no slot is needed for anything else (I12)."""
        if self.rate_limiter.is_idle(job.gateway, job.account, now=self.clock()):
            task_token = self.signals.signal_stage(job_id)
            if task_token:
                self.executions().wake(task_token)

    def _check_signature(self, gateway: str, headers: Mapping[str, str], body: bytes, sent_at: float) -> None:
        """If the callback secret contains the gateway's webhook key, the gateway's signature must match as well as the MAC."""
        if not self.secret.values().get(webhook_key(gateway)):
            return
        # Few installations set such a key; the others skip this import.
        from suno_jobs.gateways.signatures import SIGNATURE_CHECKS  # noqa: PLC0415

        def matches(values: Mapping[str, Any]) -> bool:
            return SIGNATURE_CHECKS[gateway](headers, body, str(values.get(webhook_key(gateway), "")), sent_at)

        if gateway in SIGNATURE_CHECKS and not self.secret.confirms(matches, sent_seconds_ago=self.clock() - sent_at):
            raise CallbackRefused("wrong signature")
