"""The commands of the documents that read or change the table with the AWS CLI are accepted by DynamoDB."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.world import TABLE

DOCUMENTS = Path(__file__).parents[3] / "docs"
COMMAND = re.compile(r"^ +aws dynamodb ((?:query|get-item|update-item) (?:.*\\\n)*.*)$", re.MULTILINE)
COMMANDS = [
    found[1].replace("\\\n", " ") for path in sorted(DOCUMENTS.glob("*.md")) for found in COMMAND.finditer(path.read_text())
]


def arguments_of(words: list[str]) -> dict[str, Any]:
    """Of boto3: ``--key-condition-expression`` is KeyConditionExpression."""
    options = zip(words[::2], words[1::2], strict=True)
    named = {"".join(part.capitalize() for part in name.removeprefix("--").split("-")): value for name, value in options}
    return {name: json.loads(value) if value.startswith("{") else value for name, value in named.items()} | {"TableName": TABLE}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_accepted(aws_on_moto: SimpleNamespace, command: str) -> None:
    operation, *words = shlex.split(command)
    call = getattr(aws_on_moto.dynamodb, operation.replace("-", "_"))
    assert call(**arguments_of(words))["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_commands_are_found() -> None:
    assert {command.split()[0] for command in COMMANDS} == {"query", "get-item", "update-item"}
