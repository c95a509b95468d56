"""The sparse index of due work: which jobs the sweep has to check, and from when."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from suno_jobs.jobs.record import Item
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.table import Table

DUE_SHARDS = 4
"""Partitions of the index: enough for thousands of index writes per second, few enough for a sweep to read them all."""

NOT_DUE = ("due_shard", "due_at")
"""The attributes that a job loses when it leaves the index."""

_END_OF_TIME = 10**12

Found = TypeVar("Found")


def due(job_id: str, at: int) -> Item:
    """The attributes that put a job into the index; ``at`` is in seconds since 1970."""
    return {"due_shard": f"DUE#{zlib.crc32(job_id.encode()) % DUE_SHARDS}", "due_at": at}


def in_turn(shards: Iterable[Iterator[Found]]) -> Iterator[Found]:
    """From each shard in turn, so that a backlog in one does not hide what is due in the others."""
    left = list(shards)
    while left:
        for shard in list(left):
            try:
                yield next(shard)
            except StopIteration:
                left.remove(shard)


class DueIndex(Table):
    def due_jobs(self, now: int) -> Iterator[tuple[str, int]]:
        """Ids of jobs whose due time has passed, and that time: from each shard in turn, the job that is longest overdue."""
        return in_turn(self._due_in(shard, now) for shard in range(DUE_SHARDS))

    def job_ids(self) -> Iterator[str]:
        """Ids of all jobs that still need something, whenever they are due."""
        return (job_id for job_id, _ in self.due_jobs(_END_OF_TIME))

    def _due_in(self, shard: int, now: int) -> Iterator[tuple[str, int]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="due",
            KeyConditionExpression="due_shard = :shard AND due_at <= :now",
            ExpressionAttributeValues=pack({":shard": f"DUE#{shard}", ":now": now}),
            PaginationConfig={"PageSize": 50},
        )
        for page in pages:
            for item in map(unpack, page["Items"]):
                yield str(item["pk"]).removeprefix("JOB#"), item["due_at"]
