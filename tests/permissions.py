"""Compares what the roles of local stacks may do with what they did: ``python -m tests.permissions FOLDER``.

FOLDER has the records of ``local/calls.py``. A permission is an action on a resource. Each must have been used on one of the
stacks or in the simulation, and every call must have had one, also of Step Functions, whose emulator checks none.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Reasons = dict[tuple[str, str], str]

RESTORED = re.compile(r"table/restored\b")
"""The table that ``test_day_two.py`` attaches in place of the jobs table."""
RANDOM_NAME = re.compile(r"suno-jobs-local-([A-Za-z]+)-[0-9A-Fa-f]{13}(-[0-9a-f]{6})?")
TESTERS = "test"
"""The name of the session in which a test itself assumes a role."""

BY_LAMBDA = "Lambda does it with the function's role. The emulator checks no policy for that."
BY_SCHEDULER = "EventBridge Scheduler does it with the role. The emulator checks no policy for that."
BY_STEP_FUNCTIONS = "Step Functions delivers its log with the role. The interpreter delivers none."
BY_S3 = "S3 asks KMS for the key in the name of the function. The emulator does not."
READERS = ("DeliverWebhookFunctionRole", "ReceiveCallbackFunctionRole")
QUEUE_READING = ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
LOG_DELIVERY = ("Create", "Delete", "Get", "Update")
EXCEPTIONS: Reasons = {
    ("ReadJobsFunctionRole", "kms:Decrypt"): BY_S3,
    ("StoreTrackFunctionRole", "kms:Decrypt"): BY_S3,
    ("ReconcileJobsFunctionRole", "sqs:SendMessage"): BY_LAMBDA,
    ("ReconcileJobsFunctionSweepRole", "lambda:InvokeFunction"): BY_SCHEDULER,
    ("ReconcileJobsFunctionSweepRole", "sqs:SendMessage"): BY_SCHEDULER,
    ("SunoJobStateMachineRole", "logs:DescribeLogGroups"): BY_STEP_FUNCTIONS,
    ("SunoJobStateMachineRole", "logs:DescribeResourcePolicies"): BY_STEP_FUNCTIONS,
    ("SunoJobStateMachineRole", "logs:ListLogDeliveries"): BY_STEP_FUNCTIONS,
    ("SunoJobStateMachineRole", "logs:PutResourcePolicy"): BY_STEP_FUNCTIONS,
    **{(role, f"sqs:{verb}"): BY_LAMBDA for role in READERS for verb in QUEUE_READING},
    **{("SunoJobStateMachineRole", f"logs:{verb}LogDelivery"): BY_STEP_FUNCTIONS for verb in LOG_DELIVERY},
}
"""Permissions that no call can be seen to use, by role and action, with the reason."""
SELDOM: Reasons = {
    ("CheckTaskFunctionRole", "states:StartExecution"): "Only after fifty checks.",
    ("CreateTaskFunctionRole", "s3:PutObject"): "Only for a reply that is too large for the table.",
    ("ReadJobsFunctionRole", "dynamodb:GetItem"): "Only for what DynamoDB leaves out of a batch.",
    ("RetryJobFunctionRole", "dynamodb:GetItem"): "Only if two requests repeat a job at the same time.",
    ("StoreTrackFunctionRole", "s3:GetObject"): "Only for a file that was stored and not recorded.",
}
"""Permissions that unit tests use, and other tests by chance."""


@dataclass(frozen=True, order=True)
class Permission:
    """``resource`` may contain wildcards; names in it are without what is random in them."""

    role: str
    action: str
    resource: str

    def __str__(self) -> str:
        return f"{self.role}: {self.action} on {self.resource}"


@dataclass(frozen=True)
class Call:
    """``resource`` is empty if the call names none. ``allowed`` is None if no policy was checked.

    In calls of the simulation, names are those of ``Permission``.
    """

    role: str
    action: str
    resource: str
    allowed: bool | None


@dataclass
class Comparison:
    """Of all stacks together."""

    granted: set[Permission] = field(default_factory=set)
    used: set[Permission] = field(default_factory=set)
    missing: set[Permission] = field(default_factory=set)

    def complaints(self, exceptions: Reasons = EXCEPTIONS, seldom: Reasons = SELDOM) -> list[str]:
        unused = sorted(self.granted - self.used)
        unneeded = exceptions.keys() - {(each.role, each.action) for each in unused}
        return [
            *(f"unused: {each}" for each in unused if (each.role, each.action) not in exceptions | seldom),
            *(f"missing: {each}" for each in sorted(self.missing)),
            *(f"no exception is needed: {role}: {action}" for role, action in sorted(unneeded)),
        ]


def compare(stacks: Iterable[Path], simulations: Iterable[Path] = ()) -> Comparison:
    found = Comparison()
    for folder in stacks:
        roles, granted = _grants(folder)
        found.granted |= {_without_random_names(each) for each in granted}
        for call in _calls(folder, roles):
            used = {each for each in granted if _permits(each, call)}
            found.used |= {_without_random_names(each) for each in used}
            if call.allowed is False or not used:
                found.missing.add(_without_random_names(Permission(call.role, call.action, call.resource)))
    simulated = {Call(**line, allowed=None) for file in simulations for line in _lines(file)}
    found.used |= {each for each in found.granted for call in simulated if _permits(each, call)}
    return found


def _grants(folder: Path) -> tuple[dict[str, str], set[Permission]]:
    """The roles by their physical names, and what they were granted at any time."""
    roles, granted = {}, set()
    for deployed in _lines(folder / "grants.jsonl"):
        for role, grant in deployed.items():
            roles[grant["role"]] = role
            allowed = (statement for statement in grant["statements"] if statement["Effect"] == "Allow")
            for statement in allowed:
                pairs = product(_as_list(statement["Action"]), _as_list(statement["Resource"]))
                granted |= {Permission(role, action, resource) for action, resource in pairs}
    return roles, granted


def _calls(folder: Path, roles: Mapping[str, str]) -> Iterator[Call]:
    """Those of the template's roles. The others are those of the account's owner, who deploys, and of the tests."""
    recorded = [call for file in sorted(folder.glob("*.jsonl")) if file.name != "grants.jsonl" for call in _lines(file)]
    sessions = {call["key"]: call["role"] for call in recorded if "role" in call}
    for call in recorded:
        _, role, session = sessions.get(call["key"], "//").split("/")
        if role in roles and session != TESTERS:
            yield Call(roles[role], call["action"], call["resource"], call.get("allowed"))


def _permits(permission: Permission, call: Call) -> bool:
    same = (permission.role, permission.action) == (call.role, call.action)
    return same and (not call.resource or fnmatchcase(call.resource, permission.resource))


def _without_random_names(permission: Permission) -> Permission:
    resource = RESTORED.sub("table/JobsTable", permission.resource)
    return replace(permission, resource=RANDOM_NAME.sub(r"\1", resource))


def _lines(file: Path) -> Iterator[Json]:
    if file.exists():
        yield from map(json.loads, file.read_text(encoding="utf-8").splitlines())


def _as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def main(folder: str) -> int:
    found = compare(Path(folder).glob("stack-*"), Path(folder).glob("simulation-*.jsonl"))
    complaints = found.complaints()
    print(*complaints, f"{len(found.used)} of {len(found.granted)} permissions were used.", sep="\n")
    return int(bool(complaints))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
