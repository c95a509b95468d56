"""The index of each tenant's jobs by the time of their creation.

Its keys never change, so a job costs one write unit in this index, at its creation. The index is eventually consistent: a job
is usually listed within a second. One tenant can create about a thousand jobs a second, since its jobs share one partition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from suno_jobs.jobs.listing import MAX_LIMIT, Listing, Position
from suno_jobs.jobs.record import Item, Job
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.deletions import is_tombstone
from suno_jobs.storage.table import JOB, Table, key


class JobList(Table):
    def page(self, tenant: str, listing: Listing, after: Position | None, size: int) -> tuple[list[Job], Position | None]:
        """Up to ``size`` (at most 100) jobs, newest first, in two reads; and where the next page begins, if there may be one.

        Filters are ignored.
        """
        if listing.earliest > listing.latest:
            return [], None
        start: Any = {"ExclusiveStartKey": pack(_index_key(tenant, after))} if after else {}
        answer = self._client.query(
            TableName=self._table,
            IndexName="tenant",
            KeyConditionExpression="tenant = :tenant AND created_at BETWEEN :earliest AND :latest",
            ExpressionAttributeValues=pack({":tenant": tenant, ":earliest": listing.earliest, ":latest": listing.latest}),
            ScanIndexForward=False,
            Limit=size,
            **start,
        )
        job_ids = [str(unpack(item)["pk"]).removeprefix("JOB#") for item in answer["Items"]]
        # Not the last job: that may have been deleted.
        last = unpack(answer["LastEvaluatedKey"]) if "LastEvaluatedKey" in answer else None
        end = Position(last["created_at"], last["pk"].removeprefix("JOB#")) if last else None
        return self._read(job_ids), end

    def every_job(self, tenant: str) -> Iterator[Job]:
        """Newest first. Jobs that are created meanwhile are not among them."""
        after: Position | None = None
        while True:
            jobs, after = self.page(tenant, Listing(), after, MAX_LIMIT)
            yield from jobs
            if after is None:
                return

    def _read(self, job_ids: Sequence[str]) -> list[Job]:
        """In the order of the ids. Deleted jobs, which the index may still contain for a moment, are left out."""
        keys = [pack(key(job_id, JOB)) for job_id in job_ids]
        found: dict[str, Item] = {}
        if keys:
            answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}})
            found = {item["pk"]: item for item in map(unpack, answer["Responses"][self._table])}
            # What was throttled is read one by one, which boto3 repeats with a backoff.
            unprocessed: Any = answer.get("UnprocessedKeys", {}).get(self._table, {"Keys": []})
            for missed in unprocessed["Keys"]:
                if item := self._get(unpack(missed)):
                    found[item["pk"]] = item
        items = [found[name] for job_id in job_ids if (name := key(job_id, JOB)["pk"]) in found]
        return [Job.from_item(item) for item in items if not is_tombstone(item)]


def _index_key(tenant: str, position: Position) -> Item:
    return {"tenant": tenant, "created_at": position.created_at, **key(position.job_id, JOB)}
