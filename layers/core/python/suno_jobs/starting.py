"""Writing a new job and starting its execution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs import telemetry
from suno_jobs.errors import Conflict
from suno_jobs.gateways import GATEWAYS
from suno_jobs.history import Cause, Entry
from suno_jobs.models import Candidate, Item, Job
from suno_jobs.store import JobStore
from suno_jobs.transitions import JobState
from suno_jobs.vocabulary import Kind
from suno_jobs.workflow import Executions

_CREATE_ATTEMPTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    jobs: JobStore
    executions: Executions
    deadline_seconds: int
    slack_seconds: int
    clock: Callable[[], float]

    def new_job(self, tenant: str, job_id: str, digest: str, gateways: Sequence[str], kind: Kind) -> Job:
        now = int(self.clock())
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
            deadline_at=now + self.deadline_seconds,
            fingerprint=digest,
            history=(Entry(now, JobState.ACCEPTED, Cause.CLIENT, 0, gateways[0]).line(),),
        )

    def begin(self, job: Job, request: Item) -> bool:
        """Writes the job and starts its execution. False: somebody else has written it.

        When the execution cannot be started the job stands all the same, and the sweep starts it.
        """
        if not self._create(job, request):
            return False
        telemetry.count("JobsAccepted", gateway=job.gateway)
        try:
            self.executions.start(job.job_id)
        except (AwsError, BotoCoreError) as error:
            telemetry.log.warning("execution not started, left to the sweep", job_id=job.job_id, reason=str(error))
        return True

    def _create(self, job: Job, request: Item) -> bool:
        due_at = job.created_at + self.slack_seconds
        for _ in range(_CREATE_ATTEMPTS):
            try:
                return self.jobs.create(job, request, due_at=due_at)
            except Conflict:
                if self.jobs.get(job.job_id):
                    return False
        raise Conflict("Many requests with this Idempotency-Key came at once")
