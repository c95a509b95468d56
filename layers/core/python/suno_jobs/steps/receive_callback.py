"""Receive Callback: stores what a gateway sent and wakes the waiting execution. The payload is never believed (I8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from suno_jobs.errors import CallbackRefused
from suno_jobs.jobs.states import Cause
from suno_jobs.lifecycle.resuming import resume_job
from suno_jobs.runtime.executions import Executions
from suno_jobs.runtime.secrets import Secret
from suno_jobs.storage.receipts import ReceiptSource, ReceiptStore
from suno_jobs.storage.signals import SignalStore
from suno_jobs.traffic.callback_urls import verify_callback_path

MAX_BODY_BYTES = 256 * 1024


class CallbackReceiver:
    def __init__(
        self,
        *,
        secret: Secret,
        receipts: ReceiptStore,
        signals: SignalStore,
        executions: Callable[[], Executions],
        slack_seconds: int,
        clock: Callable[[], float],
    ) -> None:
        """``executions`` is a function, so that a client is made only when there is an execution to wake or to start."""
        self._secret = secret
        self._receipts = receipts
        self._signals = signals
        self._executions = executions
        self._slack_seconds = slack_seconds
        self._clock = clock

    def receive_callback(self, raw_path: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Stores the receipt, leaves the signal, then wakes the waiting execution or resumes a job in recovery.

        Safe to repeat at any point. If it stops before the signal, the gateway's next attempt or the next poll replaces it. If
        it stops before waking, the execution checks at its next timeout. If it stops before resuming, recovery checks the job
        later. Nothing is stored for a deleted job. Raises CallbackRefused.
        """
        gateway, job_id = verify_callback_path(raw_path, self._secret)
        if len(body) > MAX_BODY_BYTES:
            raise CallbackRefused(413, "body too large")
        self._check_signature(gateway, headers, body)
        if self._signals.is_deleted(job_id):
            return
        now = int(self._clock())
        self._receipts.record(job_id, ReceiptSource.CALLBACK, body, now=now)
        signalled = self._signals.signal(job_id, Cause.CALLBACK)
        if signalled and signalled.task_token:
            self._executions().wake(signalled.task_token)
        elif signalled and signalled.in_recovery:
            due_at = now + self._slack_seconds
            resume_job(self._signals, self._executions(), job_id, signalled.execution, Cause.CALLBACK, due_at=due_at)

    def _check_signature(self, gateway: str, headers: Mapping[str, str], body: bytes) -> None:
        """If the callback secret contains the gateway's webhook key, the gateway's signature must match as well as the MAC."""
        if not self._secret.values().get(f"{gateway}_webhook_key"):
            return
        # Few installations set such a key; the others skip this import.
        from suno_jobs.gateways.signatures import SIGNATURE_CHECKS  # noqa: PLC0415

        def matches() -> bool:
            key = str(self._secret.values().get(f"{gateway}_webhook_key", ""))
            return SIGNATURE_CHECKS[gateway](headers, body, key, self._clock())

        if gateway in SIGNATURE_CHECKS and not (matches() or (self._secret.renew() and matches())):
            raise CallbackRefused(401, "wrong signature")
