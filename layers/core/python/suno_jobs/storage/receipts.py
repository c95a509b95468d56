"""Raw callbacks and gateway replies, stored unchanged: the evidence of what a gateway really sent.

A receipt is stored once; the same bytes again only raise its count. Small bodies are compressed into the item, large ones are
stored in the receipts bucket. Both expire.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from suno_jobs.storage.table import Table, key
from suno_jobs.storage.update_expressions import Change

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client

    from suno_jobs.jobs.record import Item

INLINE_BYTES = 4096
DAY_SECONDS = 86_400


class ReceiptSource(StrEnum):
    CALLBACK = "callback"
    SUBMISSION = "submission"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A body that was received ``times`` times, from ``first_at`` to ``last_at`` (seconds since 1970)."""

    source: str
    first_at: int
    last_at: int
    times: int
    http_status: int
    bytes: int


class ReceiptStore(Table):
    """``bucket_client`` is a function, so that an S3 client is made only for a large body."""

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        bucket_client: Callable[[], S3Client],
        bucket: str,
        *,
        ttl_days: int,
    ) -> None:
        super().__init__(client, table)
        self._s3 = bucket_client
        self._bucket = bucket
        self._ttl_seconds = ttl_days * DAY_SECONDS

    def record(
        self, job_id: str, source: ReceiptSource, body: bytes, *, gateway: str, now: int, status: int | None = None
    ) -> None:
        """Stores a body unchanged; ``status`` is its HTTP status. May be repeated, which raises the count."""
        digest = hashlib.sha256(body).hexdigest()
        change = Change(
            sets={"last_at": now, "expires_at": now + self._ttl_seconds},
            defaults={
                "first_at": now,
                "gateway": gateway,
                "http_status": status or 0,
                "bytes": len(body),
                **self._stored(job_id, digest, body),
            },
            adds={"times": 1},
        )
        self._update(key(job_id, f"RECEIPT#{source}#{digest}"), change, "NONE")

    def callbacks(self, job_id: str) -> Iterator[tuple[str, bytes]]:
        """Gateway and body of all callbacks for a job, in no particular order."""
        for item in self._items(job_id, f"RECEIPT#{ReceiptSource.CALLBACK}#"):
            yield item["gateway"], self._body(item)

    def submissions(self, job_id: str, gateway: str) -> Iterator[tuple[int, bytes]]:
        """HTTP status and body of a gateway's stored submission replies for a job, in no particular order."""
        for item in self._items(job_id, f"RECEIPT#{ReceiptSource.SUBMISSION}#"):
            if item["gateway"] == gateway:
                yield int(item["http_status"]), self._body(item)

    def bodies(self, job_id: str) -> Iterator[tuple[str, bytes]]:
        """All receipts of a job, by source and digest, in no particular order."""
        for item in self._items(job_id, "RECEIPT#"):
            _, source, digest = item["sk"].split("#")
            yield f"{source}-{digest}", self._body(item)

    def list_receipts(self, job_id: str) -> Iterator[Receipt]:
        """All receipts of a job, without their bodies, in no particular order."""
        return map(_receipt, self._items(job_id, "RECEIPT#"))

    def with_bodies(self, job_id: str) -> Iterator[tuple[Receipt, bytes]]:
        """All receipts of a job with their bodies, in no particular order."""
        for item in self._items(job_id, "RECEIPT#"):
            yield _receipt(item), self._body(item)

    def _stored(self, job_id: str, digest: str, body: bytes) -> Item:
        packed = zlib.compress(body)
        if len(packed) <= INLINE_BYTES:
            return {"body": packed}
        body_key = f"{job_id}/{digest}"
        self._s3().put_object(Bucket=self._bucket, Key=body_key, Body=packed, ContentType="application/zlib")
        return {"body_key": body_key}

    def _body(self, item: Item) -> bytes:
        if "body" in item:
            return zlib.decompress(item["body"])
        with self._s3().get_object(Bucket=self._bucket, Key=item["body_key"])["Body"] as body:
            return zlib.decompress(body.read())


def _receipt(item: Item) -> Receipt:
    return Receipt(
        source=item["sk"].split("#")[1],
        first_at=item["first_at"],
        last_at=item["last_at"],
        times=item["times"],
        http_status=item["http_status"],
        bytes=item["bytes"],
    )
