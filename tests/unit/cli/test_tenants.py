"""Export and deletion of a tenant: both continue where they were interrupted, and touch no other tenant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suno_jobs.cli.main import main
from suno_jobs.cli.problems import CommandError, ExitCode
from suno_jobs.cli.tenants import TenantDeleter, TenantExporter
from suno_jobs.errors import JobNotFound
from suno_jobs.steps.delete_job import JobDeleter
from suno_jobs.storage.job_list import JobList
from suno_jobs.storage.receipts import ReceiptSource
from suno_jobs.webhooks.endpoint_table import EndpointTable
from suno_jobs.webhooks.endpoints import SUBSCRIBED, Endpoint
from tests.builders import cancel
from tests.world import BUCKET, RECEIPTS, TABLE, World

PLACES = ("--table", TABLE, "--bucket", BUCKET, "--receipts", RECEIPTS)


def ended(world: World, key: str = "key-1") -> str:
    job_id = world.accept(key=key)
    cancel(world, job_id)
    for name in (f"acme/{job_id}/m-1/audio.mp3", f"quarantine/acme/{job_id}/m-1/aa"):
        world.s3.put_object(Bucket=BUCKET, Key=name, Body=b"bytes")
    world.receipts.record(job_id, ReceiptSource.CALLBACK, b"{}", gateway="ttapi", now=world.now)
    world.jobs.tracks.record_lyrics(job_id, "m-1", "rain")
    return job_id


def of_other(world: World) -> str:
    body = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "snow"}}
    job_id = world.job_submitter().submit_job("other", body, "k")[0].job.job_id
    world.s3.put_object(Bucket=BUCKET, Key=f"other/{job_id}/m-1/audio.mp3", Body=b"other")
    return job_id


def test_everything_of_a_tenant_is_exported(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job_id, other = ended(world), of_other(world)
    capsys.readouterr()
    assert main(("tenants", "export", "acme", str(tmp_path), *PLACES)) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"1  {job_id} exported"
    names = sorted(str(path.relative_to(tmp_path / job_id)) for path in tmp_path.rglob("*") if path.is_file())
    assert [name for name in names if not name.startswith("receipts/callback-")] == [
        "files/m-1/audio.mp3",
        "job.json",
        "quarantine/m-1/aa",
    ]
    record = json.loads((tmp_path / job_id / "job.json").read_text())
    assert record["job"]["request"]["input"]["prompt"] == "a song about rain"
    assert (record["lyrics"], [event["state"] for event in record["events"]]) == ({"m-1": "rain"}, ["ACCEPTED", "CANCELLED"])
    assert not (tmp_path / other).exists()


def test_an_export_continues_with_what_is_new_or_has_changed(world: World, tmp_path: Path) -> None:
    done, begun = ended(world), ended(world, "key-2")
    exporter = TenantExporter(
        jobs=world.jobs,
        job_list=JobList(world.dynamodb, TABLE),
        receipts=world.receipts,
        s3=world.s3,
        bucket=BUCKET,
        folder=tmp_path,
    )
    assert len(list(exporter.export_jobs("acme"))) == 3
    (tmp_path / begun / "job.json").unlink()
    assert next(lines := exporter.export_jobs("acme")) == f"1  {begun} exported"
    assert len(list(lines)) == 1
    world.clock.sleep(10)
    world.jobs.mark_announced(world.job(done), recoverable_until=None, due_at=None, now=world.now)
    assert next(lines := exporter.export_jobs("acme")) == f"1  {done} exported"
    assert len(list(lines)) == 1
    assert list(exporter.export_jobs("acme")) == [f"0 jobs exported to {tmp_path}, 2 were there already"]
    with pytest.raises(CommandError, match="outside"):
        exporter._inside(done, "files/../../../x")


def test_a_tenant_is_deleted_and_the_others_stay(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    job_ids, other = [ended(world), ended(world, "key-2")], of_other(world)
    capsys.readouterr()
    assert main(("tenants", "delete", "acme", *PLACES, "--confirm", "acme")) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 jobs deleted"
    assert [world.jobs.view(job_id) for job_id in job_ids] == [None, None]
    keys = [each["Key"] for each in world.s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert keys == [f"other/{other}/m-1/audio.mp3"]
    assert main(("tenants", "delete", "acme", *PLACES, "--confirm", "acme")) == 0
    assert capsys.readouterr().out == "0 jobs deleted\n"


def test_a_deletion_names_the_jobs_that_have_not_ended_and_can_be_repeated(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    gone, running = ended(world), world.accept(key="key-2")
    assert main(("tenants", "delete", "acme", *PLACES, "--confirm", "acme")) == ExitCode.REFUSED
    assert f"1 jobs have not ended: {running}" in capsys.readouterr().err
    assert world.jobs.view(gone) is None
    cancel(world, running)
    assert main(("tenants", "delete", "acme", *PLACES, "--confirm", "acme")) == 0


def test_a_deletion_ends_with_the_webhooks_of_the_tenant_and_of_its_sandbox(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    table = EndpointTable(world.dynamodb, TABLE)
    for tenant in ("acme", "acme.test", "other"):
        table.create(Endpoint(endpoint_id="we_1", tenant=tenant, events=SUBSCRIBED, secret="whsec_AAAA", recorded_at=1))
    running = world.accept()
    assert main(("tenants", "delete", "acme", *PLACES, "--confirm", "acme")) == ExitCode.REFUSED
    assert len(table.of_tenant("acme")) == 1, "it gets the end of the job"
    cancel(world, running)
    capsys.readouterr()
    assert main(("tenants", "delete", "acme", *PLACES, "--confirm", "acme")) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"1  {running} deleted",
        "webhook we_1 of acme deleted",
        "webhook we_1 of acme.test deleted",
        "1 jobs deleted",
    ]
    assert [len(table.of_tenant(tenant)) for tenant in ("acme", "acme.test", "other")] == [0, 0, 1]


def test_the_deletion_of_a_sandbox_leaves_the_webhooks_of_the_tenant(world: World) -> None:
    table = EndpointTable(world.dynamodb, TABLE)
    table.create(Endpoint(endpoint_id="we_1", tenant="acme", events=SUBSCRIBED, secret="whsec_AAAA", recorded_at=1))
    assert main(("tenants", "delete", "acme.test", *PLACES, "--confirm", "acme.test")) == 0
    assert len(table.of_tenant("acme")) == 1


def test_a_deletion_has_to_be_confirmed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = ended(world)
    assert main(("tenants", "delete", "acme", *PLACES, "--confirm", "acm")) == ExitCode.WRONG_ARGUMENTS
    assert "repeat the name" in capsys.readouterr().err
    assert world.jobs.view(job_id)


def test_a_job_that_the_list_still_has_is_skipped(world: World) -> None:
    ended(world)

    class Gone(JobDeleter):
        def delete_job(self, tenant: str, job_id: str) -> None:
            raise JobNotFound(f"{tenant} {job_id}")

    deleter = Gone(jobs=world.jobs, eraser=world.job_eraser(), clock=world.clock)
    endpoints = EndpointTable(world.dynamodb, TABLE)
    deletions = TenantDeleter(job_list=JobList(world.dynamodb, TABLE), deleter=deleter, endpoints=endpoints)
    assert list(deletions.delete_everything("acme")) == ["0 jobs deleted"]
