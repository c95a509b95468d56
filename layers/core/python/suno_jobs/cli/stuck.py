"""``suno-jobs stuck``: the jobs that are overdue or held, why, since when, and what would help."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Annotated

from cyclopts import Parameter

from suno_jobs.cli import aws
from suno_jobs.cli.options import AsJson, JobsTable, show
from suno_jobs.cli.problems import WrongArgument
from suno_jobs.cli.stack import NO_STACK, StackOption
from suno_jobs.jobs.history import Entry
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.states import WaitReason
from suno_jobs.jobs.views import iso_time
from suno_jobs.jobs.waiting import waiting_for
from suno_jobs.storage.jobs import JobStore

HELD_SECONDS = 60
"""A shorter wait in the queue of a gateway is part of a normal job."""

SWEEP = "suno-jobs sweep resumes it. If sweeps fail, see SweepFailedAlarm in the runbook."

_HELD = {
    WaitReason.RATE_LIMIT: (
        "waits for its turn at {gateway}",
        "Nothing is wrong if the queue moves. Otherwise raise max_tasks of the account, or let requests name more gateways.",
    ),
    WaitReason.CIRCUIT_BREAKER: (
        "waits for the circuit breaker at {gateway}",
        "suno-jobs doctor checks the account. The runbook shows how to close a circuit breaker.",
    ),
    WaitReason.GATEWAY_KEY: (
        "waits for a key of {gateway} that works",
        "suno-jobs doctor shows what is wrong with the entry of the accounts secret.",
    ),
    WaitReason.REFUSAL: (
        "{gateway} refused it for now",
        "It is submitted again without your help. suno-jobs receipts shows the refusal.",
    ),
}
"""By what they wait for, the jobs that a gateway or its account holds. Any other wait is part of a normal job."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """``since`` is in seconds since 1970."""

    job_id: str
    tenant: str
    gateway: str
    state: str
    why: str
    since: int
    remedy: str


def print_stuck(
    *,
    stack: StackOption = NO_STACK,
    table: JobsTable = None,
    limit: Annotated[int, Parameter(help="look at so many jobs at most, those that are due first")] = 10_000,
    as_json: AsJson = False,
) -> None:
    """Show the jobs that are overdue or held, why, since when, and what would help.

    ```
    suno-jobs stuck --stack suno-jobs-dev
    ```
    """
    if limit < 1:
        raise WrongArgument("--limit must be at least 1")
    found = [*find_stuck(JobStore(aws.dynamodb(), stack.output("JobsTable", table)), time.time(), limit)]
    lines = [line for each in sorted(found, key=lambda each: each.since) for line in _lines(each)]
    value = [{**asdict(each), "since": iso_time(each.since)} for each in found]
    show(value, lines or ["No job is stuck."], as_json=as_json)


def find_stuck(jobs: JobStore, now: float, limit: int) -> Iterator[Stuck]:
    """Of the jobs that still need something."""
    for job_id in islice(jobs.due_index.job_ids(), limit):
        job = jobs.get(job_id)
        if job and (found := _diagnose(job, now)):
            yield Stuck(job_id, job.tenant, job.gateway, job.state, *found)


def _diagnose(job: Job, now: float) -> tuple[str, int, str] | None:
    """Why it is stuck, since when, and what would help."""
    if not job.terminal and job.deadline_at < now:
        return "is past its deadline", job.deadline_at, SWEEP
    if job.due_at and job.due_at < now:
        return "was not continued in time", job.due_at, SWEEP
    if job.terminal:
        return None
    if job.lost and not job.intent and not job.tasks:
        remedy = "Look for its task in the gateway's own list. The runbook describes jobs whose answer was lost."
        return f"the answer of {job.gateway} to its submission was lost", job.attempts[-1].at, remedy
    if now - _held_since(job) < HELD_SECONDS:
        return None
    if (wait := waiting_for(job)) and (held := _HELD.get(wait.reason)):
        why, remedy = held
        return f"{why.format(gateway=job.gateway)} until {iso_time(wait.until)}", _held_since(job), remedy
    return None


def _held_since(job: Job) -> int:
    """A job without a task is held since it was accepted, however often it was tried."""
    return Entry.read(job.history[-1]).at if job.tasks else job.created_at


def _lines(found: Stuck) -> Iterator[str]:
    yield f"{found.job_id}  {found.state} at {found.gateway} for {found.tenant}: {found.why}, since {iso_time(found.since)}"
    yield f"  {found.remedy}"
