"""The policy of an operator permits what the commands call, and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.project.aws_calls import Code, reachable_actions, read_code
from tests.world import ROOT

CORE = ROOT / "layers/core/python/suno_jobs"
STATEMENTS: dict[str, dict[str, Any]] = {
    each["Sid"]: each for each in json.loads((ROOT / "docs/operator-policy.json").read_text())["Statement"]
}
NOT_OF_AN_OPERATOR = {"attach"}
"""It makes a stack, as the person who deploys does."""
MOVED = {"sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage"}
"""What SQS asks for before it moves the messages of a dead-letter queue."""


@pytest.fixture(scope="module")
def code() -> Code:
    return read_code(CORE)


def modules() -> list[Path]:
    return [path for path in sorted((CORE / "cli").glob("*.py")) if path.stem not in NOT_OF_AN_OPERATOR]


def actions(*sids: str) -> set[str]:
    named = [STATEMENTS[sid]["Action"] for sid in sids]
    return {action for each in named for action in ([each] if isinstance(each, str) else each)}


def test_the_policy_permits_what_the_commands_call_and_no_more(code: Code) -> None:
    called = {action for path in modules() for action in reachable_actions(code, path)} | MOVED
    assert called - actions(*STATEMENTS) == set(), "add it to docs/operator-policy.json"
    assert actions(*STATEMENTS) - called == set(), "no command calls it"


@pytest.mark.parametrize("command", ["explain", "outputs", "stuck"])
def test_commands_that_only_read_need_one_statement(code: Code, command: str) -> None:
    stack = reachable_actions(code, CORE / "cli/stack.py")
    assert reachable_actions(code, CORE / f"cli/{command}.py") | stack <= actions("Read")


def test_the_policy_is_limited_to_stacks_of_the_documented_names() -> None:
    for sid, statement in STATEMENTS.items():
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        wide = [each for each in resources if "suno-jobs" not in each and "Secret*" not in each]
        assert wide == (["*"] if sid == "Doctor" else [])
