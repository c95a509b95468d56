"""Deleting a job: a tombstone takes the place of its record, then everything else in its partition is removed.

A tombstone has no state, and every write to a job requires one. It has a signal, so no execution can wait for the job. It stays
in the due index until the content has been erased a second time, when no function that knew the job can still be running. If
the job may have a task that it does not know, it stays there as long as a gateway may keep the task's files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

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
"""The attributes of a tombstone whose job may have a task that it did not know."""

Deleted = Literal["DELETED"]
DELETED: Final = "DELETED"
"""What a step returns that found a tombstone in place of its job."""


@dataclass(frozen=True, slots=True)
class UnknownTask:
    """A task that a job may have and does not know, and until when its gateway may keep the files (seconds since 1970).

    ``gateway`` and ``account`` are where it was submitted; None: at any.
    """

    gateway: str | None
    account: str | None
    until: int

    def may_be_at(self, gateway: str, account: str) -> bool:
        return self.gateway in (None, gateway) and self.account in (None, account)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What remains of a deleted job. Its id is derived from the Idempotency-Key, so the key stays used."""

    job_id: str
    tenant: str
    deleted_at: int
    unknown_task: UnknownTask | None = None

    @classmethod
    def from_item(cls, item: Item) -> Self:
        gateway, account, until = (item.get(name) for name in UNKNOWN_TASK)
        unknown = UnknownTask(gateway, account, until) if until else None
        return cls(item["pk"].removeprefix("JOB#"), item["tenant"], item["deleted_at"], unknown)


def is_tombstone(item: Item) -> bool:
    return "deleted_at" in item


class DeletionStore(Table):
    """Each method may be repeated."""

    def tombstone(self, job_id: str) -> Tombstone | None:
        item = self._get(key(job_id, JOB))
        return Tombstone.from_item(item) if item and is_tombstone(item) else None

    def place_tombstone(self, job: Job, unknown_task: UnknownTask | None, *, now: int) -> Tombstone:
        """Replaces the record of an ended job, in one conditional write.

        Conflict: it has not ended, or is deleted already, or since ``job`` was read a callback came that names another task.
        """
        item = key(job.job_id, JOB) | {"tenant": job.tenant, "deleted_at": now, "signalled": Cause.CLIENT}
        item |= due(job.job_id, now + ERASE_AGAIN_SECONDS)
        if unknown_task and now < unknown_task.until:
            values = zip(UNKNOWN_TASK, (unknown_task.gateway, unknown_task.account, unknown_task.until), strict=True)
            item |= {name: value for name, value in values if value is not None}
        ended = Change().require_one_of("state", TERMINAL).require_as_read("unread_callbacks", job.unread_callbacks)
        arguments: Any = {"TableName": self._table, "Item": pack(item), **ended.arguments()}
        # A replacement has conditions only.
        del arguments["UpdateExpression"]
        try:
            self._repeated(lambda: self._client.put_item(**arguments))
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise Conflict("the job has changed") from error
        return Tombstone.from_item(item)

    def erase_items(self, job_id: str) -> None:
        """Deletes every item of the job except the tombstone."""
        for item_key in [each for each in self._keys(job_id) if each["sk"] != JOB]:
            self._client.delete_item(TableName=self._table, Key=pack(item_key))

    def end_deletion(self, tombstone: Tombstone, *, now: int) -> None:
        """Records that nothing of the job is left to erase: its tombstone leaves the due index once no task is unknown."""
        until = tombstone.unknown_task.until if tombstone.unknown_task else None
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
