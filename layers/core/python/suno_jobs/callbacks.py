"""Callback trust: which callback is ours, and what happens when it comes.

The URL that a gateway calls carries our job id and a MAC over gateway and job id. It authenticates gateways that do not sign,
and it finds the task of a submission whose answer was lost. The payload is stored, never believed (I8).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from suno_jobs.errors import CallbackRefused
from suno_jobs.history import Cause
from suno_jobs.models import JOB_ID_PATTERN
from suno_jobs.receipts import ReceiptSource, ReceiptStore
from suno_jobs.secret import Secret
from suno_jobs.store import JobStore
from suno_jobs.workflow import Executions, take_on

MAX_BODY_BYTES = 256 * 1024

# Matched against the path as it came, before any decoding: one job has one valid spelling.
_PATH = re.compile(f"/v1/callbacks/(?P<gateway>[a-z0-9]{{1,32}})/(?P<job_id>{JOB_ID_PATTERN})/(?P<mac>[0-9a-f]{{64}})")


def mac(secret: str, gateway: str, job_id: str) -> str:
    """HMAC-SHA256 as 64 hex digits. Raises ValueError for an empty secret: it would authenticate everybody."""
    if not secret:
        raise ValueError("the callback secret is empty")
    return hmac.new(secret.encode(), f"{gateway}\n{job_id}".encode(), hashlib.sha256).hexdigest()


def callback_url(base_url: str, secret: Secret, gateway: str, job_id: str) -> str:
    return f"{base_url.rstrip('/')}/v1/callbacks/{gateway}/{job_id}/{mac(secret.values()['current'], gateway, job_id)}"


def verify(raw_path: str, secret: Secret) -> tuple[str, str]:
    """Gateway and job id of an authentic callback path. Raises CallbackRefused.

    Accepts the current and the previous secret, so that a rotation loses no callback in flight; a MAC that fits neither has
    the secret read again, since it may have been rotated a moment ago.
    """
    parts = _PATH.fullmatch(raw_path)
    if parts is None:
        raise CallbackRefused(401, "malformed path")
    gateway, job_id, given = parts["gateway"], parts["job_id"], parts["mac"]
    if _fits(secret, gateway, job_id, given) or (secret.renew() and _fits(secret, gateway, job_id, given)):
        return gateway, job_id
    raise CallbackRefused(401, "wrong MAC")


def _fits(secret: Secret, gateway: str, job_id: str, given: str) -> bool:
    values = secret.values()
    secrets = [value for value in (values.get("current"), values.get("previous")) if value]
    # Every secret is tried, so that the time does not tell which one fits.
    fits = [hmac.compare_digest(mac(value, gateway, job_id), given) for value in secrets]
    return any(fits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """``executions`` is a function, so that a client is only made for a callback that finds somebody waiting."""

    secret: Secret
    receipts: ReceiptStore
    jobs: JobStore
    executions: Callable[[], Executions]
    slack_seconds: int
    clock: Callable[[], float]

    def __call__(self, raw_path: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Takes in one callback: receipt first, then the signal, then whoever waits is woken, or the job is revived.

        Safe to repeat at every point. When it stops before the signal, the gateway's repetition or the next poll makes up for
        it; when it stops before waking, whoever waits looks at its next timeout; when it stops before the revival, the job is
        looked after all the same, a little later. Raises CallbackRefused.
        """
        gateway, job_id = verify(raw_path, self.secret)
        if len(body) > MAX_BODY_BYTES:
            raise CallbackRefused(413, "body too large")
        self._check_signature(gateway, headers, body)
        now = int(self.clock())
        self.receipts.record(job_id, ReceiptSource.CALLBACK, body, now=now)
        signalled = self.jobs.signal(job_id, Cause.CALLBACK, now=now)
        if signalled and signalled.task_token:
            self.executions().wake(signalled.task_token)
        elif signalled and signalled.job.terminal and signalled.job.care_until:
            due_at = now + self.slack_seconds
            take_on(self.jobs, self.executions(), signalled.job, Cause.CALLBACK, now=now, due_at=due_at)

    def _check_signature(self, gateway: str, headers: Mapping[str, str], body: bytes) -> None:
        """Where a gateway signs and its key is set in the callback secret, the signature must fit as well as the MAC."""
        if not self.secret.values().get(f"{gateway}_webhook_key"):
            return
        # Few set such a key, and all others are spared the import of the adapters.
        from suno_jobs.gateways.signatures import SIGNED_BY  # noqa: PLC0415

        def fits() -> bool:
            key = str(self.secret.values().get(f"{gateway}_webhook_key", ""))
            return SIGNED_BY[gateway](headers, body, key, self.clock())

        if gateway in SIGNED_BY and not (fits() or (self.secret.renew() and fits())):
            raise CallbackRefused(401, "wrong signature")
