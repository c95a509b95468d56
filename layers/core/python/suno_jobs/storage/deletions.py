"""Deleting a job: a tombstone takes the place of its record, then everything else in its partition is removed.

A tombstone has no state, and every write to a job requires one. It has a signal, so no execution can wait for the job. It stays
in the due index until the content has been erased a second time, when no function that knew the job can still be running. If
the task of a submission is unknown, it stays there as long as the gateway may keep the task's files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, Self

from suno_jobs.errors import Conflict
from suno_jobs.jobs.record import Item, Job
from suno_jobs.jobs.states import TERMINAL, Cause
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.due_index import NOT_DUE, due
from suno_jobs.storage.table import JOB, Table, key
from suno_jobs.storage.update_expressions import Change

ERASE_AGAIN_SECONDS = 420
"""After this, no function that read the job before its deletion is still running, and no upload of one is still in progress."""

UNKNOWN_TASK = ("gateway", "account", "unknown_until")
"""The attributes of a tombstone whose job may have a task that is not known."""

Deleted = Literal["DELETED"]
DELETED: Final = "DELETED"
"""What a step returns that found a tombstone in place of its job."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What remains of a deleted job. Its id is derived from the Idempotency-Key, so the key stays used.

    ``gateway`` and ``account`` are those of a submission that may have created an unknown task, until ``unknown_until``.
    """

    job_id: str
    tenant: str
    deleted_at: int
    gateway: str | None = None
    account: str | None = None
    unknown_until: int | None = None

    @classmethod
    def from_item(cls, item: Item) -> Self:
        known = {name: item.get(name) for name in UNKNOWN_TASK}
        return cls(item["pk"].removeprefix("JOB#"), item["tenant"], item["deleted_at"], **known)

    @property
    def lost(self) -> bool:
        """Whether the job may have a task that is not known."""
        return self.unknown_until is not None


def is_tombstone(item: Item) -> bool:
    return "deleted_at" in item


class DeletionStore(Table):
    """Each method may be repeated."""

    def tombstone(self, job_id: str) -> Tombstone | None:
        item = self._get(key(job_id, JOB))
        return Tombstone.from_item(item) if item and is_tombstone(item) else None

    def place_tombstone(self, job: Job, *, now: int) -> Tombstone:
        """Replaces the record of an ended job, in one conditional write. Conflict: it has not ended, or is deleted already."""
        ended = {f":state_{number}": state for number, state in enumerate(sorted(TERMINAL))}
        item = key(job.job_id, JOB) | {"tenant": job.tenant, "deleted_at": now, "signalled": Cause.CLIENT}
        item |= due(job.job_id, now + ERASE_AGAIN_SECONDS)
        if job.lost and now < job.tasks_kept_until:
            item |= {"gateway": job.gateway, "account": job.account, "unknown_until": job.tasks_kept_until}
        try:
            self._repeated(
                lambda: self._client.put_item(
                    TableName=self._table,
                    Item=pack(item),
                    ConditionExpression=f"#state IN ({', '.join(ended)})",
                    ExpressionAttributeNames={"#state": "state"},
                    ExpressionAttributeValues=pack(ended),
                )
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise Conflict("the job has changed") from error
        return Tombstone.from_item(item)

    def erase_items(self, job_id: str) -> None:
        """Deletes every item of the job except the tombstone."""
        for item_key in [each for each in self._keys(job_id) if each["sk"] != JOB]:
            self._client.delete_item(TableName=self._table, Key=pack(item_key))

    def end_deletion(self, tombstone: Tombstone, *, now: int) -> None:
        """Records that nothing of the job is left to erase: its tombstone leaves the due index once no task is unknown."""
        until = tombstone.unknown_until
        change = Change(sets={"due_at": until}) if until and now < until else Change(removes=(*NOT_DUE, *UNKNOWN_TASK))
        change.require("#deleted_at = :deleted_at", "deleted_at", deleted_at=tombstone.deleted_at)
        self._unless_conflict_at(key(tombstone.job_id, JOB), change)

    def _keys(self, job_id: str) -> Iterator[Item]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=pack({":pk": key(job_id, "")["pk"]}),
            ConsistentRead=True,
        )
        for page in pages:
            for item in map(unpack, page["Items"]):
                yield {"pk": item["pk"], "sk": item["sk"]}
