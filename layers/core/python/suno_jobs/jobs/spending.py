"""What a job counts as in the spending of its tenant, in millionths of USD.

It is an estimate: the rate of a gateway's unit depends on the plan of the account. A job without a known price counts as 0.
"""

from __future__ import annotations

from dataclasses import replace

from suno_jobs.jobs.record import Job, TaskEnd

MICROS = 1_000_000


def with_estimate(job: Job) -> Job:
    """A new job that counts as one submission at its listed price."""
    return replace(job, counted=_price(job))


def spending(job: Job) -> int:
    """By its attempts: one whose answer was lost may have been charged, so it counts. A refund and an adoption cost nothing."""
    paid = sum(attempt.end is not TaskEnd.REFUNDED for attempt in job.attempts)
    return 0 if job.adopts is not None else paid * _price(job)


def _price(job: Job) -> int:
    if job.cost is None or job.usd_per_unit is None:
        return 0
    return round(job.cost.amount * job.usd_per_unit * MICROS)
