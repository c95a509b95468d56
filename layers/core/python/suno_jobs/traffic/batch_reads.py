"""Reading many tasks in one request, at gateways that support it, so that the sweep need not wake running jobs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from suno_jobs.errors import GatewayUnreachable, NoSlot
from suno_jobs.gateways.protocol import BatchReading, ReadFailed, TaskReport
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import Job
from suno_jobs.runtime import telemetry
from suno_jobs.traffic.accounts import AccountUnusable
from suno_jobs.traffic.calls import GatewayCalls

REPLY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class BatchReader:
    calls: GatewayCalls

    def find_running(self, jobs: Sequence[Job]) -> frozenset[str]:
        """Ids of the jobs whose task is certainly still running. The others are unknown and have to be read one by one."""
        running: set[str] = set()
        for gateway, batch in _batches(jobs):
            found = self._running(gateway, batch)
            if found is None:
                # Another request to an unresponsive gateway would cost the sweep the same time again.
                break
            running |= found
        return frozenset(running)

    def _running(self, gateway: BatchReading, batch: Sequence[Job]) -> set[str] | None:
        """None when the gateway gave no usable answer."""
        first = batch[0]
        kinds = {job.task_id: job.kind for job in batch if job.task_id}
        try:
            self.calls.take_slot(first)
            request = gateway.batch_request([*kinds])
            reply = self.calls.send(first, self.calls.account(first), request, reply_seconds=REPLY_SECONDS)
        except (NoSlot, AccountUnusable, GatewayUnreachable) as error:
            telemetry.log.info("batch not read", gateway=first.gateway, tasks=len(kinds), reason=str(error))
            return None
        readings = gateway.read_batch(kinds, reply)
        if isinstance(readings, ReadFailed):
            return None
        by_job = {job.job_id: readings.get(job.task_id or "") for job in batch}
        return {job_id for job_id, each in by_job.items() if isinstance(each, TaskReport) and not each.status.ended}


def _batches(jobs: Sequence[Job]) -> Iterator[tuple[BatchReading, Sequence[Job]]]:
    """Jobs with a task at one gateway and account, at most as many as one request reads. A single job is not a batch."""
    groups: dict[tuple[str, str], list[Job]] = defaultdict(list)
    for job in jobs:
        if job.task_id and not job.done:
            groups[job.gateway, job.account].append(job)
    for (name, _), group in groups.items():
        gateway = GATEWAYS[name]
        if isinstance(gateway, BatchReading):
            for start in range(0, len(group), gateway.batch_size):
                if len(batch := group[start : start + gateway.batch_size]) > 1:
                    yield gateway, batch
