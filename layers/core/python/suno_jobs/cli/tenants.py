"""``suno-jobs tenants``: creating and listing tenants, their limits, and exporting and deleting everything stored of one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from suno_jobs.cli import aws
from suno_jobs.cli.options import AsJson, AssetsBucket, JobsTable, ReceiptsBucket, TenantName, show
from suno_jobs.cli.problems import CommandError, NotFound, WrongArgument
from suno_jobs.cli.stack import NO_STACK, StackOption
from suno_jobs.errors import JobNotFound, WrongState
from suno_jobs.jobs.identifiers import TENANT_RULE, is_tenant_name, sandbox_of
from suno_jobs.jobs.record import Job, JobView
from suno_jobs.jobs.views import events_view, job_view
from suno_jobs.lifecycle.asset_files import QUARANTINE
from suno_jobs.lifecycle.erasure import JobEraser
from suno_jobs.steps.delete_job import JobDeleter
from suno_jobs.storage.job_list import JobList
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import ReceiptStore
from suno_jobs.tenants.limits import Limits
from suno_jobs.tenants.tenant_list import Tenant, TenantList
from suno_jobs.webhooks.endpoint_table import EndpointTable

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

Folder = Annotated[Path, Parameter(help="a folder on this machine; it is created")]
NumberLimit = Annotated[int | None, Parameter(help="at most this many; without it, there is no such limit")]
Confirmation = Annotated[str, Parameter(help="the name of the tenant once more, since the deletion cannot be undone")]

app = App(
    name="tenants", help="Create and list tenants and limit their use; export or delete everything that is stored of one."
)


@app.command(name="create")
def create_tenant(
    tenant: TenantName, /, *, stack: StackOption = NO_STACK, table: JobsTable = None, as_json: AsJson = False
) -> None:
    """Create a tenant, to which API keys can belong.

    ```
    suno-jobs tenants create acme --stack suno-jobs-dev
    ```
    """
    if not is_tenant_name(tenant):
        raise WrongArgument(TENANT_RULE)
    TenantList(aws.dynamodb(), stack.output("JobsTable", table)).create(Tenant(tenant, int(time.time())))
    show({"tenant": tenant}, [f"{tenant} created"], as_json=as_json)


@app.command(name="list")
def list_tenants(*, stack: StackOption = NO_STACK, table: JobsTable = None, as_json: AsJson = False) -> None:
    """Show all tenants with their limits.

    ```
    suno-jobs tenants list --stack suno-jobs-dev
    ```
    """
    limits = {each.name: each.limits.to_item() for each in TenantList(aws.dynamodb(), stack.output("JobsTable", table)).all()}
    lines = ("  ".join([name, *(f"{limit}={value}" for limit, value in each.items())]) for name, each in limits.items())
    show([{"tenant": name, "limits": each} for name, each in limits.items()], lines, as_json=as_json)


@app.command(name="set-limits")
def set_limits(  # noqa: PLR0913 - an option for each limit
    tenant: TenantName,
    /,
    *,
    stack: StackOption = NO_STACK,
    table: JobsTable = None,
    requests_per_second: NumberLimit = None,
    jobs_in_progress: NumberLimit = None,
    jobs_per_day: NumberLimit = None,
    jobs_per_month: NumberLimit = None,
    usd_per_month: Annotated[float | None, Parameter(help="at most this much; without it, there is no such limit")] = None,
    as_json: AsJson = False,
) -> None:
    """Replace all limits of a tenant; a function instance may use the earlier ones for 60 s longer.

    ```
    suno-jobs tenants set-limits acme --jobs-in-progress 20 --usd-per-month 500 --stack suno-jobs-dev
    ```
    """
    limits = Limits(
        requests_per_second=requests_per_second,
        jobs_in_progress=jobs_in_progress,
        jobs_per_day=jobs_per_day,
        jobs_per_month=jobs_per_month,
        usd_per_month=usd_per_month,
    )
    if not all(0 <= value < inf for value in limits.to_item().values()):
        raise WrongArgument("a limit must not be negative")
    tenants = TenantList(aws.dynamodb(), stack.output("JobsTable", table))
    if tenants.read(tenant) is None:
        raise NotFound(f"There is no tenant {tenant}. suno-jobs tenants list shows all.")
    tenants.set_limits(tenant, limits)
    line = f"{tenant} limited" if limits.to_item() else f"{tenant} has no limits"
    show({"tenant": tenant, "limits": limits.to_item()}, [line], as_json=as_json)


@app.command(name="export")
def export_tenant(  # noqa: PLR0913 - the options of a command
    tenant: TenantName,
    folder: Folder,
    /,
    *,
    stack: StackOption = NO_STACK,
    table: JobsTable = None,
    bucket: AssetsBucket = None,
    receipts: ReceiptsBucket = None,
    as_json: AsJson = False,
) -> None:
    """Copy the tenant's jobs and files to a folder. Repeat it to continue, or to add what has changed since.

    ```
    suno-jobs tenants export acme ./acme --stack suno-jobs-dev
    ```
    """
    table, bucket = stack.output("JobsTable", table), stack.output("AssetsBucket", bucket)
    receipts = stack.output("ReceiptsBucket", receipts)
    dynamodb, s3 = aws.dynamodb(), aws.s3()
    exporter = TenantExporter(
        jobs=JobStore(dynamodb, table),
        job_list=JobList(dynamodb, table),
        receipts=ReceiptStore(dynamodb, table, lambda: s3, receipts, ttl_days=0),
        s3=s3,
        bucket=bucket,
        folder=folder,
    )
    _show_progress(exporter.export_jobs(tenant), as_json=as_json)


@app.command(name="delete")
def delete_tenant(  # noqa: PLR0913 - the options of a command
    tenant: TenantName,
    /,
    *,
    stack: StackOption = NO_STACK,
    table: JobsTable = None,
    bucket: AssetsBucket = None,
    receipts: ReceiptsBucket = None,
    confirm: Confirmation,
    as_json: AsJson = False,
) -> None:
    """Delete the tenant's ended jobs with all their files, then its webhooks. Repeat it to continue, until no job is left.

    ```
    suno-jobs tenants delete acme --confirm acme --stack suno-jobs-dev
    ```
    """
    if confirm != tenant:
        raise WrongArgument("--confirm must repeat the name of the tenant")
    table, bucket = stack.output("JobsTable", table), stack.output("AssetsBucket", bucket)
    receipts = stack.output("ReceiptsBucket", receipts)
    dynamodb = aws.dynamodb()
    jobs = JobStore(dynamodb, table)
    eraser = JobEraser(deletions=jobs.deletions, s3=aws.s3(), assets_bucket=bucket, receipts_bucket=receipts)
    deleter = TenantDeleter(
        job_list=JobList(dynamodb, table),
        deleter=JobDeleter(jobs=jobs, eraser=eraser, clock=time.time),
        endpoints=EndpointTable(dynamodb, table),
    )
    _show_progress(deleter.delete_everything(tenant), as_json=as_json)


def _show_progress(lines: Iterable[str], *, as_json: bool) -> None:
    """As it happens. With JSON, one object for each line."""
    for line in lines:
        print(json.dumps({"message": line}, ensure_ascii=False) if as_json else line, flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantDeleter:
    job_list: JobList
    deleter: JobDeleter
    endpoints: EndpointTable

    def delete_everything(self, tenant: str) -> Iterator[str]:
        """Deletes every ended job and yields a line for each. May be repeated: a deleted job has left the list.

        Raises CommandError at the end if some jobs have not ended. Otherwise deletes the webhooks of the tenant and of its
        sandbox, which no client can delete once the keys are revoked. Until then they get the ends of the jobs.
        """
        deleted, running = 0, []
        for job in self.job_list.every_job(tenant):
            try:
                self.deleter.delete_job(tenant, job.job_id)
            except WrongState:
                running.append(job.job_id)
                continue
            except JobNotFound:  # the index still had it
                continue
            deleted += 1
            yield f"{deleted}  {job.job_id} deleted"
        if not running:
            yield from self._delete_webhooks(tenant)
        yield f"{deleted} jobs deleted"
        if running:
            raise CommandError(
                f"{len(running)} jobs have not ended: {', '.join(running[:5])}. Cancel them or wait, then repeat the command."
            )

    def _delete_webhooks(self, tenant: str) -> Iterator[str]:
        for owner in sorted({tenant, sandbox_of(tenant)}):
            for endpoint in self.endpoints.of_tenant(owner):
                self.endpoints.delete(endpoint)
                yield f"webhook {endpoint.endpoint_id} of {owner} deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantExporter:
    """Each job has a folder of its own, in which ``job.json`` is written last: a job that has one is complete."""

    jobs: JobStore
    job_list: JobList
    receipts: ReceiptStore
    s3: S3Client
    bucket: str
    folder: Path

    def export_jobs(self, tenant: str) -> Iterator[str]:
        """Exports every job that is new or has changed, and yields a line for each. May be repeated."""
        exported = unchanged = 0
        for job in self.job_list.every_job(tenant):
            view = None if self._is_exported(job) else self.jobs.view(job.job_id)
            if view is None:
                unchanged += 1
                continue
            self._export(view)
            exported += 1
            yield f"{exported}  {job.job_id} exported"
        yield f"{exported} jobs exported to {self.folder}, {unchanged} were there already"

    def _is_exported(self, job: Job) -> bool:
        known = self._record_of(job)
        return known.is_file() and json.loads(known.read_text())["updated_at"] == job.updated_at

    def _record_of(self, job: Job) -> Path:
        return self.folder / job.job_id / "job.json"

    def _export(self, view: JobView) -> None:
        job = view.job
        own = f"{job.tenant}/{job.job_id}/"
        for name, prefix in (("files", own), (QUARANTINE, f"{QUARANTINE}/{own}")):
            for key in self._keys(prefix):
                self._download(key, self._inside(job.job_id, f"{name}/{key.removeprefix(prefix)}"))
        for name, body in self.receipts.bodies(job.job_id):
            _write(self._inside(job.job_id, f"receipts/{name}"), body)
        record = {
            "updated_at": job.updated_at,
            "job": job_view(view),
            "lyrics": self.jobs.tracks.lyrics(job.job_id),
            "events": events_view(job),
        }
        _write(self._record_of(job), json.dumps(record, ensure_ascii=False, indent=2).encode())

    def _keys(self, prefix: str) -> Iterator[str]:
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            yield from (each["Key"] for each in page.get("Contents", ()))

    def _download(self, key: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")
        self.s3.download_file(self.bucket, key, str(part))
        part.replace(target)

    def _inside(self, job_id: str, name: str) -> Path:
        """A gateway chooses the ids of its tracks, which are part of the name."""
        root = (self.folder / job_id).resolve()
        target = (root / name).resolve()
        if not target.is_relative_to(root):
            raise CommandError(f"{name} would be outside {root}")
        return target


def _write(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    part.write_bytes(content)
    part.replace(target)
