"""Submit Job: turns a client's request into a job record and an execution. Nothing is submitted to a gateway here."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from suno_jobs.errors import IdempotencyConflict, InvalidRequest, json_pointer
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.intake.adoption import AdoptionRequest, TaskAdopter, parse_adoption, request_item, task_not_found
from suno_jobs.intake.creation import JobCreator
from suno_jobs.intake.requests import JobRequest
from suno_jobs.intake.validation import ValidRequest, validate_request
from suno_jobs.jobs.identifiers import SHARED_ACCOUNT, Mode, derived_job_id, mode_of, random_job_id
from suno_jobs.jobs.record import Job, JobView
from suno_jobs.jobs.spending import with_estimate
from suno_jobs.jobs.views import estimate_view, job_view
from suno_jobs.lifecycle.orders import with_order
from suno_jobs.lifecycle.ownership import not_deleted, tenant_view
from suno_jobs.runtime.secrets import Secret
from suno_jobs.runtime.waiting import WaitFunction
from suno_jobs.webhooks.endpoint_table import EndpointTable
from suno_jobs.webhooks.endpoints import DEFAULT

if TYPE_CHECKING:
    from suno_jobs.jobs.answers import OfferPreview, PreviewAnswer

Request = TypeVar("Request", JobRequest, AdoptionRequest)

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def fingerprint(body: Any) -> str:
    """Digest of the request body. White space and the order of members do not matter."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSubmitter:
    """``auto_gateways`` are the gateways behind ``auto``, in order. ``resubmit`` is the default for requests without
    ``ambiguous_submit``: whether a submission whose answer was lost may be repeated once."""

    creator: JobCreator
    auto_gateways: Sequence[str]
    resubmit: bool
    random_bytes: Callable[[int], bytes]
    wait_function: WaitFunction
    accounts: Secret
    endpoints: EndpointTable

    def submit_job(self, tenant: str, body: Any, idempotency_key: str | None) -> tuple[JobView, bool]:
        """The job for this request, and whether this call created it.

        With an Idempotency-Key, or for an adoption, the call may always be repeated; otherwise every call creates a job. Raises
        InvalidRequest, IdempotencyConflict, JobDeleted, TaskNotFound and QuotaExceeded.
        """
        job_id, digest = self._job_id(tenant, idempotency_key), fingerprint(body)
        if idempotency_key and (known := self.creator.jobs.read(job_id)):
            return _same_request(not_deleted(known), tenant, digest), False
        if _is_adoption(tenant, body):
            request = self._checked(tenant, parse_adoption(body))
            return self._adopt(tenant, request, digest, job_id if idempotency_key else None)
        valid = validate_request(body, tenant, self.creator.jobs, self.auto_gateways)
        self._checked(tenant, valid.request)
        job, item = self._new_job(tenant, job_id, digest, valid), valid.to_item()
        if not self.creator.create_job(job, item):
            return _same_request(tenant_view(self.creator.jobs, tenant, job_id), tenant, digest), False
        return JobView(job, request=item), True

    def wait_for_end(self, view: JobView, seconds: int) -> tuple[JobView, dict[str, str]]:
        """The job as it is when it has ended or the time is over, and the header that says so. Without ``seconds`` as it is."""
        job_id = view.job.job_id
        if not seconds or not (view.job.terminal or self.wait_function.wait(job_id, None, seconds)):
            return view, {}
        latest = view if view.job.terminal else self.creator.jobs.view(job_id) or view
        return latest, {"Preference-Applied": f"wait={seconds}"}

    def preview_job(self, tenant: str, body: Any, idempotency_key: str | None) -> PreviewAnswer:
        """What ``submit_job`` would create, and what is known about its gateways. Nothing is written and nothing is paid.

        Raises InvalidRequest, IdempotencyConflict, JobDeleted and TaskNotFound, as ``submit_job`` would.
        """
        job_id, digest = self._job_id(tenant, idempotency_key), fingerprint(body)
        if idempotency_key and (known := self.creator.jobs.read(job_id)):
            _same_request(not_deleted(known), tenant, digest)
        if _is_adoption(tenant, body):
            request = self._checked(tenant, parse_adoption(body))
            view = self._preview_adoption(tenant, request, digest, job_id if idempotency_key else None)
            return {"job": {**job_view(view), "job_id": view.job.job_id}, "gateways": []}
        valid = validate_request(body, tenant, self.creator.jobs, self.auto_gateways)
        self._checked(tenant, valid.request)
        job = self._new_job(tenant, job_id, digest, valid)
        shown = job_view(JobView(job, request=valid.to_item()))
        return {
            "job": {**shown, "job_id": job_id if idempotency_key else None},
            "gateways": [_offer(job, name, valid.request) for name in valid.gateways],
        }

    def _checked(self, tenant: str, request: Request) -> Request:
        """Raises InvalidRequest if its events could not be signed."""
        if request.callback_url and self.endpoints.find(tenant, DEFAULT) is None:
            detail = "needs your default secret, which signs its events: create it with POST /v1/webhooks/default/rotate"
            raise InvalidRequest([{"pointer": json_pointer("callback_url"), "detail": detail}])
        return request

    def _adopt(self, tenant: str, request: AdoptionRequest, digest: str, job_id: str | None) -> tuple[JobView, bool]:
        if known := self._shared_task(tenant, request):
            return known, False
        return TaskAdopter(self.creator).adopt_task(tenant, tenant, request, digest, job_id)

    def _shared_task(self, tenant: str, request: AdoptionRequest) -> JobView | None:
        """The tenant's job that owns the task, at the account that it shares. None: it may adopt from its own account.

        Raises TaskNotFound for the task of another tenant, and for any other task if the tenant has no account of its own.
        """
        known = TaskAdopter(self.creator).find_job(tenant, SHARED_ACCOUNT, request)
        if known is None and not self._has_account(f"{request.gateway}/{tenant}"):
            raise task_not_found()
        return known

    def _has_account(self, name: str) -> bool:
        """The entry may have been added a moment ago."""
        return name in self.accounts.values() or (self.accounts.renew() is True and name in self.accounts.values())

    def _preview_adoption(self, tenant: str, request: AdoptionRequest, digest: str, job_id: str | None) -> JobView:
        adopter = TaskAdopter(self.creator)
        known = self._shared_task(tenant, request) or adopter.find_job(tenant, tenant, request)
        return known or JobView(adopter.new_job(tenant, tenant, request, digest, job_id), request=request_item(request))

    def _job_id(self, tenant: str, idempotency_key: str | None) -> str:
        if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
            raise InvalidRequest([{"header": "Idempotency-Key", "detail": "must be 1 to 255 visible ASCII characters"}])
        if idempotency_key:
            return derived_job_id(tenant, idempotency_key)
        return random_job_id(tenant, self.creator.clock(), self.random_bytes)

    def _new_job(self, tenant: str, job_id: str, digest: str, valid: ValidRequest) -> Job:
        request = valid.request
        resubmit = self.resubmit if request.ambiguous_submit is None else request.ambiguous_submit == "resubmit"
        job = self.creator.new_job(tenant, job_id, digest, valid.gateways, request.kind)
        return with_estimate(with_order(replace(job, resubmit=resubmit, metadata=request.metadata or {}), request.input))


def _is_adoption(tenant: str, body: Any) -> bool:
    """Raises InvalidRequest in test mode, where no task exists that could have been created elsewhere."""
    found = isinstance(body, dict) and "adopt" in body
    if found and mode_of(tenant) is Mode.TEST:
        raise InvalidRequest([{"pointer": json_pointer("adopt"), "detail": "is not possible in test mode"}])
    return found


def _offer(job: Job, gateway: str, request: JobRequest) -> OfferPreview:
    ordered = with_order(replace(job, gateway=gateway), request.input)
    model = ordered.requested_model
    return {
        "gateway": gateway,
        "requested_model": model.name if model else None,
        "requested_gateway_model": model.gateway_name if model else None,
        "estimate": estimate_view(ordered.cost) if ordered.cost else None,
        "limits": asdict(GATEWAYS[gateway].limits_for(request.kind, request.input)),
    }


def _same_request(view: JobView, tenant: str, digest: str) -> JobView:
    if view.job.tenant != tenant or view.job.fingerprint != digest:
        raise IdempotencyConflict(
            "This Idempotency-Key belongs to a job with another request. Repeat that request unchanged, or use a new key."
        )
    return view
