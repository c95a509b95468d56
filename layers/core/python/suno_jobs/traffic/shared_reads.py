"""One request reads the tasks of many jobs, where a gateway has such requests, and serves every job that polls there.

A job that polls reads the tasks of other polling jobs along with its own, and marks those that are still running. Their jobs
then need no request for a while. A task that has ended is read by its own job, since only that reply belongs in its receipts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode, Fault, GatewayUnreachable
from suno_jobs.gateways.protocol import BatchReading, ReadFailed, TaskReport, TaskStatus
from suno_jobs.gateways.registry import gateway_of
from suno_jobs.jobs.states import Cause
from suno_jobs.storage.update_expressions import Change
from suno_jobs.traffic.account_items import Item
from suno_jobs.traffic.accounts import AccountUnusable
from suno_jobs.traffic.batch_reads import REPLY_SECONDS
from suno_jobs.traffic.calls import GatewayCalls
from suno_jobs.traffic.concurrency import TASK

if TYPE_CHECKING:
    from suno_jobs.jobs.record import Job

FRESH_SECONDS = 15
"""How long a task counts as running after it was read: less than the shortest polling interval."""

SCANNED = 200
"""So many tasks in flight are searched for those of other polling jobs."""


@dataclass(frozen=True, slots=True)
class SharedReads:
    calls: GatewayCalls

    def read_running(self, job: Job, task_id: str) -> TaskReport | ReadFailed | None:
        """A report of the task, which was certainly running a moment ago. None: the job has to read it. Raises NoSlot.

        If the gateway wants no request now, the job does not read its task either: ReadFailed. A job that was woken, or that is
        at its deadline, always reads its task itself.
        """
        gateway, now = gateway_of(job), int(self.calls.clock())
        if not isinstance(gateway, BatchReading) or job.cause is not Cause.POLL or job.terminal or now >= job.deadline_at:
            return None
        own = self.calls.concurrency.items.get(job, f"{TASK}{job.job_id}")
        if own.get("task") == task_id and own["running_at"] + FRESH_SECONDS > now:
            return TaskReport(TaskStatus.PENDING)
        others = self._other_tasks(job, gateway.batch_size - 1, now)
        if not others:
            return None
        known = {each["task"]: Kind(each["kind"]) for each in others.values() if each["kind"] in set(Kind)}
        running = self._read(job, gateway, {task_id: job.kind, **known})
        if isinstance(running, ReadFailed):
            return running
        for sort, each in others.items():
            if each["task"] in running:
                self._mark(job, sort, {"running_at": now})
        if task_id in running:
            self.mark_running(job, task_id)
        return running.get(task_id)

    def mark_running(self, job: Job, task_id: str) -> None:
        """The task was running just now. Jobs that do not poll are not read along with others."""
        if isinstance(gateway_of(job), BatchReading) and job.cause is Cause.POLL:
            known = {"running_at": int(self.calls.clock()), "task": task_id, "kind": job.kind}
            self._mark(job, f"{TASK}{job.job_id}", known)

    def _other_tasks(self, job: Job, most: int, now: int) -> dict[str, Item]:
        found = islice(self.calls.concurrency.items.find(job, TASK), SCANNED)
        stale = (
            each
            for each in found
            if each["sk"] != f"{TASK}{job.job_id}"
            and each["until"] > now
            and each.get("running_at", now) + FRESH_SECONDS <= now
        )
        return {each["sk"]: each for each in islice(stale, most)}

    def _read(self, job: Job, gateway: BatchReading, kinds: dict[str, Kind]) -> dict[str, TaskReport] | ReadFailed:
        """The reports of those that are certainly running. A status that is unknown belongs in the receipts of its own job.

        ReadFailed: the gateway wants no request now. After any other failure there are no reports.
        """
        try:
            account = self.calls.account(job)
            self.calls.take_slot(job)
            reply = self.calls.send(job, account, gateway.batch_request([*kinds]), reply_seconds=REPLY_SECONDS)
        except AccountUnusable:
            return {}
        except GatewayUnreachable as error:
            self.calls.record_outcome(job, Fault(ErrorCode.GATEWAY_ERROR, str(error), retryable=True))
            return {}
        readings = gateway.read_batch(kinds, reply)
        if isinstance(readings, ReadFailed):
            self.calls.record_outcome(job, readings.fault)
            return readings if readings.for_now else {}
        self.calls.record_outcome(job, None)
        reports = {task: each for task, each in readings.items() if isinstance(each, TaskReport)}
        return {task: each for task, each in reports.items() if not (each.status.ended or each.unknown_statuses)}

    def _mark(self, job: Job, sort: str, known: Item) -> None:
        """A task that has ended meanwhile is gone and stays so."""
        self.calls.concurrency.items.change(job, sort, Change(sets=known).require("attribute_exists(#until)", "until"))
