"""What a job orders at its gateway: the model, and the price as far as it is known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from suno_jobs.catalog.inputs import INPUTS
from suno_jobs.errors import Conflict
from suno_jobs.gateways.registry import gateway_of
from suno_jobs.jobs.record import Item, Job
from suno_jobs.lifecycle.link_lifetimes import file_terms

if TYPE_CHECKING:
    from suno_jobs.catalog.inputs import KindInput


def as_ordered(job: Job, stored: Item) -> Job:
    """``job`` as it would be submitted to its current gateway, by its stored request. Raises Conflict if there is none."""
    if not stored:
        raise Conflict("the job was deleted")
    order = with_order(job, INPUTS[job.kind].model_validate(stored["input"]))
    gateway = gateway_of(job)
    return replace(order, expects=gateway.kinds[job.kind].result, file_terms=file_terms(gateway))


def with_order(job: Job, job_input: KindInput) -> Job:
    """``job`` with the model, the listed cost and the callbacks of a submission of ``job_input`` to its current gateway."""
    gateway = gateway_of(job)
    model, cost = gateway.requested_model(job.kind, job_input), gateway.listed_cost(job.kind, job_input)
    order = replace(job, requested_model=model, cost=cost, usd_per_unit=gateway.usd_per_unit)
    return replace(order, stage_words=gateway.stage_words or None, polled=not gateway.calls_back or None)
