"""Reading many tasks at once, where a gateway can: so that a sweep knows what still runs without waking anybody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from suno_jobs import telemetry
from suno_jobs.calls import AccountUnusable, GatewayCalls
from suno_jobs.errors import GatewayUnreachable, NoSlot
from suno_jobs.gateways import GATEWAYS
from suno_jobs.gateways.base import BatchReading, TaskReport, Unread
from suno_jobs.models import Job
from suno_jobs.reports import ENDED


@dataclass(frozen=True, slots=True)
class StillRunning:
    calls: GatewayCalls

    def __call__(self, jobs: Sequence[Job]) -> frozenset[str]:
        """Ids of those jobs whose task certainly still runs. Of all others nothing is said: they are looked at one by one."""
        return frozenset(job_id for batch in _batches(jobs) for job_id in self._running(batch))

    def _running(self, batch: Sequence[Job]) -> Iterator[str]:
        first = batch[0]
        gateway = GATEWAYS[first.gateway]
        if not isinstance(gateway, BatchReading):
            return
        kinds = {job.task_id: job.kind for job in batch if job.task_id}
        try:
            self.calls.take_slot(first)
            reply = self.calls.send(first, self.calls.account(first), gateway.batch_request([*kinds]))
        except (NoSlot, AccountUnusable, GatewayUnreachable) as error:
            telemetry.log.info("tasks not read together", gateway=first.gateway, tasks=len(kinds), reason=str(error))
            return
        readings = gateway.read_batch(kinds, reply)
        if isinstance(readings, Unread):
            return
        for job in batch:
            reading = readings.get(job.task_id or "")
            if isinstance(reading, TaskReport) and reading.status not in ENDED:
                yield job.job_id


def _batches(jobs: Sequence[Job]) -> Iterator[Sequence[Job]]:
    """Jobs with a task at one gateway and account, no more than are read at once. One alone is no batch."""
    groups: dict[tuple[str, str], list[Job]] = defaultdict(list)
    for job in jobs:
        if job.task_id and not job.done and isinstance(GATEWAYS[job.gateway], BatchReading):
            groups[job.gateway, job.account].append(job)
    for (name, _), group in groups.items():
        gateway = GATEWAYS[name]
        size = gateway.batch_size if isinstance(gateway, BatchReading) else 1
        for start in range(0, len(group), size):
            if len(batch := group[start : start + size]) > 1:
                yield batch
