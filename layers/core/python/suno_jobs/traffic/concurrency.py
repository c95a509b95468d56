"""The tasks in flight at a gateway account, and the limit on them that its refusals reveal.

Each task in flight is an item of its own, which ends with the task, or at the latest with its job's deadline: so no crash can
leak one, and there is no count that could be wrong. A task whose function died before it was counted is counted when it is
read as running. They are counted only where a limit is known.

The limit of an account is set in the accounts secret (``max_tasks``), or learned. A refusal for now is evidence of one, if it
is the job's first and a task of its tenant is in flight. Therefore a request that is always refused proves nothing. At
the limit, one submission may be sent above it every ``PROBE_SECONDS``. If it is accepted, the limit grows by half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.storage.update_expressions import Change
from suno_jobs.traffic.account_items import AccountItems, Item

if TYPE_CHECKING:
    from suno_jobs.jobs.record import Job

TASK = "TASK#"
LIMIT = "LIMIT"
PROBE_SECONDS = 20
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Room:
    """How many more tasks the account takes; None: no limit is known. ``probe_at`` is set if that is a probe above the limit.

    ``tasks`` are in flight. ``next_probe_in`` is set if there is no room now, but a probe may be sent in so many seconds.
    """

    free: int | None = None
    tasks: int = 0
    limit: int | None = None
    probe_at: int | None = None
    next_probe_in: int | None = None


@dataclass(frozen=True, slots=True)
class Concurrency:
    items: AccountItems

    def room(self, job: Job, max_tasks: int | None, *, now: int) -> Room:
        learned = self.items.get(job, LIMIT)
        limit = max_tasks or learned.get("tasks")
        if limit is None:
            return Room()
        tasks = len(self._tasks(job, now))
        if tasks < limit or max_tasks:
            return Room(max(0, limit - tasks), tasks, limit)
        if learned["probe_at"] > now:
            return Room(0, tasks, limit, next_probe_in=learned["probe_at"] - now)
        return Room(1, tasks, limit, learned["probe_at"])

    def begin(self, job: Job, room: Room, *, now: int) -> bool:
        """Counts the job's task from now on, if there is a limit. False: another job is the probe above the limit."""
        if room.probe_at is not None:
            probe = Change(sets={"probe_at": now + PROBE_SECONDS, "probe": job.job_id})
            if self.items.change(job, LIMIT, probe.require("#probe_at = :seen", "probe_at", seen=room.probe_at)) is None:
                return False
        if room.limit is not None:
            self._write(job, accepted=False)
        return True

    def withdraw(self, job: Job, room: Room) -> None:
        """Takes back what ``begin`` did for a task that was not submitted."""
        if room.limit is not None:
            self.end(job)
        if room.probe_at is not None:
            back = Change(sets={"probe_at": room.probe_at}, removes=("probe",))
            self.items.change(job, LIMIT, back.require("#probe = :mine", "probe", mine=job.job_id))

    def end(self, job: Job) -> None:
        """May be repeated, and called for a task that was never counted."""
        self.items.delete(job, f"{TASK}{job.job_id}")

    def accepted(self, job: Job, room: Room) -> None:
        """Raises a limit that this task has disproved."""
        self._write(job, accepted=True)
        if room.probe_at is not None and room.limit is not None:
            raised = Change(sets={"tasks": max(room.tasks + 1, room.limit * 3 // 2)})
            self.items.change(job, LIMIT, raised.require("#tasks = :seen", "tasks", seen=room.limit))

    def lost(self, job: Job, *, until: int) -> None:
        """Counts a task that may have been created until then. If its callback arrives, it is ``found``."""
        self._write(job, accepted=False, until=until)

    def found(self, job: Job) -> None:
        """Counts a running task. It is not counted yet if its answer was lost, or if its function died too early."""
        if not self.items.get(job, f"{TASK}{job.job_id}").get("accepted"):
            self._write(job, accepted=True)

    def refused(self, job: Job, fault: Fault, *, now: int) -> None:
        """Learns from a refusal; ``job`` is as it was before that."""
        known = job.fault is not None and job.fault.code is ErrorCode.RATE_LIMITED
        if known or fault.code is not ErrorCode.RATE_LIMITED:
            return
        tasks = [task for task in self._tasks(job, now) if task["sk"] != f"{TASK}{job.job_id}"]
        if any(task["tenant"] == job.tenant and task["accepted"] for task in tasks):
            learned = Change(sets={"tasks": len(tasks), "probe_at": now + PROBE_SECONDS})
            learned.require("attribute_not_exists(#tasks) OR #tasks > :tasks", "tasks", tasks=len(tasks))
            self.items.change(job, LIMIT, learned)

    def _write(self, job: Job, *, accepted: bool, until: int | None = None) -> None:
        until = until or job.deadline_at
        task = {"tenant": job.tenant, "accepted": accepted, "until": until, "expires_at": until + DAY_SECONDS}
        self.items.change(job, f"{TASK}{job.job_id}", Change(sets=task))

    def _tasks(self, job: Job, now: int) -> list[Item]:
        return [task for task in self.items.find(job, TASK) if task["until"] > now]
