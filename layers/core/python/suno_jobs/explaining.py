"""``suno-jobs explain``: one job as a timeline that a person can read. It shows no link, no MAC and no body of a receipt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from suno_jobs.errors import Fault
from suno_jobs.history import Entry
from suno_jobs.models import Job, JobView, Track
from suno_jobs.receipts import Receipt
from suno_jobs.workflow import Executions


def explain(view: JobView, receipts: Iterable[Receipt]) -> Iterator[str]:
    """The lines of the timeline: what the job is, what became of it and what the gateway said, and what is stored."""
    job = view.job
    yield f"{job.job_id}  {job.kind} for {job.tenant}, at {job.gateway}, task {job.task_id or 'unknown'}: {job.state}"
    if job.fault:
        yield f"  {_told(job.fault)}"
    yield from (
        f"  {name} {job_id}" for name, job_id in (("does over", job.retry_of), ("done over by", job.retried_as)) if job_id
    )
    yield ""
    moments = [(at, line) for entry in map(Entry.read, job.history) for at, line in [_change(job, entry)]]
    moments += [moment for receipt in receipts for moment in _came(receipt)]
    yield from (f"{_time(at)}  {line}" for at, line in sorted(moments, key=lambda moment: moment[0]))
    yield from _outlook(job)
    for track in view.tracks:
        yield from _track(track)


def _change(job: Job, entry: Entry) -> tuple[int, str]:
    told = f"{entry.state:<15} {entry.gateway}, by {entry.cause}, execution {Executions.name(job.job_id, entry.execution)}"
    return entry.at, f"{told}: {entry.code}" if entry.code else told


def _came(receipt: Receipt) -> Iterator[tuple[int, str]]:
    status = f", HTTP {receipt.http_status}" if receipt.http_status else ""
    yield receipt.first_at, f"  {receipt.source} received{status}, {receipt.bytes} bytes"
    if receipt.times > 1:
        yield receipt.last_at, f"  {receipt.source} received{status}, once more, {receipt.times} times in all"


def _outlook(job: Job) -> Iterator[str]:
    moments = (
        ("submitted again", job.submit_after if job.intent is None and not job.terminal else None),
        ("waits for its task's callback until", job.grace_until),
        ("ends at the latest", None if job.terminal else job.deadline_at),
        ("looked after until", job.care_until),
    )
    for name, moment in moments:
        if moment:
            yield f"{_time(moment)}  ({name})"


def _track(track: Track) -> Iterator[str]:
    yield f"\ntrack {track.track_id}: {track.state}, {track.title or 'no title'}, {track.duration_seconds or 0:.1f} s"
    for asset in track.assets:
        yield f"  {asset.kind:<12} {asset.bytes:>12} bytes  sha256 {asset.sha256[:16]}  {asset.key}"
    for name, fault in track.missing.items():
        yield f"  {name:<12} missing: {_told(fault)}"
    if track.fault:
        yield f"  {_told(track.fault)}"


def _told(fault: Fault) -> str:
    beside = ", ".join(f"{name} {value}" for name, value in (("code", fault.gateway_code), ("trace", fault.trace_id)) if value)
    return f"{fault.code}: {fault.message}" + (f" ({beside})" if beside else "")


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
