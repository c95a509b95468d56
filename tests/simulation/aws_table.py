"""DynamoDB in memory, with the interface of boto3's client: the operations that the product calls, and the service's errors.

Every call is atomic, so it may also be used from many threads. ``test_aws_table.py`` compares it with moto.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from tests.simulation.expressions import ExpressionError, Item, Scope, Update, plain, read_condition, read_update

Answer = dict[str, Any]


class ConditionalCheckFailedException(ClientError):
    pass


class TransactionCanceledException(ClientError):
    pass


class TransactionConflictException(ClientError):
    pass


class ResourceNotFoundException(ClientError):
    pass


def aws_error(kind: type[ClientError] | str, operation: str, message: str = "", **members: Any) -> ClientError:
    """As botocore raises it; a string is the code of an error that has no class of its own."""
    code = kind if isinstance(kind, str) else kind.__name__
    exception = ClientError if isinstance(kind, str) else kind
    response: Any = {"Error": {"Code": code, "Message": message}, **members}
    return exception(response, operation)


class Exceptions:
    """``client.exceptions``."""

    ClientError = ClientError
    ConditionalCheckFailedException = ConditionalCheckFailedException
    TransactionCanceledException = TransactionCanceledException
    TransactionConflictException = TransactionConflictException
    ResourceNotFoundException = ResourceNotFoundException


@dataclass(frozen=True, slots=True)
class Index:
    """``keys_only``: it contains only keys (projection KEYS_ONLY)."""

    hash: str
    range: str | None
    keys_only: bool = False


@dataclass(slots=True)
class Table:
    """The items of one table by their keys. An item is never changed but replaced; ``on_write`` gets the old and the new one.

    ``index_is_stale`` is called for each item when an index is read: whether the index still has the previous version.
    """

    keys: Index
    indexes: Mapping[str, Index]
    items: dict[str, dict[Any, Item]] = field(default_factory=dict)
    on_write: Callable[[Item, Item], None] = lambda _old, _new: None
    index_is_stale: Callable[[], bool] = lambda: False
    _before: dict[tuple[str, Any], Item] = field(default_factory=dict)

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> Table:
        """From the arguments of CreateTable."""
        indexes = {each["IndexName"]: _index(each) for each in definition.get("GlobalSecondaryIndexes", ())}
        return cls(_index(definition), indexes)

    def key(self, item: Item) -> tuple[str, Any]:
        try:
            return item[self.keys.hash]["S"], item[self.keys.range]["S"] if self.keys.range else None
        except KeyError:
            raise ExpressionError("The provided key element does not match the schema") from None

    def get(self, key: tuple[str, Any]) -> Item | None:
        return self.items.get(key[0], {}).get(key[1])

    def put(self, item: Item) -> None:
        first, second = self.key(item)
        partition = self.items.setdefault(first, {})
        old, partition[second] = partition.get(second, {}), item
        self._before[first, second] = old
        self.on_write(old, item)

    def delete(self, key: tuple[str, Any]) -> None:
        self.items.get(key[0], {}).pop(key[1], None)

    def all(self) -> Iterator[Item]:
        for partition in self.items.values():
            yield from partition.values()

    def partition(self, index: Index, value: str) -> list[Item]:
        """The items of one partition in the order of the range key."""
        if index is self.keys:
            partition = self.items.get(value, {})
            return [partition[key] for key in sorted(partition)]
        indexed = (self._before[self.key(item)] if self.index_is_stale() else item for item in self.all())
        items = (item for item in indexed if index.hash in item and item[index.hash]["S"] == value and index.range in item)
        return sorted(items, key=lambda item: self.place(index, item))

    def place(self, index: Index, item: Item) -> tuple[Any, ...]:
        """The sort position of an item in a partition."""
        return (plain(item[index.range])[1] if index.range else "", *self.key(item))


def _index(definition: Mapping[str, Any]) -> Index:
    names = {each["KeyType"]: each["AttributeName"] for each in definition["KeySchema"]}
    projection = definition.get("Projection", {}).get("ProjectionType", "ALL")
    if projection not in ("ALL", "KEYS_ONLY"):
        raise NotImplementedError(f"projection {projection}")
    return Index(names["HASH"], names.get("RANGE"), projection == "KEYS_ONLY")


@dataclass(frozen=True, slots=True)
class Write:
    """One conditional write: ``change`` makes the new item from the old one; None only checks the condition."""

    table: Table
    key: tuple[str, Any]
    condition: Callable[[Scope], bool] | None
    change: Callable[[Scope], Item] | None
    values: Mapping[str, Any]

    @property
    def old(self) -> Item:
        return self.table.get(self.key) or {}

    def holds(self) -> bool:
        return self.condition is None or self.condition(self._scope(self.old))

    def apply(self) -> Item:
        if self.change is None:
            return self.old
        new = self.change(self._scope(self.old or self._new_item()))
        self.table.put(new)
        return new

    def _new_item(self) -> Item:
        names = [name for name in (self.table.keys.hash, self.table.keys.range) if name]
        return {name: {"S": part} for name, part in zip(names, self.key, strict=False)}

    def _scope(self, item: Item) -> Scope:
        return Scope(item, self.values)


class DynamoDb:
    """``tables`` are the arguments of CreateTable by table name."""

    exceptions = Exceptions

    def __init__(self, tables: Mapping[str, Mapping[str, Any]]) -> None:
        self.tables = {name: Table.of(definition) for name, definition in tables.items()}
        self._lock = threading.RLock()

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool = False) -> Answer:  # noqa: ARG002
        with self._lock, _validated("GetItem"):
            table = self._table(TableName)
            item = table.get(table.key(Key))
            return {"Item": dict(item)} if item else {}

    def batch_get_item(self, *, RequestItems: Mapping[str, Mapping[str, Any]]) -> Answer:
        found = {
            name: [answer["Item"] for key in asked["Keys"] if (answer := self.get_item(TableName=name, Key=key))]
            for name, asked in RequestItems.items()
        }
        return {"Responses": found, "UnprocessedKeys": {}}

    def put_item(self, *, TableName: str, Item: Item, ReturnValues: str = "NONE", **arguments: Any) -> Answer:
        with self._lock, _validated("PutItem"):
            write = self._put(TableName, Item, arguments)
            old = write.old
            self._conditional(write, "PutItem", arguments)
            return {"Attributes": dict(old)} if ReturnValues == "ALL_OLD" and old else {}

    def update_item(self, *, TableName: str, Key: Item, ReturnValues: str = "NONE", **arguments: Any) -> Answer:
        with self._lock, _validated("UpdateItem"):
            write = self._update(TableName, Key, arguments)
            old = write.old
            new = self._conditional(write, "UpdateItem", arguments)
            if ReturnValues == "NONE" or (ReturnValues == "ALL_OLD" and not old):
                return {}
            return {"Attributes": dict({"ALL_OLD": old, "ALL_NEW": new}[ReturnValues])}

    def delete_item(self, *, TableName: str, Key: Item) -> Answer:
        """Without a condition, as the product calls it."""
        with self._lock, _validated("DeleteItem"):
            table = self._table(TableName)
            table.delete(table.key(Key))
            return {}

    def query(self, *, TableName: str, KeyConditionExpression: str, **arguments: Any) -> Answer:
        """The hash key must be compared with ``=`` first, as the product does; the rest is about the range key."""
        with self._lock, _validated("Query"):
            table = self._table(TableName)
            index = table.indexes[arguments["IndexName"]] if "IndexName" in arguments else table.keys
            names, values = _placeholders(arguments)
            text = arguments.get("FilterExpression")
            wanted, of_filter = read_condition(text, tuple(names.items())) if text else (None, frozenset())
            _condition(arguments, KeyConditionExpression, also=of_filter)
            of_partition, _, of_range = KeyConditionExpression.partition(" AND ")
            left, _, right = of_partition.split()
            if names.get(left, left) != index.hash:
                raise ExpressionError("Query condition missed key schema element")
            _check_bounds(of_range, values)
            items = table.partition(index, values[right]["S"])
            condition = read_condition(of_range, tuple(names.items()))[0] if of_range else None
            found = [item for item in items if condition is None or condition(Scope(item, values))]
            page = _page(table, index, found, arguments)
            page["Items"] = [item for item in page["Items"] if wanted is None or wanted(Scope(item, values))]
            page["Count"] = len(page["Items"])
            if arguments.get("Select") == "COUNT":
                del page["Items"]
            return page

    def scan(self, *, TableName: str) -> Answer:
        """All items. Only tests read them so; the product has no permission for it."""
        with self._lock:
            found = [dict(item) for item in self._table(TableName).all()]
        return {"Items": found, "Count": len(found)}

    def get_paginator(self, operation: str) -> Paginator:
        return Paginator(getattr(self, operation))

    def transact_write_items(self, *, TransactItems: Sequence[Mapping[str, Any]]) -> Answer:
        with self._lock, _validated("TransactWriteItems"):
            writes = [self._part(name, given) for part in TransactItems for name, given in part.items()]
            if len({(id(write.table), write.key) for write in writes}) < len(writes):
                raise ExpressionError("Transaction request cannot include multiple operations on one item")
            if not all(write.holds() for write in writes):
                reasons = [{"Code": "None"} if write.holds() else {"Code": "ConditionalCheckFailed"} for write in writes]
                text = f"Transaction cancelled, see reasons [{', '.join(reason['Code'] for reason in reasons)}]"
                raise aws_error(TransactionCanceledException, "TransactWriteItems", text, CancellationReasons=reasons)
            for write in writes:
                write.apply()
            return {}

    def _table(self, name: str) -> Table:
        if name not in self.tables:
            raise aws_error(ResourceNotFoundException, "DynamoDB", "Requested resource not found")
        return self.tables[name]

    def _part(self, name: str, given: Mapping[str, Any]) -> Write:
        arguments = dict(given)
        table = arguments.pop("TableName")
        match name:
            case "Put":
                return self._put(table, arguments.pop("Item"), arguments)
            case "Update":
                return self._update(table, arguments.pop("Key"), arguments)
            case "ConditionCheck":
                key = self._table(table).key(arguments.pop("Key"))
                condition = _condition(arguments)
                return Write(self._table(table), key, condition, None, _placeholders(arguments)[1])
        raise NotImplementedError(f"{name} in a transaction")

    def _put(self, name: str, item: Item, arguments: Mapping[str, Any]) -> Write:
        table, kept = self._table(name), dict(item)
        condition = _condition(arguments)
        return Write(table, table.key(item), condition, lambda _: kept, _placeholders(arguments)[1])

    def _update(self, name: str, key: Item, arguments: Mapping[str, Any]) -> Write:
        table = self._table(name)
        names, values = _placeholders(arguments)
        update, used = read_update(arguments["UpdateExpression"], tuple(names.items()))
        condition = _condition(arguments, also=used)
        _check_no_key(table, update)
        return Write(table, table.key(key), condition, update.apply, values)

    def _conditional(self, write: Write, operation: str, arguments: Mapping[str, Any]) -> Item:
        if write.holds():
            return write.apply()
        shown = arguments.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and write.old
        message = "The conditional request failed"
        raise aws_error(ConditionalCheckFailedException, operation, message, **({"Item": dict(write.old)} if shown else {}))


@dataclass(frozen=True, slots=True)
class Paginator:
    """``get_paginator("query")``: reads one page after the other."""

    query: Callable[..., Answer]

    def paginate(self, *, PaginationConfig: Mapping[str, int] | None = None, **arguments: Any) -> Iterator[Answer]:
        limit = {"Limit": PaginationConfig["PageSize"]} if PaginationConfig and "PageSize" in PaginationConfig else {}
        start: dict[str, Any] = {}
        while True:
            page = self.query(**arguments, **limit, **start)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _page(table: Table, index: Index, found: list[Item], arguments: Mapping[str, Any]) -> Answer:
    forward = arguments.get("ScanIndexForward", True)
    if start := arguments.get("ExclusiveStartKey"):
        # The item may have moved in the index meanwhile: the query continues from its former position.
        place = table.place(index, start)
        found = [item for item in found if (table.place(index, item) > place) is forward and table.place(index, item) != place]
    found = found if forward else found[::-1]
    limit = arguments.get("Limit", len(found))
    keys = [name for name in dict.fromkeys((table.keys.hash, table.keys.range, index.hash, index.range)) if name]
    shown = [{name: item[name] for name in keys} if index.keys_only else dict(item) for item in found[:limit]]
    answer: Answer = {"Items": shown, "Count": len(shown)}
    if len(found) > limit:
        answer["LastEvaluatedKey"] = {name: found[limit - 1][name] for name in keys}
    return answer


def _placeholders(arguments: Mapping[str, Any]) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    return arguments.get("ExpressionAttributeNames") or {}, arguments.get("ExpressionAttributeValues") or {}


def _condition(
    arguments: Mapping[str, Any], text: str | None = None, *, also: frozenset[str] = frozenset()
) -> Callable[[Scope], bool] | None:
    """The condition, after a check that every placeholder is both used and defined."""
    text = text or arguments.get("ConditionExpression")
    names, values = _placeholders(arguments)
    condition, used = read_condition(text, tuple(names.items())) if text else (None, frozenset())
    if wrong := {*names, *values} ^ (used | also):
        raise ExpressionError(f"Placeholders unused or not defined: {', '.join(sorted(wrong))}")
    return condition


def _check_bounds(of_range: str, values: Mapping[str, Any]) -> None:
    """Reversed bounds are refused even if the partition is empty."""
    bounds = re.search(r" BETWEEN (:\w+) AND (:\w+)$", of_range)
    if bounds and plain(values[bounds[1]]) > plain(values[bounds[2]]):
        raise ExpressionError("The BETWEEN operator requires upper bound to be greater than or equal to lower bound")


def _check_no_key(table: Table, update: Update) -> None:
    if {table.keys.hash, table.keys.range} & {path[0] for path in update.paths}:
        raise ExpressionError("Cannot update an attribute that is part of the key")


class _validated:  # noqa: N801 - reads like a function in a with statement
    """Turns an ExpressionError into the error of the service."""

    def __init__(self, operation: str) -> None:
        self._operation = operation

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ExpressionError):
            raise aws_error("ValidationException", self._operation, str(error)) from None
