"""The invariant of deleted jobs: nothing of a job's content remains, nothing appears after it, and nothing is paid again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from suno_jobs.jobs.identifiers import Mode
from suno_jobs.jobs.record import Job
from suno_jobs.storage.attribute_values import unpack
from tests.simulation.clock import Loop
from tests.simulation.expressions import Item
from tests.simulation.job_evidence import JobEvidence, order_token
from tests.simulation.lambdas import Invocation
from tests.simulation.paid_songs import at_most_one_payment
from tests.simulation.waiting_clients import REFUSED

if TYPE_CHECKING:
    from tests.simulation.world import World

REMAINS = {"pk", "sk", "tenant", "deleted_at", "signalled"}
"""The attributes of a tombstone: an id, whose job it was, when it was deleted, and what keeps an execution from waiting."""

UNKNOWN_TASK = {"gateway", "account", "unknown_until", "due_shard", "due_at"}
"""Those that it also has while a task of the job may be unknown, so that no other tenant adopts it."""

ERASES = frozenset({"DeleteJobFunction", "ReconcileJobsFunction"})
JOB_ID = re.compile(r"job_[0-9a-z]{26}")


@dataclass(frozen=True, slots=True)
class Deletion:
    """``item`` is the record that the tombstone replaced."""

    at: float
    item: Item


@dataclass(eq=False, slots=True)
class DeletionMonitor:
    """Watches every write to the table and to the buckets. ``broken`` has those past a tombstone."""

    loop: Loop
    deletions: dict[str, Deletion] = field(default_factory=dict)
    complete: set[str] = field(default_factory=set)
    broken: list[tuple[str, str]] = field(default_factory=list)

    def written(self, old: Item, new: Item) -> None:
        job_id, record = new["pk"]["S"].removeprefix("JOB#"), new.get("sk") == {"S": "JOB"}
        if record and "deleted_at" in new and "deleted_at" not in old:
            self.deletions[job_id] = Deletion(self.loop.now, old)
            if _kept_until(old) > self.loop.now and "unknown_until" not in new:
                self.broken.append((job_id, "isolation: its tombstone does not show that a task is unknown"))
        elif job_id in self.deletions:
            self._judge(job_id, new["sk"]["S"])
        if record and "deleted_at" in new and "deleted_at" in old:
            self.complete.add(job_id)

    def put(self, key: str) -> None:
        if (found := JOB_ID.search(key)) and found[0] in self.deletions:
            self._judge(found[0], key)

    def _judge(self, job_id: str, what: str) -> None:
        writer = self.loop.current.local
        if not isinstance(writer, Invocation):
            self.broken.append((job_id, f"an execution wrote {what} past the tombstone"))
        elif what == "JOB" and writer.function not in ERASES:
            self.broken.append((job_id, f"{writer.function} changed the tombstone"))
        elif what != "JOB" and writer.began > self.deletions[job_id].at:
            self.broken.append((job_id, f"{writer.function} began after the deletion and wrote {what}"))
        elif what != "JOB" and job_id in self.complete:
            self.broken.append((job_id, f"{writer.function} wrote {what} after everything was erased"))


def broken_deletions(world: World, tasks: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, str]]:
    yield from world.deletions.broken
    orders = {order.token: order for order in world.plan.orders}
    for job_id, deletion in world.deletions.deletions.items():
        for what in (*_remains(world, job_id), *_requests(world, job_id, deletion)):
            yield job_id, what
        order = orders[order_token(deletion.item)]
        for what in at_most_one_payment(JobEvidence(world, job_id, unpack(deletion.item), order, tasks[job_id])):
            yield job_id, what
    for job_id, action, status in world.client_actions:
        if action == "delete" and status == 204 and job_id not in world.deletions.deletions:
            yield job_id, "the API answered that the job is deleted, but it is not"
    yield from _lists(world)


def _kept_until(record: Item) -> float:
    """How long at least a gateway may keep the files of a task of the job that is not known."""
    job = Job.from_item(unpack(record))
    unknown = job.mode is Mode.LIVE and (job.lost or job.unread_callbacks)
    return job.deadline_at + job.file_terms.kept_seconds if unknown else -inf


def _remains(world: World, job_id: str) -> Iterator[str]:
    items = world.jobs_table.items[f"JOB#{job_id}"]
    if items.keys() != {"JOB"}:
        yield f"deleted, but still there: {sorted(items.keys() - {'JOB'})}"
    # A sweep removes them.
    until = float(items["JOB"].get("unknown_until", {"N": "-inf"})["N"]) + world.stack.schedules["ReconcileJobsFunction"]
    unknown = until > world.loop.now and _kept_until(world.deletions.deletions[job_id].item) > -inf
    if left := items["JOB"].keys() - REMAINS - (UNKNOWN_TASK if unknown else set()):
        yield f"the tombstone has {sorted(left)}"
    keys = {key for _, key in world.s3.objects} | {key for _, key, _ in world.s3.earlier}
    yield from (f"deleted, but {key} is still in its bucket" for key in keys if job_id in key)


def _requests(world: World, job_id: str, deletion: Deletion) -> Iterator[str]:
    token = order_token(deletion.item)
    if world.job_ids.get(token) != job_id:
        return  # a retry
    for asked, at, status in world.submissions:
        if asked == token and at > deletion.at and status not in (410, *REFUSED):
            yield f"the request was repeated after the deletion and answered {status}"


def _lists(world: World) -> Iterator[tuple[str, str]]:
    """No list has a job that was deleted before it was asked for. The last list has all others. Only jobs can be in a list."""
    deletions = world.deletions.deletions
    for item in world.jobs_table.all():
        if item.keys() >= {"tenant", "created_at"} and item["sk"] != {"S": "JOB"}:
            yield "", f"{item['pk']['S']} {item['sk']['S']} is in the list of the jobs of its tenant"
    for at, listed in world.lists:
        for job_id in listed:
            if job_id in deletions and deletions[job_id].at < at:
                yield job_id, "listed after its deletion"
    if world.lists and world.lists[-1][1] != set(world.jobs()) - deletions.keys():
        yield "", "the last list has not the jobs that there are"
