"""Reading many tasks in one request, at gateways that support it, so that the sweep need not wake running jobs."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from suno_jobs.errors import ErrorCode, Fault, GatewayUnreachable, NoSlot
from suno_jobs.gateways.protocol import BatchReading, ReadFailed, TaskReport
from suno_jobs.gateways.registry import GATEWAYS, gateway_of
from suno_jobs.jobs.record import Job
from suno_jobs.runtime import telemetry
from suno_jobs.traffic.accounts import AccountUnusable
from suno_jobs.traffic.calls import GatewayCalls

REPLY_SECONDS = 5.0
"""With the time to connect, a batch read takes at most 10 s."""

SLOW_SECONDS = 3.0
"""A gateway that took longer is not asked for another batch in the same sweep."""


@dataclass(frozen=True, slots=True)
class BatchReader:
    calls: GatewayCalls

    def find_running(self, jobs: Sequence[Job]) -> Iterator[tuple[Sequence[Job], Collection[str]]]:
        """Groups of ``jobs``, each with the ids of those whose task is certainly still running. Every job is in one group.

        Each job has a task; what is not known to be running has to be read one by one. A group is read when it is asked for.
        The jobs that need no request come first. A gateway that failed or was slow is not asked again during the iteration,
        and costs the other gateways nothing else. The gateways have another order each second: if a request to one of them
        never returns and the function is stopped, the others come before it in some later sweep.
        """
        now = int(self.calls.clock())
        batches = sorted(_batches(jobs), key=lambda each: zlib.crc32(f"{now} {each[1][0].gateway}".encode()))
        batched = {job.job_id for _, batch in batches for job in batch}
        yield [job for job in jobs if job.job_id not in batched], ()
        troubled: set[str] = set()
        for gateway, batch in batches:
            name = batch[0].gateway
            if name in troubled:
                yield batch, ()
                continue
            began = self.calls.clock()
            running = self._running(gateway, batch)
            if running is None or self.calls.clock() - began > SLOW_SECONDS:
                troubled.add(name)
            yield batch, running or ()

    def _running(self, gateway: BatchReading, batch: Sequence[Job]) -> set[str] | None:
        """None when the gateway gave no usable answer."""
        first = batch[0]
        kinds = {job.task_id: job.kind for job in batch if job.task_id}
        try:
            account = self.calls.account(first)
            self.calls.take_slot(first)
            reply = self.calls.send(first, account, gateway.batch_request([*kinds]), reply_seconds=REPLY_SECONDS)
        except NoSlot as error:
            # The gateway is not in trouble, and the next batch may get a slot.
            _log_failure(first, len(kinds), str(error))
            return set()
        except AccountUnusable as error:
            _log_failure(first, len(kinds), str(error))
            return None
        except GatewayUnreachable as error:
            self._record_failure(first, len(kinds), Fault(ErrorCode.GATEWAY_ERROR, str(error), retryable=True))
            return None
        readings = gateway.read_batch(kinds, reply)
        if isinstance(readings, ReadFailed):
            self._record_failure(first, len(kinds), readings.fault)
            return None
        self.calls.record_outcome(first, None)
        by_job = {job.job_id: readings.get(job.task_id or "") for job in batch}
        return {job_id for job_id, each in by_job.items() if isinstance(each, TaskReport) and not each.status.ended}

    def _record_failure(self, first: Job, tasks: int, fault: Fault) -> None:
        self.calls.record_outcome(first, fault)
        _log_failure(first, tasks, fault.message)


def _log_failure(first: Job, tasks: int, reason: str) -> None:
    telemetry.log.info("batch not read", gateway=first.gateway, tasks=tasks, reason=reason)


def _batches(jobs: Sequence[Job]) -> Iterator[tuple[BatchReading, Sequence[Job]]]:
    """Jobs at one gateway and account, at most as many as one request reads. A single job is not a batch."""
    groups: dict[tuple[str, str], list[Job]] = defaultdict(list)
    for job in jobs:
        groups[job.gateway, job.account].append(job)
    for (name, _), group in groups.items():
        if name not in GATEWAYS:
            # A later version has added it.
            continue
        gateway = gateway_of(group[0])
        if isinstance(gateway, BatchReading):
            for start in range(0, len(group), gateway.batch_size):
                if len(batch := group[start : start + gateway.batch_size]) > 1:
                    yield gateway, batch
