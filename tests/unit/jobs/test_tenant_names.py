"""Names of tenants: 1 to 64 of ``a-z 0-9 -``, checked where a tenant, a key or a job is created or used."""

from __future__ import annotations

import re

import pytest

from suno_jobs.cli.main import main
from suno_jobs.errors import InvalidRequest
from suno_jobs.jobs.identifiers import (
    JOB_ID_PATTERN,
    TENANT_RULE,
    Mode,
    derived_job_id,
    is_tenant_name,
    may_own_jobs,
    mode_of,
    mode_of_job,
    random_job_id,
    sandbox_of,
    tenant_name,
)
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.states import JobState
from suno_jobs.steps.retry_job import JobRetrier
from tests.world import TABLE, World, a_job

VALID = ["a", "0", "acme", "acme-2", "-", "a" * 64, "quarantine-1", "in-quarantine", "default-1"]
RESERVED = ["default", "quarantine"]
INVALID = ["", "a/b", "../x", "a" * 65, "x" * 2000, "Acme", "a b", "a_b", "a.b", "acme\n", "\0", "é", "\uff11", *RESERVED]
BODY = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "a song about rain"}}


@pytest.mark.usefixtures("aws_on_moto")
@pytest.mark.parametrize("name", VALID)
def test_a_valid_name_is_accepted_everywhere(world: World, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["tenants", "create", "--table", TABLE, "--", name]) == 0
    assert capsys.readouterr().out == f"{name} created\n"
    assert world.job_submitter().submit_job(name, BODY, None)[0].job.tenant == name


@pytest.mark.parametrize("name", INVALID, ids=lambda name: ascii(name[:70]))
def test_no_tenant_is_created_with_an_invalid_name(world: World, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["tenants", "create", "--table", TABLE, "--", name]) == 2
    assert capsys.readouterr() == ("", f"{TENANT_RULE}\n")
    assert world.dynamodb.scan(TableName=TABLE)["Count"] == 0


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


def test_the_sandbox_of_a_tenant_is_a_tenant_of_its_own() -> None:
    assert sandbox_of("acme") == sandbox_of("acme.test") == "acme.test"
    assert (tenant_name("acme.test"), tenant_name("acme")) == ("acme", "acme")
    assert (mode_of("acme.test"), mode_of("acme"), mode_of("test")) == (Mode.TEST, Mode.LIVE, Mode.LIVE)
    assert [may_own_jobs(name) for name in ("acme", "acme.test", "acme.test.test", ".test", "quarantine.test", None)] == [
        *(True, True),
        *(False,) * 4,
    ]
    assert not is_tenant_name("acme.test")


def test_the_mode_is_part_of_the_id_of_a_job() -> None:
    for tenant, mode in (("acme", Mode.LIVE), ("acme.test", Mode.TEST)):
        for job_id in (derived_job_id(tenant, "key"), random_job_id(tenant, 1.0, bytes)):
            assert re.fullmatch(JOB_ID_PATTERN, job_id)
            assert mode_of_job(job_id) is mode
            assert job_id.startswith("job_test_") == (mode is Mode.TEST)
    assert derived_job_id("acme", "key")[-26:] != derived_job_id("acme.test", "key")[-26:]
