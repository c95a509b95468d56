"""Which permissions the simulated functions use. They are recorded for ``tests/permissions.py`` if RECORD_CALLS names a folder.

The simulation is the second source, beside the local stack: it has what happens rarely or after a long time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from local.calls import VARIABLE, CallRecorder
from tests.unit.project.aws_calls import FURTHER, OPERATIONS, PARTS

ACCOUNT = "us-east-1:123456789012"
MANIFEST = "manifest.json"


def record_call(function: str, operation: str, arguments: Mapping[str, Any]) -> None:
    if recorder := _recorder():
        for action, resource in permissions_of(operation, arguments):
            recorder.record(role=f"{function}Role", action=action, resource=resource)


@cache
def _recorder() -> CallRecorder | None:
    """One file for each process."""
    if not (folder := os.environ.get(VARIABLE)):
        return None
    Path(folder).mkdir(parents=True, exist_ok=True)
    return CallRecorder(Path(folder) / f"simulation-{os.getpid()}.jsonl")


def permissions_of(operation: str, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Pairs of action and resource, whose name is the logical id of the template."""
    if operation == "transact_write_items":
        parts = (part for item in arguments["TransactItems"] for part in item.items())
        yield from ((f"dynamodb:{PARTS[name]}", _resource(part)) for name, part in parts)
    elif operation == "batch_get_item":
        yield from ((OPERATIONS[operation], _resource({"TableName": table})) for table in arguments["RequestItems"])
    elif operation == "put_events":
        yield from ((OPERATIONS[operation], _resource(entry)) for entry in arguments["Entries"])
    elif operation == "delete_objects":
        for action in (OPERATIONS[operation], FURTHER[operation]):
            yield action, _resource({**arguments, "Key": "file"})
    elif operation in OPERATIONS:
        yield OPERATIONS[operation], _resource(arguments)


def _resource(arguments: Mapping[str, Any]) -> str:
    """Empty if the call names none that a policy could name."""
    match arguments:
        case {"TableName": table, "IndexName": index}:
            return f"arn:aws:dynamodb:{ACCOUNT}:table/{table}/index/{index}"
        case {"TableName": table}:
            return f"arn:aws:dynamodb:{ACCOUNT}:table/{table}"
        case {"Bucket": bucket, "Key": key}:
            # There are too many keys, and policies distinguish the manifest only.
            return f"arn:aws:s3:::{bucket.lower()}/job/{MANIFEST if key.endswith(f'/{MANIFEST}') else 'file'}"
        case {"Bucket": bucket}:
            return f"arn:aws:s3:::{bucket.lower()}"
        case {"QueueUrl": str(url)}:
            return f"arn:aws:sqs:{ACCOUNT}:{url.rpartition('/')[2]}"
        case {"SecretId": str(arn)}:
            return f"arn:aws:secretsmanager:{ACCOUNT}:secret:{arn.rpartition(':')[2]}"
    return ""
