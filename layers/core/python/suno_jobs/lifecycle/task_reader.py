"""Reading one task at its gateway, with our own key and within the rate limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import ErrorCode, Fault, GatewayUnreachable
from suno_jobs.gateways.protocol import GatewayReply, ReadFailed, Reading, TaskReport
from suno_jobs.gateways.registry import gateway_of
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.states import Cause
from suno_jobs.runtime import telemetry
from suno_jobs.storage.receipts import ReceiptSource, ReceiptStore
from suno_jobs.traffic.accounts import AccountUnusable
from suno_jobs.traffic.callback_urls import job_called_back
from suno_jobs.traffic.calls import GatewayCalls
from suno_jobs.traffic.shared_reads import SharedReads

SLOW_READ_SECONDS = 10
"""After a request that took this long, the same run sends the gateway no further one: it might not finish in time."""

NOT_READ = ReadFailed(Fault(ErrorCode.GATEWAY_ERROR, "there was no time to read the task", retryable=True))
"""The reading of a task that is left to the next check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReader:
    receipts: ReceiptStore
    calls: GatewayCalls
    clock: Callable[[], float]

    def read_task(self, job: Job, task_id: str) -> Reading:
        """Sends one status request, unless the task is known to be running. Raises NoSlot.

        A reply that ends the task or cannot be understood is stored. After the callback of a stage, only a slot is used that is
        idle: such a read never delays one that ends a job.
        """
        shared_reads = SharedReads(self.calls)
        if known := shared_reads.read_running(job, task_id):
            return known
        gateway = gateway_of(job)
        try:
            account = self.calls.account(job)
            take_slot = self.calls.take_idle_slot if job.cause is Cause.STAGE else self.calls.take_slot
            take_slot(job)
            reply = self.calls.send(job, account, gateway.status_request(job.kind, task_id))
        except AccountUnusable as error:
            return ReadFailed(Fault(ErrorCode.AUTHENTICATION, str(error)))
        except GatewayUnreachable as error:
            fault = Fault(ErrorCode.GATEWAY_ERROR, str(error), retryable=True)
            self.calls.record_outcome(job, fault)
            return ReadFailed(fault)
        reading = gateway.read_status(job.kind, reply)
        if isinstance(reading, ReadFailed):
            self.calls.record_outcome(job, reading.fault)
            self._store_receipt(job, reply)
            refused_key = reading.fault.code is ErrorCode.AUTHENTICATION
            return replace(reading, key_replaced=refused_key and self.calls.has_replaced_key(job, account))
        self.calls.record_outcome(job, None)
        if not reading.status.ended:
            shared_reads.mark_running(job, task_id)
        if reading.status.ended or reading.unknown_statuses:
            self._store_receipt(job, reply)
        _report_unknown_words(job, reading)
        return replace(reading, submitted_by=job_called_back(reply.body)) if job.adopts else reading

    def _store_receipt(self, job: Job, reply: GatewayReply) -> None:
        """The job matters more than the evidence, so a receipt that cannot be stored does not stop the job."""
        now = int(self.clock())
        try:
            self.receipts.record(
                job.job_id, ReceiptSource.STATUS, reply.body, gateway=job.gateway, now=now, status=reply.status
            )
        except (AwsError, BotoCoreError) as error:
            telemetry.log.warning("receipt not stored", job_id=job.job_id, reason=str(error))


def _report_unknown_words(job: Job, report: TaskReport) -> None:
    for word in report.unknown_statuses:
        telemetry.count("UnknownStatusWord", gateway=job.gateway)
        telemetry.log.warning("unknown status word", job_id=job.job_id, gateway=job.gateway, word=word)
