"""``suno-jobs explain``: the readable timeline of one job. It contains no link, no MAC and no body of a receipt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from suno_jobs.cli import aws
from suno_jobs.cli.options import AsJson, JobId, JobsTable, show
from suno_jobs.cli.problems import NotFound
from suno_jobs.cli.stack import NO_STACK, StackOption
from suno_jobs.errors import Fault
from suno_jobs.jobs.history import Entry
from suno_jobs.jobs.record import Job, JobView, Track
from suno_jobs.jobs.views import events_view, iso_time, job_view
from suno_jobs.jobs.waiting import waiting_for
from suno_jobs.runtime.executions import execution_name
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import Receipt, ReceiptStore


def print_timeline(
    job_id: JobId, /, *, stack: StackOption = NO_STACK, table: JobsTable = None, as_json: AsJson = False
) -> None:
    """Print the history of a job.

    ```
    suno-jobs explain job_0123456789abcdefghijklmnop --stack suno-jobs-dev
    ```
    """
    table = stack.output("JobsTable", table)
    client = aws.dynamodb()
    if (view := JobStore(client, table).view(job_id)) is None:
        raise NotFound(f"no job {job_id}")
    receipts = [*ReceiptStore(client, table, aws.s3, "", ttl_days=0).list_receipts(job_id)]
    value = {"job": job_view(view), "events": events_view(view.job), "receipts": [receipt_view(each) for each in receipts]}
    show(value, explain(view, receipts), as_json=as_json)


def receipt_view(receipt: Receipt) -> dict[str, Any]:
    return {**asdict(receipt), "first_at": iso_time(receipt.first_at), "last_at": iso_time(receipt.last_at)}


def explain(view: JobView, receipts: Iterable[Receipt]) -> Iterator[str]:
    """The lines of the timeline: the job, its changes and what its gateway sent, its next step, and its tracks."""
    job = view.job
    yield f"{job.job_id}  {job.kind} for {job.tenant}, at {job.gateway}, task {job.task_id or 'unknown'}: {job.state}"
    yield from (f"  {_attempt(job, number)}" for number in range(len(job.attempts)))
    if job.fault:
        yield f"  {_fault_text(job.fault)}"
    yield from (f"  {name} {job_id}" for name, job_id in (("retry of", job.retry_of), ("retried as", job.retried_as)) if job_id)
    yield ""
    moments = [(at, line) for entry in map(Entry.read, job.history) for at, line in [_change(job, entry)]]
    moments += [moment for receipt in receipts for moment in _received(receipt)]
    yield from (f"{_time(at)}  {line}" for at, line in sorted(moments, key=lambda moment: moment[0]))
    yield from _next_moments(job)
    for track in view.tracks:
        yield from _track(track)
    for file in view.quarantine:
        kept = f"{file.bytes} bytes  sha256 {file.sha256[:16]}  of track {file.track_id}"
        yield f"quarantine  {file.kind:<12} {kept}: {file.reason}: {file.message}"


def _attempt(job: Job, number: int) -> str:
    attempt = job.attempts[number]
    line = f"attempt {number + 1} at {_time(attempt.at)}: "
    if not attempt.lost:
        return f"{line}task {attempt.task_id or 'none'}, {attempt.end or 'not ended'}"
    return line + ("in progress" if job.intent and attempt is job.attempts[-1] else "answer lost, task unknown")


def _change(job: Job, entry: Entry) -> tuple[int, str]:
    line = f"{entry.state:<15} {entry.gateway}, by {entry.cause}, execution {execution_name(job.job_id, entry.execution)}"
    line += f": {entry.code}" if entry.code else ""
    return entry.at, f"{line}, waits for {entry.wait.reason} until {_time(entry.wait.until)}" if entry.wait else line


def _received(receipt: Receipt) -> Iterator[tuple[int, str]]:
    status = f", HTTP {receipt.http_status}" if receipt.http_status else ""
    yield receipt.first_at, f"  {receipt.source} received{status}, {receipt.bytes} bytes"
    if receipt.times > 1:
        yield receipt.last_at, f"  {receipt.source} received{status} again, {receipt.times} times in total"


def _next_moments(job: Job) -> Iterator[str]:
    wait = waiting_for(job)
    moments = (
        (f"waits for {wait.reason} until then at the latest" if wait else "", wait.until if wait else None),
        ("deadline", None if job.terminal else job.deadline_at),
        ("end of recovery", job.recoverable_until),
    )
    for name, moment in moments:
        if moment:
            yield f"{_time(moment)}  ({name})"


def _track(track: Track) -> Iterator[str]:
    yield f"\ntrack {track.track_id}: {track.state}, {track.title or 'no title'}, {track.duration_seconds or 0:.1f} s"
    for asset in track.assets:
        yield f"  {asset.kind:<12} {asset.bytes:>12} bytes  sha256 {asset.sha256[:16]}  {asset.key}"
    for name, fault in track.missing.items():
        yield f"  {name:<12} missing: {_fault_text(fault)}"
    if track.fault:
        yield f"  {_fault_text(track.fault)}"


def _fault_text(fault: Fault) -> str:
    details = ", ".join(f"{name} {value}" for name, value in (("code", fault.gateway_code), ("trace", fault.trace_id)) if value)
    return f"{fault.code}: {fault.message}" + (f" ({details})" if details else "")


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
