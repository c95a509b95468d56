"""Creating a job: its record, then its execution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import Conflict, InvalidRequest, OverBounds, QuotaExceeded
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.gateways.sandbox import DEADLINE_SECONDS
from suno_jobs.jobs.history import Entry
from suno_jobs.jobs.identifiers import SANDBOX_ACCOUNT, SHARED_ACCOUNT, TENANT_RULE, Mode, may_own_jobs, mode_of
from suno_jobs.jobs.record import Candidate, Item, Job
from suno_jobs.jobs.states import Cause, JobState
from suno_jobs.runtime import log_context, telemetry
from suno_jobs.runtime.executions import Executions
from suno_jobs.storage.jobs import JobStore
from suno_jobs.tenants.quotas import Quotas

_CREATE_ATTEMPTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCreator:
    """Without ``quotas`` a job is counted and never refused, as for an operator."""

    jobs: JobStore
    executions: Executions
    deadline_seconds: int
    slack_seconds: int
    quotas: Quotas | None
    clock: Callable[[], float]

    def new_job(self, tenant: str, job_id: str, digest: str, gateways: Sequence[str], kind: Kind) -> Job:
        """A job that is not stored yet. ``gateways`` are tried in their order.

        Raises InvalidRequest if the tenant's name breaks TENANT_RULE. The authorizer refuses such a tenant, too. This is the
        last check before anything is paid.
        """
        if not may_own_jobs(tenant):
            raise InvalidRequest([{"header": "Authorization", "detail": TENANT_RULE}])
        now, live = int(self.clock()), mode_of(tenant) is Mode.LIVE
        return Job(
            job_id=job_id,
            tenant=tenant,
            gateway=gateways[0],
            candidates=tuple(Candidate(each) for each in gateways[1:]),
            kind=kind,
            expects=GATEWAYS[gateways[0]].kinds[kind].result,
            state=JobState.ACCEPTED,
            created_at=now,
            updated_at=now,
            deadline_at=now + (self.deadline_seconds if live else min(self.deadline_seconds, DEADLINE_SECONDS)),
            account=SHARED_ACCOUNT if live else SANDBOX_ACCOUNT,
            due_at=now + self.slack_seconds,
            fingerprint=digest,
            history=(Entry(now, JobState.ACCEPTED, Cause.CLIENT, 0, gateways[0]).line(),),
        )

    def take_request(self, job: Job) -> bool:
        """Counts the request for the job, and checks all limits, before something else is written that the job must follow.

        False: the job exists. Raises QuotaExceeded if the job could not be created now. ``create_job`` decides.
        """
        try:
            self._count(job)
            self._require_room(job)
        except QuotaExceeded:
            if self.jobs.get(job.job_id):
                return False
            raise
        return True

    def create_job(self, job: Job, request: Item, *, counted: bool = False) -> bool:
        """Stores the job and starts its execution. False if another request has already created the job.

        ``counted``: ``take_request`` has counted the request. If the execution cannot be started, the job remains stored, and
        the sweep starts it. Raises QuotaExceeded, but not for a job that exists.
        """
        if not self._write(job, request, counted=counted):
            return False
        log_context.note_new_job(job)
        if job.mode is Mode.LIVE:
            telemetry.count("JobsAccepted", gateway=job.gateway)
        try:
            self.executions.start(job.job_id)
        except (AwsError, BotoCoreError) as error:
            telemetry.log.warning("execution not started, left to the sweep", job_id=job.job_id, reason=str(error))
        return True

    def _count(self, job: Job) -> None:
        if self.quotas:
            self.quotas.take_request(job.tenant)

    def _require_room(self, job: Job) -> None:
        if self.quotas:
            self.quotas.check(job)

    def _write(self, job: Job, request: Item, *, counted: bool) -> bool:
        try:
            if not counted:
                self._count(job)
            return self._write_within_quotas(job, request)
        except QuotaExceeded:
            if self.jobs.get(job.job_id):
                return False
            raise

    def _write_within_quotas(self, job: Job, request: Item) -> bool:
        due_at = job.created_at + self.slack_seconds
        for _ in range(_CREATE_ATTEMPTS):
            bounds = self.quotas.bounds(job) if self.quotas else {}
            try:
                return self.jobs.submissions.create(job, request, due_at=due_at, bounds=bounds)
            except OverBounds:
                self._require_room(job)
            except Conflict:
                if self.jobs.get(job.job_id):
                    return False
        raise Conflict("Too many concurrent requests")
