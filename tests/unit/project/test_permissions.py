"""What the comparison of permissions with calls finds, in records as the local stack writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.calls import CallRecorder, folder_of_stack, write_grants
from tests import permissions
from tests.permissions import Reasons, compare
from tests.simulation.recorded_calls import permissions_of

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/suno-jobs-local-JobsTable-{}"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:suno-jobs-local-suno-job"
DYNAMODB = "arn:aws:dynamodb:us-east-1:123456789012:table/"
ROLE = "ReadJobsFunctionRole"
QUERY = f"{ROLE}: dynamodb:Query on {TABLE.removesuffix('-{}').replace('suno-jobs-local-', '')}"


class Stack:
    """The records of one stack, whose names end in ``number``."""

    def __init__(self, folder: Path, number: str) -> None:
        self.folder = folder / f"stack-{number}"
        self.folder.mkdir()
        self.table = TABLE.format(number)
        self._role = f"suno-jobs-local-{ROLE}-{number}"
        self._recorder = CallRecorder(self.folder / "ministack.jsonl")

    def grant(self, *actions: str, resource: str) -> None:
        statement = {"Effect": "Allow", "Action": [*actions], "Resource": resource}
        line = json.dumps({ROLE: {"role": self._role, "statements": [statement]}})
        with (self.folder / "grants.jsonl").open("a") as file:
            file.write(f"{line}\n")

    def call(self, action: str, resource: str, *, allowed: bool = True, session: str = "ReadJobsFunction") -> None:
        arn = f"arn:aws:sts::123456789012:assumed-role/{self._role}/{session}"
        self._recorder.record(key=f"key of {session}", role=arn, action=action, resource=resource, allowed=allowed)

    def call_unchecked(self, action: str, resource: str, key: str = "key of ReadJobsFunction") -> None:
        CallRecorder(self.folder / "stepfunctions.jsonl").record(key=key, action=action, resource=resource)


@pytest.fixture
def stacks(tmp_path: Path) -> list[Stack]:
    found = [Stack(tmp_path, "0123456789abc"), Stack(tmp_path, "DEF0123456789")]
    for stack in found:
        stack.grant("dynamodb:GetItem", "dynamodb:Query", resource=stack.table)
        stack.grant("states:SendTaskSuccess", resource=MACHINE)
    return found


def complaints(stacks: list[Stack], exceptions: Reasons | None = None, seldom: Reasons | None = None) -> list[str]:
    return compare(each.folder for each in stacks).complaints(exceptions or {}, seldom or {})


def test_a_permission_is_used_if_any_stack_uses_it(stacks: list[Stack]) -> None:
    first, second = stacks
    first.call("dynamodb:GetItem", first.table)
    second.call("dynamodb:Query", second.table)
    second.call_unchecked("states:SendTaskSuccess", "")
    assert complaints(stacks) == []


def test_an_unused_permission_is_a_complaint_unless_it_is_excepted(stacks: list[Stack]) -> None:
    stacks[0].call("dynamodb:GetItem", stacks[0].table)
    stacks[0].call_unchecked("states:SendTaskSuccess", "")
    assert complaints(stacks) == [f"unused: {QUERY}"]
    assert complaints(stacks, {(ROLE, "dynamodb:Query"): "a reason"}) == []


def test_an_exception_that_is_not_needed_is_a_complaint(stacks: list[Stack]) -> None:
    for action in ("dynamodb:GetItem", "dynamodb:Query"):
        stacks[0].call(action, stacks[0].table)
    stacks[0].call_unchecked("states:SendTaskSuccess", "")
    assert complaints(stacks, {(ROLE, "dynamodb:Query"): "a reason"}) == [f"no exception is needed: {ROLE}: dynamodb:Query"]


@pytest.mark.parametrize("resource", ["", MACHINE])
def test_a_call_that_no_emulator_checks_needs_a_permission_too(stacks: list[Stack], resource: str) -> None:
    stacks[0].call("dynamodb:GetItem", stacks[0].table)
    stacks[0].call_unchecked("states:StartExecution", resource)
    assert f"missing: {ROLE}: states:StartExecution on {resource}" in complaints(stacks)


def test_a_permission_that_is_used_seldom_may_be_used_or_not(stacks: list[Stack]) -> None:
    stacks[0].call("dynamodb:GetItem", stacks[0].table)
    stacks[0].call_unchecked("states:SendTaskSuccess", "")
    seldom = {(ROLE, "dynamodb:Query"): "a reason"}
    assert complaints(stacks, seldom=seldom) == []
    stacks[0].call("dynamodb:Query", stacks[0].table)
    assert complaints(stacks, seldom=seldom) == []


@pytest.mark.parametrize(
    ("operation", "arguments", "used"),
    [
        ("query", {"TableName": "JobsTable"}, [("dynamodb:Query", f"{DYNAMODB}JobsTable")]),
        ("query", {"TableName": "JobsTable", "IndexName": "due"}, [("dynamodb:Query", f"{DYNAMODB}JobsTable/index/due")]),
        ("batch_get_item", {"RequestItems": {"JobsTable": {}}}, [("dynamodb:BatchGetItem", f"{DYNAMODB}JobsTable")]),
        (
            "transact_write_items",
            {"TransactItems": [{"Put": {"TableName": "A"}}, {"ConditionCheck": {"TableName": "B"}}]},
            [("dynamodb:PutItem", f"{DYNAMODB}A"), ("dynamodb:ConditionCheckItem", f"{DYNAMODB}B")],
        ),
        (
            "put_object",
            {"Bucket": "AssetsBucket", "Key": "t/j/a.mp3"},
            [("s3:PutObject", "arn:aws:s3:::assetsbucket/job/file")],
        ),
        (
            "put_object",
            {"Bucket": "AssetsBucket", "Key": "t/j/manifest.json"},
            [("s3:PutObject", "arn:aws:s3:::assetsbucket/job/manifest.json")],
        ),
        (
            "delete_objects",
            {"Bucket": "AssetsBucket"},
            [(f"s3:{action}", "arn:aws:s3:::assetsbucket/job/file") for action in ("DeleteObjectVersion", "DeleteObject")],
        ),
        ("list_object_versions", {"Bucket": "AssetsBucket"}, [("s3:ListBucketVersions", "arn:aws:s3:::assetsbucket")]),
        ("put_events", {"Entries": [{}]}, [("events:PutEvents", "")]),
        ("send_task_success", {"taskToken": "x"}, [("states:SendTaskSuccess", "")]),
        (
            "send_message",
            {"QueueUrl": "https://sqs.example/WebhookQueue"},
            [("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:WebhookQueue")],
        ),
        ("describe_table", {}, []),
        (
            "get_secret_value",
            {"SecretId": "arn:aws:secretsmanager:us-east-1:123456789012:CallbackSecret"},
            [("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:CallbackSecret")],
        ),
    ],
)
def test_a_call_of_the_simulation_names_what_the_template_names(
    operation: str, arguments: dict[str, Any], used: list[tuple[str, str]]
) -> None:
    assert list(permissions_of(operation, arguments)) == used


def test_the_simulation_is_a_second_source(stacks: list[Stack], tmp_path: Path) -> None:
    stacks[0].call("dynamodb:GetItem", stacks[0].table)
    stacks[0].call_unchecked("states:SendTaskSuccess", "")
    simulated = tmp_path / "simulation-1.jsonl"
    [(action, resource)] = permissions_of("query", {"TableName": "JobsTable"})
    CallRecorder(simulated).record(role=ROLE, action=action, resource=resource)
    assert compare((each.folder for each in stacks), [simulated]).complaints({}, {}) == []


def test_a_denied_call_is_a_complaint(stacks: list[Stack]) -> None:
    stacks[0].call("dynamodb:Query", stacks[0].table, allowed=False)
    assert f"missing: {QUERY}" in complaints(stacks)


def test_calls_of_tests_and_of_the_owner_count_for_nothing(stacks: list[Stack]) -> None:
    stacks[0].call("dynamodb:Query", stacks[0].table, session="test")
    stacks[0].call("dynamodb:DeleteItem", stacks[0].table, session="test", allowed=False)
    stacks[0].call_unchecked("states:ListStateMachines", "", key="ak")
    assert complaints(stacks)[:2] == [f"unused: {QUERY.replace('Query', 'GetItem')}", f"unused: {QUERY}"]
    assert not [each for each in complaints(stacks) if each.startswith("missing")]


def test_the_command_fails_for_a_complaint(stacks: list[Stack], capsys: pytest.CaptureFixture[str]) -> None:
    assert permissions.main(str(stacks[0].folder.parent)) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "0 of 3 permissions were used."


class Iam:
    """A role with one policy."""

    def list_role_policies(self, *, RoleName: str) -> dict[str, Any]:  # noqa: N803 - as boto3 names it
        return {"PolicyNames": [f"policy-of-{RoleName}"]}

    def get_role_policy(self, *, RoleName: str, PolicyName: str) -> dict[str, Any]:  # noqa: N803
        return {"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": PolicyName, "Resource": RoleName}]}}


def test_each_call_is_recorded_once_in_a_folder_of_its_stack(tmp_path: Path) -> None:
    assert folder_of_stack({}) is None
    folder = folder_of_stack({"RECORD_CALLS": str(tmp_path / "calls")})
    assert folder is not None
    recorder = CallRecorder(folder / "ministack.jsonl")
    for action in ("a", "b", "a"):
        recorder.record(action=action)
    assert (folder / "ministack.jsonl").read_text().splitlines() == ['{"action": "a"}', '{"action": "b"}']
    write_grants(folder, Iam(), {"Resources": {ROLE: {"Type": "AWS::IAM::Role"}, "Other": {"Type": "x"}}}, {ROLE: "name"})
    grants = json.loads((folder / "grants.jsonl").read_text())
    statement = {"Effect": "Allow", "Action": "policy-of-name", "Resource": "name"}
    assert grants == {ROLE: {"role": "name", "statements": [statement]}}
