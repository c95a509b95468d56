"""The table in memory, for hundreds of thousands of jobs."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from suno_jobs.runtime.aws import WORK
from suno_jobs.storage.attribute_values import unpack
from suno_jobs.traffic.account_items import AccountItems
from tests.simulation.aws_table import DynamoDb, Index, Table, aws_error
from tests.simulation.expressions import Item
from tests.world import JOBS_TABLE, TABLE

WRITES_PER_SECOND = 1000
"""What one partition of DynamoDB takes, and so one item."""

ATTEMPTS: int = vars(WORK)["retries"]["total_max_attempts"]
"""How often the client sends a throttled request."""

SHARED = ("BUDGET#", "QUEUE#")
"""The partitions that all jobs at an account write to."""

PAGE = 100
"""So many items are read at once."""


class SortedTable(Table):
    """Keeps the keys of the long partitions in order: the shared ones, and those of the index of due work."""

    def __init__(self, keys: Index, indexes: Mapping[str, Index]) -> None:
        Table.__init__(self, keys, indexes)
        self.shared: dict[str, list[str]] = {}
        self.due: dict[str, list[tuple[int, str]]] = {}
        self._unpacked: dict[tuple[str, str], dict[str, Any]] = {}

    def put(self, item: Item) -> None:
        first, second = item["pk"]["S"], item["sk"]["S"]
        partition = self.items.setdefault(first, {})
        old = partition.get(second, {})
        if not old and first.startswith(SHARED):
            bisect.insort(self.shared.setdefault(first, []), second)
        if (was := _due(old)) != (becomes := _due(item)):
            self._move(was, becomes)
        partition[second] = item
        self._unpacked.pop((first, second), None)

    def delete(self, key: tuple[str, Any]) -> None:
        if self.items.get(key[0], {}).pop(key[1], None) and key[0].startswith(SHARED):
            keys = self.shared[key[0]]
            del keys[bisect.bisect_left(keys, key[1])]
            self._unpacked.pop(key, None)

    def keys_after(self, partition: str, prefix: str, after: str = "") -> list[str]:
        """The next sort keys of a shared partition that begin with the prefix, in order, as they are now, but at most PAGE."""
        keys = self.shared.get(partition, [])
        first = bisect.bisect_right(keys, after) if after else bisect.bisect_left(keys, prefix)
        return keys[first : min(first + PAGE, bisect.bisect_left(keys, f"{prefix}~", first))]

    def unpacked(self, partition: str, sort: str) -> dict[str, Any]:
        """A shared item, which must not be changed. The head of the queue is read again and again."""
        found = self._unpacked.get((partition, sort))
        if found is None:
            found = self._unpacked[partition, sort] = unpack(self.items[partition][sort])
        return found

    def forget(self, first: str) -> None:
        """Removes a partition that nothing reads any more, so that the memory is that of the jobs at work."""
        del self.items[first]

    def _move(self, was: tuple[str, int, str] | None, becomes: tuple[str, int, str] | None) -> None:
        if was:
            shard = self.due[was[0]]
            del shard[bisect.bisect_left(shard, was[1:])]
        if becomes:
            bisect.insort(self.due.setdefault(becomes[0], []), becomes[1:])


def _due(item: Item) -> tuple[str, int, str] | None:
    return (item["due_shard"]["S"], int(item["due_at"]["N"]), item["pk"]["S"]) if "due_at" in item else None


class FleetTable(DynamoDb):
    """Counts writes, and throttles those to a shared partition above what it takes. Queries read only what they return."""

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], None], random: Random) -> None:
        super().__init__({})
        plain = Table.of(JOBS_TABLE)
        self.jobs = SortedTable(plain.keys, plain.indexes)
        self.tables[TABLE] = self.jobs
        self.writes = 0
        self.hottest = self.partition = 0
        self._items: Counter[tuple[str, int]] = Counter()
        self._partitions: Counter[tuple[str, int]] = Counter()
        self._clock, self._sleep, self._random = clock, sleep, random

    def update_item(self, *, TableName: str, Key: Item, ReturnValues: str = "NONE", **arguments: Any) -> dict[str, Any]:  # noqa: N803
        self._count(Key)
        return super().update_item(TableName=TableName, Key=Key, ReturnValues=ReturnValues, **arguments)

    def delete_item(self, *, TableName: str, Key: Item) -> dict[str, Any]:  # noqa: N803
        self._count(Key)
        return super().delete_item(TableName=TableName, Key=Key)

    def _count(self, item_key: Item) -> None:
        self.writes += 1
        partition = item_key["pk"]["S"]
        if not partition.startswith(SHARED):
            return
        second = self._admitted(partition)
        self._partitions[partition, second] += 1
        self.partition = max(self.partition, self._partitions[partition, second])
        item = item_key["sk"]["S"], second
        self._items[item] += 1
        self.hottest = max(self.hottest, self._items[item])
        if len(self._items) > 100_000:
            self._items = Counter({each: count for each, count in self._items.items() if each[1] > second - 60})

    def _admitted(self, partition: str) -> int:
        """The second in which the partition takes the write, after the retries of the client."""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(self._random.uniform(0, 2 ** (attempt - 1)))
            second = int(self._clock())
            if self._partitions[partition, second] < WRITES_PER_SECOND:
                return second
        raise aws_error("ProvisionedThroughputExceededException", "UpdateItem")

    def query(self, *, TableName: str, KeyConditionExpression: str, **arguments: Any) -> dict[str, Any]:  # noqa: N803
        if arguments.get("IndexName") != "due":
            return super().query(TableName=TableName, KeyConditionExpression=KeyConditionExpression, **arguments)
        values = arguments["ExpressionAttributeValues"]
        return self._query_due(values[":shard"]["S"], int(values[":now"]["N"]), arguments)

    def _query_due(self, shard: str, now: int, arguments: Mapping[str, Any]) -> dict[str, Any]:
        start = arguments.get("ExclusiveStartKey")
        entries = self.jobs.due.get(shard, [])
        first = bisect.bisect_right(entries, (int(start["due_at"]["N"]), start["pk"]["S"])) if start else 0
        found = [entry for entry in entries[first : first + arguments["Limit"]] if entry[0] <= now]
        items = [{"pk": {"S": pk}, "due_at": {"N": str(at)}} for at, pk in found]
        return {"Items": items, **({"LastEvaluatedKey": items[-1]} if len(found) == arguments["Limit"] else {})}


@dataclass(frozen=True, slots=True)
class FleetItems(AccountItems):
    """Finds items in pages, as DynamoDB does, but unpacks an item once only."""

    jobs: SortedTable

    def find_at(self, begin: dict[str, Any]) -> Iterator[dict[str, Any]]:
        partition, prefix, after = begin["pk"], begin["sk"], ""
        while page := self.jobs.keys_after(partition, prefix, after):
            after = page[-1]
            for sort in page:
                yield self.jobs.unpacked(partition, sort)

    def count_at(self, begin: dict[str, Any], attribute: str, *, above: int) -> int:
        return sum(each[attribute] > above for each in self.find_at(begin))
