"""What people see: tables on the standard output, progress on the standard error.

Colours are those of rich: none where ``NO_COLOR`` is set, or where the output is no terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from suno_jobs.cli.problems import printable
from suno_jobs_client.files import Progress
from suno_jobs_client.models import Job, JobSummary

_STYLES = {"SUCCEEDED": "green", "FAILED": "red", "TIMED_OUT": "red", "CANCELLED": "yellow"}


def print_json(value: BaseModel | Sequence[BaseModel] | Mapping[str, Any]) -> None:
    """One JSON value, as the API returned it."""
    print(json.dumps(_plain(value), indent=2, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def print_done(value: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """For requests whose answer has no content."""
    if as_json:
        print_json(value)
    else:
        print(text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """A table as wide as the terminal; in a pipe, as wide as its content.

    A word such as an id is never cut or folded, so that it can be copied. Where a terminal is too narrow for that, each row is
    a list of its values.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(columns):
        words = all(" " not in row[number].plain for row in cells)
        table.add_column(name, no_wrap=words, overflow="fold")
    for row in cells:
        table.add_row(*row)
    console = _console()
    if _fits(console, table):
        _print_table(console, table)
        return
    for row in cells:
        _print_lines(console, zip(columns, row, strict=True))
        console.print()


def print_facts(facts: Mapping[str, str | Text]) -> None:
    """Names and values, without those that are empty."""
    known = [(name, _cell(value)) for name, value in facts.items() if value]
    table = Table.grid(Column(no_wrap=True), Column(overflow="fold"), padding=(0, 2))
    for name, value in known:
        table.add_row(name, value)
    console = _console()
    if _fits(console, table):
        _print_table(console, table)
    else:
        _print_lines(console, known)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 1000, highlight=False, markup=False, emoji=False)


def _fits(console: Console, table: Table) -> bool:
    """Whether the longest word of every column has its place."""
    return Measurement.get(console, console.options.update(width=10_000), table).minimum <= console.width


def _print_table(console: Console, table: Table) -> None:
    with console.capture() as drawn:
        console.print(table)
    # Without the spaces that fill the last column.
    print("\n".join(line.rstrip() for line in drawn.get().splitlines()))


def _print_lines(console: Console, values: Iterable[tuple[str, Text]]) -> None:
    for name, value in values:
        if value:
            console.print(Text.assemble((name, "bold"), " ", value), soft_wrap=True)


def _cell(value: str | Text) -> Text:
    """Titles come from outside: no markup in them is followed, and no code for the terminal."""
    return value if isinstance(value, Text) else Text(printable(value))


def print_jobs(jobs: Iterable[Job | JobSummary]) -> None:
    rows = [
        (job.job_id, state_of(job), job.kind, job.gateway, f"{job.created_at:%Y-%m-%d %H:%M}", error_of(job)) for job in jobs
    ]
    print_table(("JOB", "STATE", "KIND", "GATEWAY", "CREATED", "ERROR"), rows)


def print_job(job: Job) -> None:
    """The job, and its tracks with their files."""
    waits = f"{job.waiting_for.reason} until {job.waiting_for.until:%H:%M:%S}" if job.waiting_for else ""
    cost = f"{job.cost.amount:g} {job.cost.unit}" if job.cost else ""
    facts: dict[str, str | Text] = {
        "job": job.job_id,
        "state": state_of(job),
        "gateway": job.gateway,
        "task": job.task_id or "",
        "waits for": waits,
        "charged": f"{job.charged} {cost}".strip(),
        "error": error_of(job),
        "recoverable until": f"{job.recoverable_until:%Y-%m-%d %H:%M}" if job.recoverable_until else "",
    }
    print_facts(facts)
    if job.tracks:
        print()
        print_tracks(job)
    if job.result:
        print()
        print_json(job.result)


def print_tracks(job: Job) -> None:
    rows = [
        (
            track.track_id,
            track.title or "",
            f"{track.duration_seconds:.1f} s" if track.duration_seconds else "",
            track.state,
            ", ".join(f"{asset.kind} {_size(asset.bytes)}" for asset in track.assets),
            ", ".join(track.missing),
        )
        for track in job.tracks
    ]
    print_table(("TRACK", "TITLE", "LENGTH", "STATE", "FILES", "MISSING"), rows)


def state_of(job: Job | JobSummary) -> Text:
    partial = " (partial)" if isinstance(job, Job) and job.partial else ""
    return Text(job.state + partial, style=_STYLES.get(job.state, "cyan"))


def error_of(job: Job | JobSummary) -> str:
    return f"{job.error.code}: {job.error.message}" if job.error else ""


def stage_of(job: Job) -> str:
    """``GENERATING, first (waits for the callback)``."""
    stage = f", {job.progress}" if job.progress != "queued" else ""
    waits = f" (waits for: {job.waiting_for.reason})" if job.waiting_for else ""
    return f"{job.state}{stage}{waits}"


def report(text: str) -> None:
    """A line about the progress, beside the result."""
    print(text, file=sys.stderr, flush=True)


def reporting_changes() -> Callable[[Job], None]:
    """A function that reports a job when it is in another state or stage than before."""
    last: list[str] = []

    def changed(job: Job) -> None:
        stage = stage_of(job)
        if last[-1:] != [stage]:
            last.append(stage)
            report(f"{job.job_id}  {stage}")

    return changed


def reporting_files() -> Callable[[Progress], None]:
    """A function that reports each file once it is complete."""

    def progressed(progress: Progress) -> None:
        if progress.done == progress.file.bytes:
            report(f"{progress.file.name}  {_size(progress.done)}")

    return progressed


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1_000_000:.1f} MB" if count >= 1_000_000 else f"{count / 1000:.0f} kB"
