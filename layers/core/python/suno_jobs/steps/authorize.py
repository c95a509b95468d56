"""Authorize: which tenant an API key belongs to. Keys are stored as digests only."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

from suno_jobs.jobs.identifiers import is_tenant_name
from suno_jobs.storage.attribute_values import pack, unpack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_BEARER = re.compile(r"[Bb]earer ([\x21-\x7e]{16,256})")


def key_hash(api_key: str) -> str:
    """SHA-256 in hex. No salt and no slow function: a key is 256 random bits, not a chosen password."""
    return hashlib.sha256(api_key.encode()).hexdigest()


class Caller(NamedTuple):
    """``operator``: whether the caller may see what belongs to no tenant or to another one."""

    tenant: str
    operator: bool


def find_caller(client: DynamoDBClient, table: str, authorization: str) -> Caller | None:
    """To whom the key of an ``Authorization: Bearer`` header belongs, or None.

    A key whose tenant's name breaks TENANT_RULE counts as unknown: its jobs could be paid for and not be stored.
    """
    match = _BEARER.fullmatch(authorization)
    if match is None:
        return None
    answer = client.get_item(TableName=table, Key=pack({"key_hash": key_hash(match[1])}))
    item = unpack(answer.get("Item", {}))
    tenant = None if item.get("disabled") else item.get("tenant")
    return Caller(str(tenant), item.get("operator") is True) if is_tenant_name(tenant) else None
