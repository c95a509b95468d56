"""A stack is created around tables and buckets that exist: see decision 62."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from suno_jobs.cli.main import main
from suno_jobs.cli.problems import ExitCode
from tests.unit.project.test_template import RESOURCES, TEMPLATE
from tests.world import API_KEYS_TABLE, JOBS_TABLE, TABLE

ARGUMENTS = [
    "attach",
    "--stack=songs",
    "--api-keys=keys",
    "--assets-bucket=assets",
    "--receipts-bucket=receipts",
]


class Stacks:
    """CloudFormation, which takes every change set."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def create_change_set(self, **given: Any) -> None:
        self.calls.append(("create", given))

    def execute_change_set(self, **given: Any) -> None:
        self.calls.append(("execute", given))

    def get_waiter(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(wait=lambda **given: self.calls.append((name, given)))


@pytest.fixture
def stacks(aws: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Stacks:
    stacks = Stacks()
    aws.dynamodb.create_table(TableName="keys", **API_KEYS_TABLE)
    monkeypatch.setattr(boto3, "client", lambda service, **_: {"cloudformation": stacks, "dynamodb": aws.dynamodb}[service])
    return stacks


def test_the_stack_contains_the_data_and_nothing_else(stacks: Stacks, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ARGUMENTS, f"--jobs-table={TABLE}"]) == ExitCode.DONE
    assert [name for name, _ in stacks.calls] == [
        "create",
        "change_set_create_complete",
        "execute",
        "stack_import_complete",
    ]
    _, given = stacks.calls[0]
    assert given["ChangeSetType"] == "IMPORT"
    assert {each["LogicalResourceId"]: [*each["ResourceIdentifier"].values()] for each in given["ResourcesToImport"]} == {
        "JobsTable": [TABLE],
        "ApiKeysTable": ["keys"],
        "AssetsBucket": ["assets"],
        "ReceiptsBucket": ["receipts"],
    }
    assert "JobDeadlineSeconds" in capsys.readouterr().out


def test_the_deployment_that_follows_changes_no_index_and_deletes_nothing(stacks: Stacks) -> None:
    """CloudFormation compares two templates, and would create an index that exists if the first one did not have it."""
    assert main([*ARGUMENTS, f"--jobs-table={TABLE}"]) == ExitCode.DONE
    made = json.loads(stacks.calls[0][1]["TemplateBody"])["Resources"]
    for name, resource in made.items():
        wanted = RESOURCES[name]
        assert resource["Type"] == wanted["Type"]
        assert {key: resource[key] for key in ("DeletionPolicy", "UpdateReplacePolicy")} == {
            "DeletionPolicy": wanted["DeletionPolicy"],
            "UpdateReplacePolicy": wanted["UpdateReplacePolicy"],
        }
    for name in ("JobsTable", "ApiKeysTable"):
        properties = made[name]["Properties"]
        assert properties.items() <= RESOURCES[name]["Properties"].items()
        assert properties.keys() >= RESOURCES[name]["Properties"].keys() & {"GlobalSecondaryIndexes", "KeySchema"}


def test_what_is_switched_on_is_not_switched_on_again(stacks: Stacks, aws: SimpleNamespace) -> None:
    """A restored table has none of it; a retained one has everything."""
    aws.dynamodb.create_table(
        TableName="retained", DeletionProtectionEnabled=True, SSESpecification={"Enabled": True}, **JOBS_TABLE
    )
    ttl = {"AttributeName": "expires_at", "Enabled": True}
    aws.dynamodb.update_time_to_live(TableName="retained", TimeToLiveSpecification=ttl)
    backups = {"PointInTimeRecoveryEnabled": True}
    aws.dynamodb.update_continuous_backups(TableName="retained", PointInTimeRecoverySpecification=backups)
    for table in (TABLE, "retained"):
        assert main([*ARGUMENTS, f"--jobs-table={table}"]) == ExitCode.DONE
    texts = [given["TemplateBody"] for name, given in stacks.calls if name == "create"]
    restored, retained = (json.loads(text)["Resources"]["JobsTable"]["Properties"] for text in texts)
    assert retained == RESOURCES["JobsTable"]["Properties"]
    assert retained.keys() - restored.keys() == {
        "DeletionProtectionEnabled",
        "PointInTimeRecoverySpecification",
        "SSESpecification",
        "TimeToLiveSpecification",
    }


def test_what_a_deleted_stack_leaves_behind_has_no_name_that_the_next_one_needs() -> None:
    names = {"TableName", "BucketName", "Name"}
    retained = {name: each for name, each in TEMPLATE["Resources"].items() if each.get("DeletionPolicy", "") != ""}
    assert len(retained) >= 6
    assert [name for name, each in retained.items() if names & each["Properties"].keys()] == []
    assert [name for name, output in TEMPLATE["Outputs"].items() if "Export" in output] == []
