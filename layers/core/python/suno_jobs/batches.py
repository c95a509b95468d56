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

REPLY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class StillRunning:
    calls: GatewayCalls

    def __call__(self, jobs: Sequence[Job]) -> frozenset[str]:
        """Ids of those jobs whose task certainly still runs. Of all others nothing is said: they are looked at one by one."""
        running: set[str] = set()
        for gateway, batch in _batches(jobs):
            found = self._running(gateway, batch)
            if found is None:
                # What hangs or refuses now would cost the sweep as much time again.
                break
            running |= found
        return frozenset(running)

    def _running(self, gateway: BatchReading, batch: Sequence[Job]) -> set[str] | None:
        """None when the gateway did not answer the question."""
        first = batch[0]
        kinds = {job.task_id: job.kind for job in batch if job.task_id}
        try:
            self.calls.take_slot(first)
            request = gateway.batch_request([*kinds])
            reply = self.calls.send(first, self.calls.account(first), request, reply_seconds=REPLY_SECONDS)
        except (NoSlot, AccountUnusable, GatewayUnreachable) as error:
            telemetry.log.info("tasks not read together", gateway=first.gateway, tasks=len(kinds), reason=str(error))
            return None
        readings = gateway.read_batch(kinds, reply)
        if isinstance(readings, Unread):
            return None
        told = {job.job_id: readings.get(job.task_id or "") for job in batch}
        return {job_id for job_id, each in told.items() if isinstance(each, TaskReport) and each.status not in ENDED}


def _batches(jobs: Sequence[Job]) -> Iterator[tuple[BatchReading, Sequence[Job]]]:
    """Jobs with a task at one gateway and account, no more than are read at once. One alone is no batch."""
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
