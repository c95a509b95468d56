"""A request to take over a task that was created elsewhere, and the job for it. Nothing is submitted."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints, ValidationInfo, field_validator

from suno_jobs.catalog.inputs import StrictModel
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import JobNotFound, TaskNotFound
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.intake.creation import JobCreator
from suno_jobs.intake.parsing import parse_body
from suno_jobs.intake.requests import Metadata, check_metadata, parse_kind
from suno_jobs.intake.webhook_urls import WebhookUrl
from suno_jobs.jobs.identifiers import derived_job_id
from suno_jobs.jobs.record import Item, Job, JobView
from suno_jobs.lifecycle.link_lifetimes import file_terms
from suno_jobs.lifecycle.ownership import tenant_view

TASK_ID = re.compile(r"[\x21-\x7e]{1,200}")


def _check_gateway(value: Any) -> Any:
    if not isinstance(value, str) or value not in GATEWAYS:
        raise ValueError(f"must be one of {', '.join(GATEWAYS)}")
    return value


class Adopt(StrictModel):
    """``task_id`` is the gateway's id of the task."""

    task_id: Annotated[str, StringConstraints(pattern=f"^{TASK_ID.pattern}$")]


class AdoptionRequest(StrictModel):
    """``kind`` is what the task does: its result is read as one of that kind. The other fields are as for any job."""

    gateway: Annotated[str, BeforeValidator(_check_gateway)]
    kind: Annotated[Kind, BeforeValidator(parse_kind)]
    adopt: Adopt
    metadata: Metadata | None = None
    callback_url: WebhookUrl | None = None

    _check_metadata = field_validator("metadata")(check_metadata)

    @field_validator("kind")
    @classmethod
    def _check_kind(cls, kind: Kind, info: ValidationInfo) -> Kind:
        offers = GATEWAYS[info.data["gateway"]].kinds if "gateway" in info.data else {}
        if offers and kind not in offers:
            raise ValueError(f"is not offered by {info.data['gateway']}")
        if offers and offers[kind].synchronous:
            raise ValueError(f"is answered by {info.data['gateway']} with the result, so there is no task to adopt")
        return kind


def parse_adoption(body: Any) -> AdoptionRequest:
    """Raises InvalidRequest, which lists every invalid field."""
    return parse_body(AdoptionRequest, body)


@dataclass(frozen=True, slots=True)
class TaskAdopter:
    """Whether the tenant may adopt from the account is the caller's decision."""

    creator: JobCreator

    def adopt_task(
        self, tenant: str, account: str, request: AdoptionRequest, digest: str, job_id: str | None = None
    ) -> tuple[JobView, bool]:
        """The job that owns the task, and whether this call created it. May be repeated. Raises TaskNotFound."""
        if known := self.find_job(tenant, account, request):
            return known, False
        job, item = self.new_job(tenant, account, request, digest, job_id), request_item(request)
        if self.creator.create_job(job, item):
            return JobView(job, request=item), True
        known = self.find_job(tenant, account, request)
        return known or tenant_view(self.creator.jobs, tenant, job.job_id), False

    def find_job(self, tenant: str, account: str, request: AdoptionRequest) -> JobView | None:
        """The tenant's job that owns the task. None: no job owns it. Raises TaskNotFound for a job of another tenant."""
        jobs = self.creator.jobs
        owner = jobs.owners.owner(request.gateway, account, request.adopt.task_id)
        try:
            return tenant_view(jobs, tenant, owner) if owner else None
        except JobNotFound:
            raise task_not_found() from None

    def new_job(self, tenant: str, account: str, request: AdoptionRequest, digest: str, job_id: str | None = None) -> Job:
        """A job that is not stored yet. Without ``job_id`` its id is derived from the task."""
        task_id = request.adopt.task_id
        # No client's key contains a space.
        job_id = job_id or derived_job_id(tenant, f"{request.gateway} {account} {task_id} adopted")
        job = self.creator.new_job(tenant, job_id, digest, [request.gateway], request.kind)
        terms, metadata = file_terms(GATEWAYS[request.gateway]), request.metadata or {}
        return replace(job, adopts=task_id, account=account, file_terms=terms, metadata=metadata)


def task_not_found() -> TaskNotFound:
    return TaskNotFound("No task of yours has this id. Only an operator adopts from an account that several tenants share.")


def request_item(request: AdoptionRequest) -> Item:
    """The request as it is stored."""
    known = {"gateway": request.gateway, "gateways": [request.gateway], "adopt": request.adopt.model_dump()}
    return known | ({"callback_url": request.callback_url} if request.callback_url else {})
