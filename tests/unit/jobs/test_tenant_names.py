"""Names of tenants: 1 to 64 of ``a-z 0-9 -``, checked where a key is created, where it is used, and before a job exists."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.cli.keys import create_key
from suno_jobs.cli.main import main
from suno_jobs.cli.problems import WrongArgument
from suno_jobs.errors import InvalidRequest
from suno_jobs.jobs.identifiers import TENANT_RULE, is_tenant_name
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.states import JobState
from suno_jobs.steps.authorize import find_caller, key_hash
from suno_jobs.steps.retry_job import JobRetrier
from suno_jobs.storage.attribute_values import pack
from tests.world import API_KEYS_TABLE, TABLE, World, a_job

VALID = ["a", "0", "acme", "acme-2", "-", "a" * 64, "quarantine-1", "in-quarantine", "default-1"]
RESERVED = ["default", "quarantine"]
INVALID = ["", "a/b", "../x", "a" * 65, "x" * 2000, "Acme", "a b", "a_b", "a.b", "acme\n", "\0", "é", "\uff11", *RESERVED]
API_KEY = "k" * 43
BODY = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "a song about rain"}}


@pytest.mark.parametrize("name", VALID)
def test_a_valid_name_is_accepted_everywhere(
    aws: SimpleNamespace, world: World, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    aws.dynamodb.create_table(TableName="keys", **API_KEYS_TABLE)
    assert main(["create-key", "--table", "keys", "--", name]) == 0
    assert find_caller(aws.dynamodb, "keys", f"Bearer {capsys.readouterr().out.strip()}") == (name, False)
    assert world.job_submitter().submit_job(name, BODY, None)[0].job.tenant == name


@pytest.mark.parametrize("name", INVALID, ids=lambda name: ascii(name[:70]))
def test_no_key_is_created_for_an_invalid_name(aws: SimpleNamespace, capsys: pytest.CaptureFixture[str], name: str) -> None:
    aws.dynamodb.create_table(TableName="keys", **API_KEYS_TABLE)
    assert main(["create-key", "--table", "keys", "--", name]) == 2
    assert capsys.readouterr() == ("", f"{TENANT_RULE}\n")
    with pytest.raises(WrongArgument, match="1 to 64"):
        create_key(aws.dynamodb, "keys", name, lambda: API_KEY)
    assert aws.dynamodb.scan(TableName="keys")["Count"] == 0


@pytest.mark.parametrize("tenant", [*INVALID, 7, None, ["acme"]], ids=lambda tenant: ascii(tenant)[:70])
def test_a_key_with_an_invalid_tenant_is_not_authorized(aws: SimpleNamespace, tenant: Any) -> None:
    aws.dynamodb.create_table(TableName="keys", **API_KEYS_TABLE)
    aws.dynamodb.put_item(TableName="keys", Item=pack({"key_hash": key_hash(API_KEY), "tenant": tenant}))
    assert find_caller(aws.dynamodb, "keys", f"Bearer {API_KEY}") is None


def test_a_key_without_a_tenant_is_not_authorized(aws: SimpleNamespace) -> None:
    aws.dynamodb.create_table(TableName="keys", **API_KEYS_TABLE)
    aws.dynamodb.put_item(TableName="keys", Item=pack({"key_hash": key_hash(API_KEY)}))
    assert find_caller(aws.dynamodb, "keys", f"Bearer {API_KEY}") is None


@pytest.mark.parametrize("name", INVALID, ids=lambda name: ascii(name[:70]))
@pytest.mark.parametrize("key", [None, "k"])
def test_no_job_is_created_for_an_invalid_tenant(world: World, name: str, key: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        world.job_submitter().submit_job(name, BODY, key)
    assert refused.value.members["errors"] == [{"header": "Authorization", "detail": TENANT_RULE}]
    assert world.dynamodb.scan(TableName=TABLE)["Count"] == 0
    assert not world.executions.states


def test_no_job_of_an_invalid_tenant_is_retried(world: World) -> None:
    old = failed_job_of(world, "a/b")
    with pytest.raises(InvalidRequest):
        JobRetrier(world.job_creator()).retry_job("a/b", old.job_id, {})
    assert [item["job_id"]["S"] for item in world.items("JOB")] == [old.job_id]
    assert not world.executions.states


def failed_job_of(world: World, tenant: str) -> Job:
    job = a_job(job_id="job_" + "0" * 26, tenant=tenant, state=JobState.FAILED)
    assert world.jobs.submissions.create(
        job, {"gateway": "ttapi", "input": BODY["input"], "sources": [], "gateways": ["ttapi"]}, due_at=0
    )
    return job


def test_the_rule_is_the_one_that_is_enforced() -> None:
    assert TENANT_RULE == "A tenant's name has 1 to 64 characters of a-z, 0-9 and -, and is neither default nor quarantine."
    accepted = "".join(character for character in map(chr, range(0x3000)) if is_tenant_name(character))
    assert accepted == "-0123456789abcdefghijklmnopqrstuvwxyz"
