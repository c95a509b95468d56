"""Authorize: which tenant an API key belongs to. Keys are stored as digests only."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from suno_jobs.jobs.identifiers import is_tenant_name
from suno_jobs.storage.attribute_values import pack, unpack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_BEARER = re.compile(r"[Bb]earer ([\x21-\x7e]{16,256})")


def key_hash(api_key: str) -> str:
    """SHA-256 in hex. No salt and no slow function: a key is 256 random bits, not a chosen password."""
    return hashlib.sha256(api_key.encode()).hexdigest()


def find_tenant(client: DynamoDBClient, table: str, authorization: str) -> str | None:
    """The tenant to whom the key of an ``Authorization: Bearer`` header belongs, or None.

    A key whose tenant's name breaks TENANT_RULE counts as unknown: its jobs could be paid for and not be stored.
    """
    match = _BEARER.fullmatch(authorization)
    if match is None:
        return None
    answer = client.get_item(TableName=table, Key=pack({"key_hash": key_hash(match[1])}))
    item = unpack(answer.get("Item", {}))
    tenant = None if item.get("disabled") else item.get("tenant")
    return str(tenant) if is_tenant_name(tenant) else None
