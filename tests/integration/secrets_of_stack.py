"""The logs of a local stack, which are those of its functions and of its emulators, contain none of its secrets (I9)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.stack import LocalStack
from tests.secrets_in_logs import secrets_in, texts


def secrets_of(stack: LocalStack) -> set[str]:
    """The values that its secrets have and had before, and the MACs of its callback URLs. Others are found by their form."""
    client = stack.client("secretsmanager")
    orders = stack.simulator.orders()
    found = {mac for order in orders for mac in re.findall(r"/([0-9a-f]{64})\b", order["callback_url"] or "")}
    for secret in stack.describe()["secrets"].values():
        for version in client.list_secret_version_ids(SecretId=secret)["Versions"]:
            value = client.get_secret_value(SecretId=secret, VersionId=version["VersionId"])["SecretString"]
            found |= {text for text in texts(json.loads(value)) if text}
    return found


@contextmanager
def without_secrets_in_logs(stack: LocalStack) -> Iterator[LocalStack]:
    """Starts the stack. After its end, its logs are searched."""
    with stack as running:
        yield running
        known = secrets_of(running)
    if found := secrets_in_logs(stack.logs, known):
        pytest.fail(f"logs contain secrets: {', '.join(found)}")


def secrets_in_logs(logs: Path, known: set[str]) -> list[str]:
    """Where they are, without their values."""
    texts_of = {file.name: file.read_text(encoding="utf-8", errors="replace") for file in sorted(logs.glob("*.log"))}
    return [f"{name}: {found}" for name, text in texts_of.items() for found in secrets_in(text, known)]
