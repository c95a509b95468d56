"""What several writes to a job have in common: their line of history, and the conditions that what was read still holds."""

from __future__ import annotations

from suno_jobs.errors import ErrorCode
from suno_jobs.jobs.history import Entry, Wait
from suno_jobs.jobs.record import Item, Job
from suno_jobs.jobs.spending import spending
from suno_jobs.jobs.states import Cause, JobState
from suno_jobs.runtime import log_context
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.table import JOB, Table, key
from suno_jobs.storage.update_expressions import Change
from suno_jobs.storage.usage import job_usage_key, settlement

LONG_HISTORY = 200


def with_history(  # noqa: PLR0913 - the parts of one line
    change: Change,
    job: Job,
    state: JobState,
    now: int,
    code: ErrorCode | None = None,
    *,
    cause: Cause | None = None,
    wait: Wait | None = None,
) -> Change:
    """The change together with its line of history. Once the history is very long, only changes of the state are added."""
    if state is job.state and len(job.history) >= LONG_HISTORY:
        return change
    change.appends = {"history": Entry(now, state, cause or job.cause, job.execution, job.gateway, code, wait).line()}
    return change


def cost_of(job: Job) -> Item:
    """The cost is stored with the next change of the job, so that it needs no write of its own."""
    return {"cost": job.cost} if job.cost else {}


def set_order(change: Change, job: Job) -> Change:
    """Sets what belongs to one submission: its account, its model, its listed cost and how its gateway reports."""
    order: Item = {"requested_model": job.requested_model, "cost": job.cost, "usd_per_unit": job.usd_per_unit}
    order |= {"account": job.account, "stage_words": job.stage_words, "polled": job.polled}
    change.sets = {**change.sets, **{name: value for name, value in order.items() if value}}
    change.removes = (*change.removes, *(name for name, value in order.items() if not value))
    return change


def require_job(change: Change) -> Change:
    """Requires that there is a job: a tombstone has no state."""
    return change.require("attribute_exists(#state)", "state")


def require_open_or_recoverable(change: Change, now: int) -> Change:
    """Requires that the job has not ended, or that its recovery continues."""
    return change.require(
        "attribute_not_exists(#ended_at) OR #recoverable_until > :now", "ended_at", "recoverable_until", now=now
    )


def require_same_attempts(change: Change, job: Job) -> Change:
    """Requires that the attempts are those that were read, so that no task is overwritten or overlooked."""
    return change.require("#attempts = :read_attempts", "attempts", read_attempts=job.attempts)


def require_same_intent(change: Change, job: Job) -> Change:
    """Requires that the submission is the one that was read, so that no decision applies to one that began since."""
    require_same_attempts(change, job)
    if job.intent is None:
        return change.require_absent("intent")
    return change.require("#intent = :mine", "intent", mine=job.intent)


def noted(job: Job) -> Job:
    """The job that was read. From here on, log lines carry its keys."""
    log_context.note_job(job)
    return job


def applied(job: Job, change: Change) -> Job:
    """The job as the change leaves it, if nothing else has changed since it was read."""
    item = unpack(pack({**job.to_item(), **change.sets}))
    item |= {name: [*item.get(name, ()), line] for name, line in change.appends.items()}
    return Job.from_item({name: value for name, value in item.items() if name not in change.removes})


class JobTable(Table):
    """Writes to the hot record of a job."""

    def _settle(self, job: Job, change: Change, now: int) -> Job:
        """Makes the change and corrects the usage of the tenant, both or neither. Conflict: a condition did not hold.

        Only a change that ends the job, or that changes what an ended job has cost, needs the transaction.
        """
        after = applied(job, change)
        usage = settlement(job, after)
        if usage is None:
            return self._change(job.job_id, change, now)
        change.sets = {**change.sets, "updated_at": now, "counted": spending(after)}
        change.require("#counted = :was_counted", "counted", was_counted=job.counted)
        self._change_both((key(job.job_id, JOB), change), (job_usage_key(job), usage))
        return noted(applied(job, change))

    def _change(self, job_id: str, change: Change, now: int) -> Job:
        change.sets = {**change.sets, "updated_at": now}
        return noted(Job.from_item(self._update(key(job_id, JOB), change, "ALL_NEW")))

    def _unless_conflict(self, job_id: str, change: Change, now: int) -> None:
        change.sets = {**change.sets, "updated_at": now}
        self._unless_conflict_at(key(job_id, JOB), change)
