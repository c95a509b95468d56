"""The items that all jobs at one gateway account share, in the partition ``BUDGET#{gateway}#{account}``.

RATE                    when the next request may leave: see ``rate_limiter``
LIMIT                   the learned limit on concurrent tasks: see ``concurrency``
TASK#{job_id}           one task in flight: see ``concurrency``

The jobs that wait to be submitted are in a partition of their own: see ``submission_queue``. A partition takes about 1000
writes a second, and thousands of jobs that begin to wait must not keep those whose turn it is from their slots.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.update_expressions import Change

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from suno_jobs.jobs.record import Job

Item = dict[str, Any]


class AtAccount(Protocol):
    """What concerns one gateway account: a job, or the account itself."""

    @property
    def gateway(self) -> str: ...

    @property
    def account(self) -> str: ...


@dataclass(frozen=True, slots=True)
class AccountId:
    gateway: str
    account: str


def account_key(gateway: str, account: str, sort: str) -> Item:
    return {"pk": f"BUDGET#{gateway}#{account}", "sk": sort}


@dataclass(frozen=True, slots=True)
class AccountItems:
    """Reads and conditional writes of single items, by the gateway and account of a job."""

    client: DynamoDBClient
    table: str

    def get(self, job: Job, sort: str) -> Item:
        """Empty if there is no such item."""
        return self.get_at(account_key(job.gateway, job.account, sort))

    def change(self, job: Job, sort: str, change: Change) -> Item | None:
        """The item after the change, or None if its condition did not hold."""
        return self.change_at(account_key(job.gateway, job.account, sort), change)

    def get_at(self, item_key: Item) -> Item:
        answer = self.client.get_item(TableName=self.table, Key=pack(item_key), ConsistentRead=True)
        return unpack(answer.get("Item", {}))

    def change_at(self, item_key: Item, change: Change) -> Item | None:
        try:
            answer = self.client.update_item(
                TableName=self.table, Key=pack(item_key), ReturnValues="ALL_NEW", **change.arguments()
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return None
        return unpack(answer["Attributes"])

    def delete(self, job: Job, sort: str) -> None:
        self.delete_at(account_key(job.gateway, job.account, sort))

    def delete_at(self, item_key: Item) -> None:
        self.client.delete_item(TableName=self.table, Key=pack(item_key))

    def find(self, job: Job, prefix: str) -> Iterator[Item]:
        """The items whose sort key begins with the prefix, in its order."""
        return self.find_at(account_key(job.gateway, job.account, prefix))

    def find_at(self, begin: Item) -> Iterator[Item]:
        """The items of that partition whose sort key begins like that of ``begin``."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=pack({":pk": begin["pk"], ":prefix": begin["sk"]}),
            ConsistentRead=True,
            PaginationConfig={"PageSize": 100},
        )
        for page in pages:
            yield from map(unpack, page["Items"])

    def count_at(self, begin: Item, attribute: str, *, above: int) -> int:
        """How many of those items have more than ``above`` in an attribute. Only the count is transferred."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            FilterExpression="#attribute > :above",
            ExpressionAttributeNames={"#attribute": attribute},
            ExpressionAttributeValues=pack({":pk": begin["pk"], ":prefix": begin["sk"], ":above": above}),
            Select="COUNT",
        )
        return sum(page["Count"] for page in pages)
