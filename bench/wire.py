"""A loopback proxy between a stack and its AWS emulator. It counts what DynamoDB would bill for writes."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from bench.units import Index, Item, index_units, table_units
from local.loopback import LoopbackServer

Json = dict[str, Any]
WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
TRANSACTION_FACTOR = 2
_NOT_FORWARDED = {"connection", "content-length", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class Write:
    """One item written by one request. ``units`` includes those of the indexes."""

    operation: str
    table: str
    key: Item
    units: int


@dataclass(frozen=True)
class _Table:
    key: frozenset[str]
    indexes: tuple[Index, ...]


@dataclass(frozen=True)
class _Touch:
    """One item that a request wants to write."""

    table: str
    key: Item
    factor: int = 1


class Wire(LoopbackServer):
    """`writes` is every write so far, in the order of completion."""

    def __init__(self, upstream: str, dynamodb: Any) -> None:
        super().__init__(_Handler)
        self.upstream = urlsplit(upstream)
        self.writes: list[Write] = []
        self._dynamodb = dynamodb
        self._tables: dict[str, _Table] = {}
        # No other write may happen between the reads before and after a write.
        self.one_write_at_a_time = threading.Lock()

    def touches(self, operation: str, request: Json) -> list[_Touch]:
        if operation in WRITES:
            return [self._touch(operation, request, 1)]
        if operation == "TransactWriteItems":
            parts = [(f"{verb}Item", part) for entry in request["TransactItems"] for verb, part in entry.items()]
            return [self._touch(verb, part, TRANSACTION_FACTOR) for verb, part in parts]
        if operation in ("BatchWriteItem", "ExecuteStatement", "ExecuteTransaction", "BatchExecuteStatement"):
            raise NotImplementedError(f"{operation} is not counted")
        return []

    def _touch(self, operation: str, part: Json, factor: int) -> _Touch:
        table = part["TableName"]
        key = part["Key"] if operation != "PutItem" else {name: part["Item"][name] for name in self._table(table).key}
        return _Touch(table, key, factor)

    def read(self, touches: Iterable[_Touch]) -> list[Json | None]:
        return [self._item(touch) for touch in touches]

    def _item(self, touch: _Touch) -> Json | None:
        answer = self._dynamodb.get_item(TableName=touch.table, Key=touch.key, ConsistentRead=True)
        item: Json | None = answer.get("Item")
        return item

    def count(self, operation: str, touches: Iterable[_Touch], before: list[Json | None], after: list[Json | None]) -> None:
        for touch, old, new in zip(touches, before, after, strict=True):
            indexes = self._table(touch.table).indexes
            # Indexes are updated afterwards, outside of any transaction.
            billed = touch.factor * table_units(old, new) + sum(index_units(index, old, new) for index in indexes)
            self.writes.append(Write(operation, touch.table, touch.key, billed))

    def _table(self, name: str) -> _Table:
        if name not in self._tables:
            described = self._dynamodb.describe_table(TableName=name)["Table"]
            key = _names(described)
            indexes = (_index(index, key) for index in described.get("GlobalSecondaryIndexes", []))
            self._tables[name] = _Table(key, tuple(indexes))
        return self._tables[name]


def _names(described: Json) -> frozenset[str]:
    return frozenset(part["AttributeName"] for part in described["KeySchema"])


def _index(described: Json, table_key: frozenset[str]) -> Index:
    projection = described["Projection"]
    key = _names(described)
    if projection["ProjectionType"] == "ALL":
        return Index(key, None)
    return Index(key, key | table_key | set(projection.get("NonKeyAttributes", ())))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Wire

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        service, _, operation = self.headers.get("X-Amz-Target", "").partition(".")
        touches = self.server.touches(operation, json.loads(body)) if service.startswith("DynamoDB_") else []
        if not touches:
            self._answer(self._forward(body))
            return
        with self.server.one_write_at_a_time:
            before = self.server.read(touches)
            reply = self._forward(body)
            self.server.count(operation, touches, before, self.server.read(touches))
        self._answer(reply)

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection(self.server.upstream.hostname or "", self.server.upstream.port, timeout=330)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _NOT_FORWARDED}
            upstream.request(self.command, self.path, body, headers)
            response = upstream.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            upstream.close()

    def _answer(self, reply: tuple[int, list[tuple[str, str]], bytes]) -> None:
        status, headers, body = reply
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _NOT_FORWARDED:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815
