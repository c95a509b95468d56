"""Repeating a submission whose answer was lost, where its gateway recognises the repetition by a key.

It is the one exception to "a lost answer is never repeated" that cannot be charged twice: the same bytes, with the same key, on
the same account, until the gateway may have forgotten the key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from suno_jobs.gateways.protocol import GatewayRequest, RepeatableSubmission
from suno_jobs.gateways.registry import gateway_of
from suno_jobs.jobs.record import Job, Lost
from suno_jobs.jobs.states import JobState
from suno_jobs.storage.sent_requests import SentRequest, SentRequests
from suno_jobs.traffic.accounts import Account

KEPT_SECONDS = 86_400
"""How much longer the request is stored than it may be repeated."""


def repeat_until(job: Job) -> int | None:
    """Until when the last submission may be repeated; None if it may not. Nothing is submitted after the job's deadline."""
    gateway = gateway_of(job)
    if not isinstance(gateway, RepeatableSubmission) or not job.attempts:
        return None
    last = job.attempts[-1]
    return min(last.at + gateway.repeat_seconds, job.deadline_at) if last.key and last.lost else None


def may_repeat(job: Job, now: int) -> bool:
    open_ended = job.state is JobState.SUBMIT_UNKNOWN and isinstance(job.submission, Lost)
    return open_ended and now < (repeat_until(job) or 0)


@dataclass(frozen=True, slots=True)
class Repeats:
    sent: SentRequests

    def keep(self, job: Job, account: Account, request: GatewayRequest, key: str, *, now: int) -> GatewayRequest | None:
        """Stores the request that is about to be sent and returns it with its key. None: it could not be repeated anyway."""
        gateway = gateway_of(job)
        if not isinstance(gateway, RepeatableSubmission):
            return None
        keyed = gateway.with_key(request, key)
        body = json.dumps(keyed.json).encode()
        sent = SentRequest(keyed.method, keyed.path, keyed.headers, body, account.digest)
        self.sent.keep(job.job_id, key, sent, expires_at=now + gateway.repeat_seconds + KEPT_SECONDS)
        return keyed

    def find(self, job: Job, account: Account) -> GatewayRequest | None:
        """The last request of the job. None if it was sent to another account, or with a key that was replaced since."""
        key = job.attempts[-1].key
        sent = self.sent.find(job.job_id, key) if key else None
        if sent is None or sent.account != account.digest:
            return None
        return GatewayRequest(sent.method, sent.path, json=json.loads(sent.body), headers=sent.headers)
