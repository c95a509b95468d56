"""Retry Job: repeats a failed job as a new job. Only a client can request it, because it costs money."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from suno_jobs.errors import InvalidRequest, WrongState, json_pointer
from suno_jobs.intake.creation import JobCreator
from suno_jobs.jobs.identifiers import derived_job_id
from suno_jobs.jobs.record import Item, Job, JobView
from suno_jobs.jobs.spending import with_estimate
from suno_jobs.jobs.states import Charged, JobState
from suno_jobs.jobs.views import iso_time
from suno_jobs.lifecycle.ownership import not_deleted, tenant_view

ACCEPT = "accept_second_charge"
RETRYABLE = frozenset({JobState.FAILED, JobState.TIMED_OUT})


@dataclass(frozen=True, slots=True)
class JobRetrier:
    creator: JobCreator

    def retry_job(self, tenant: str, job_id: str, body: Any) -> tuple[JobView, bool]:
        """The job that repeats a failed one with the same request, and whether this call created it.

        It is a separate job, so that a late result still reaches the first one. Repeating the call returns the same job. A job
        that was or may have been charged is only repeated if the body says so. Raises JobNotFound, JobDeleted, WrongState,
        InvalidRequest and QuotaExceeded.
        """
        jobs = self.creator.jobs
        view = tenant_view(jobs, tenant, job_id)
        old, item = view.job, dict(view.request or {})
        accepted = _accepts_second_charge(body)
        new_id = derived_job_id(tenant, f"{job_id} retried")  # no client's key contains a space
        # The mark alone proves no second job: a call that set it may have ended before it created one.
        if old.retried_as and (known := jobs.read(new_id)):
            return not_deleted(known), False
        if old.state not in RETRYABLE:
            raise _not_retryable(old)
        if old.charged is not Charged.NO and not accepted:
            raise _second_charge(old)
        job = self._new_job(old, new_id, item)
        if self.creator.take_request(job):
            if not jobs.mark_retried(old, new_id, now=int(self.creator.clock())):
                raise _not_retryable(tenant_view(jobs, tenant, job_id).job)
            if self.creator.create_job(job, item, counted=True):
                return JobView(job, request=item), True
        return tenant_view(jobs, tenant, new_id), False

    def _new_job(self, old: Job, new_id: str, item: Item) -> Job:
        job = self.creator.new_job(old.tenant, new_id, old.fingerprint, item["gateways"], old.kind)
        job = replace(job, resubmit=old.resubmit, metadata=old.metadata, retry_of=old.job_id)
        if old.gateway == job.gateway:
            job = replace(job, requested_model=old.requested_model, cost=old.cost, usd_per_unit=old.usd_per_unit)
        if old.adopts:
            return replace(job, adopts=old.adopts, account=old.account, file_terms=old.file_terms)
        return with_estimate(job)


def _accepts_second_charge(body: Any) -> bool:
    if not isinstance(body, dict):
        raise InvalidRequest([{"pointer": json_pointer(), "detail": "must be an object"}])
    unknown = f"is unknown; the body may only contain {ACCEPT}"
    errors = [{"pointer": json_pointer(name), "detail": unknown} for name in sorted(body.keys() - {ACCEPT})]
    accepted = body.get(ACCEPT)
    if not isinstance(accepted, bool | None):
        errors.append({"pointer": json_pointer(ACCEPT), "detail": "must be true or false"})
    if errors:
        raise InvalidRequest(errors)
    return bool(accepted)


def _not_retryable(old: Job) -> WrongState:
    return WrongState(f"Only a job that is FAILED or TIMED_OUT can be retried; this one is {old.state}.")


def _second_charge(old: Job) -> WrongState:
    cost = "was" if old.charged is Charged.YES else "may have been"
    until = iso_time(old.recoverable_until) if old.recoverable_until else None
    late = f" Its song may still arrive until {until}." if until else ""
    return WrongState(
        f'This job {cost} charged.{late} To pay for a second one, send {{"{ACCEPT}": true}}.',
        charged=old.charged,
        recoverable_until=until,
    )
