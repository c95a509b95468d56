"""S3, Secrets Manager and EventBridge in memory, with the interfaces of boto3's clients."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, Any

from botocore.exceptions import ClientError

from tests.simulation.aws_table import Answer, aws_error


class NoSuchKey(ClientError):
    pass


class S3Exceptions:
    ClientError = ClientError
    NoSuchKey = NoSuchKey


@dataclass(frozen=True, slots=True)
class StoredObject:
    body: bytes
    content_type: str
    metadata: Mapping[str, str]
    modified: datetime

    def answer(self) -> Answer:
        return {
            "ContentLength": len(self.body),
            "ContentType": self.content_type,
            "LastModified": self.modified,
            "Metadata": dict(self.metadata),
        }


@dataclass(slots=True)
class S3:
    """``replaced`` has the objects that were overwritten. Where versioning is on, ``earlier`` keeps their former versions."""

    exceptions = S3Exceptions
    clock: Callable[[], float]
    versioned: frozenset[str] = frozenset()
    objects: dict[tuple[str, str], StoredObject] = field(default_factory=dict)
    replaced: list[tuple[str, str]] = field(default_factory=list)
    earlier: set[tuple[str, str, str]] = field(default_factory=set)
    on_put: Callable[[str], None] = lambda _key: None

    def put_object(self, *, Bucket: str, Key: str, Body: bytes | IO[bytes], **given: Any) -> Answer:
        body = Body if isinstance(Body, bytes) else _read_all(Body)
        if given.get("ContentLength", len(body)) != len(body):
            raise aws_error("IncompleteBody", "PutObject")
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        if given.get("ChecksumSHA256", digest) != digest:
            raise aws_error("BadDigest", "PutObject")
        if given.get("IfNoneMatch") == "*" and (Bucket, Key) in self.objects:
            raise aws_error("PreconditionFailed", "PutObject")
        if (Bucket, Key) in self.objects:
            self.replaced.append((Bucket, Key))
            if Bucket in self.versioned:
                self.earlier.add((Bucket, Key, f"{len(self.replaced)}"))
        self.on_put(Key)
        kind = given.get("ContentType", "binary/octet-stream")
        self.objects[Bucket, Key] = StoredObject(
            body, kind, given.get("Metadata", {}), datetime.fromtimestamp(self.clock(), UTC)
        )
        return {}

    def head_object(self, *, Bucket: str, Key: str) -> Answer:
        if (Bucket, Key) not in self.objects:
            raise aws_error("404", "HeadObject")
        return self.objects[Bucket, Key].answer()

    def get_object(self, *, Bucket: str, Key: str) -> Answer:
        if (Bucket, Key) not in self.objects:
            raise aws_error(NoSuchKey, "GetObject")
        found = self.objects[Bucket, Key]
        return {**found.answer(), "Body": io.BytesIO(found.body)}

    def list_object_versions(self, *, Bucket: str, Prefix: str) -> Answer:
        """The current version of an object is called null, as in a bucket without versioning."""
        current = [(bucket, key, "null") for bucket, key in self.objects]
        found = [(key, version) for bucket, key, version in (*current, *self.earlier) if bucket == Bucket]
        versions = [{"Key": key, "VersionId": version} for key, version in sorted(found) if key.startswith(Prefix)]
        return {"IsTruncated": False, **({"Versions": versions} if versions else {})}

    def delete_objects(self, *, Bucket: str, Delete: Mapping[str, Any]) -> Answer:
        for each in Delete["Objects"]:
            if each["VersionId"] == "null":
                self.objects.pop((Bucket, each["Key"]), None)
            self.earlier.discard((Bucket, each["Key"], each["VersionId"]))
        return {}

    def generate_presigned_url(self, operation: str, *, Params: Mapping[str, str], ExpiresIn: int, **_: Any) -> str:
        where = f"https://{Params['Bucket']}.s3.amazonaws.com/{Params['Key']}"
        return f"{where}?op={operation}&X-Amz-Expires={ExpiresIn}&X-Amz-Signature=presigned"


def _read_all(file: IO[bytes]) -> bytes:
    """A repeated request sends the complete body again, since botocore seeks back to its start."""
    start = file.tell()
    body = file.read()
    file.seek(start)
    return body


@dataclass(frozen=True, slots=True)
class Secrets:
    """The JSON of each secret, by ARN."""

    values: dict[str, Any]

    def get_secret_value(self, *, SecretId: str) -> Answer:
        return {"SecretString": json.dumps(self.values[SecretId])}


@dataclass(slots=True)
class Events:
    """An event bus that records its events. ``taken`` are those that it accepted."""

    taken: list[dict[str, Any]] = field(default_factory=list)

    def put_events(self, *, Entries: Sequence[Mapping[str, Any]]) -> Answer:
        self.taken += [{**entry, "Detail": json.loads(entry["Detail"])} for entry in Entries]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"} for _ in Entries]}
