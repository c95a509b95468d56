"""``suno-jobs adopt-file``: takes over tasks that were created elsewhere, and reports what was saved of each."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TextIO

from cyclopts import Parameter

from suno_jobs.cli import aws
from suno_jobs.cli.options import JobsTable
from suno_jobs.cli.problems import ExitCode, WrongArgument
from suno_jobs.cli.stack import NO_STACK, StackOption
from suno_jobs.errors import ClientError
from suno_jobs.intake.adoption import AdoptionRequest, TaskAdopter, parse_adoption
from suno_jobs.intake.creation import JobCreator
from suno_jobs.jobs.identifiers import SHARED_ACCOUNT, TENANT_RULE, is_tenant_name
from suno_jobs.jobs.record import Job, JobView, TrackState
from suno_jobs.jobs.schedule import slack
from suno_jobs.jobs.states import JobState
from suno_jobs.lifecycle.unknown_tasks import unknown_task
from suno_jobs.runtime.executions import Executions
from suno_jobs.steps.submit_job import fingerprint
from suno_jobs.storage.deletions import Tombstone, UnknownTask
from suno_jobs.storage.jobs import JobStore

LOOK_SECONDS = 10.0
COLUMNS = ("gateway", "kind", "task_id")


@dataclass(slots=True)
class Line:
    """One line of the file with a task. ``problem`` is why it has no job."""

    number: int
    wanted: dict[str, Any]
    job_id: str | None = None
    problem: str | None = None
    view: JobView | None = field(default=None, repr=False)

    @property
    def ended(self) -> bool:
        return self.job_id is None or (self.view is not None and self.view.job.terminal)

    @property
    def saved(self) -> bool:
        return self.view is not None and self.view.job.state is JobState.SUCCEEDED and not self.view.partial


def read_lines(file: TextIO) -> list[Line]:
    """CSV with a header, or JSON lines: gateway, kind and task_id of each task. Raises WrongArgument."""
    rows = [(number, text) for number, text in enumerate(file.read().splitlines(), 1) if text.strip()]
    if not rows:
        raise WrongArgument("the file is empty")
    if rows[0][1].lstrip().startswith("{"):
        return [Line(number, _json_object(number, text)) for number, text in rows]
    header = [name.strip() for name in next(csv.reader([rows[0][1]]))]
    if sorted(header) != sorted(COLUMNS):
        raise WrongArgument(f"line {rows[0][0]} must name the columns {', '.join(COLUMNS)}")
    return [Line(number, _csv_row(number, header, text)) for number, text in rows[1:]]


def _json_object(number: int, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise WrongArgument(f"line {number} is no JSON: {error}") from error
    if not isinstance(value, dict) or sorted(value) != sorted(COLUMNS):
        raise WrongArgument(f"line {number} must be an object with {', '.join(COLUMNS)}")
    return value


def _csv_row(number: int, header: Sequence[str], text: str) -> dict[str, Any]:
    values = [value.strip() for value in next(csv.reader([text]))]
    if len(values) != len(header):
        raise WrongArgument(f"line {number} must have {len(header)} values")
    return dict(zip(header, values, strict=True))


@dataclass(frozen=True, slots=True)
class FileAdopter:
    """Adopts for one tenant from one account. May be repeated: a task that is known returns its job.

    While another tenant's job may have a task at the account that it does not know, no task is adopted there that may be that
    one, unless ``allow_unknown_owner`` is set.
    """

    adopter: TaskAdopter
    tenant: str
    account: str
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    allow_unknown_owner: bool = False

    def adopt_lines(self, lines: Iterable[Line], progress: Callable[[str], None]) -> None:
        # An operator who knows the id of a task knows it later than its submission began.
        unknown = [] if self.allow_unknown_owner else self._unknown_tasks()
        created = 0
        for line in lines:
            body = {**line.wanted, "adopt": {"task_id": line.wanted["task_id"]}}
            del body["task_id"]
            try:
                request = parse_adoption(body)
                line.problem = self._unknown_owner(request, unknown)
                if line.problem is None:
                    view, new = self.adopter.adopt_task(self.tenant, self.account, request, fingerprint(body))
                    line.job_id, created = view.job.job_id, created + new
            except ClientError as error:
                line.problem = " ".join(error.detail.split())
        known = sum(line.job_id is not None for line in lines) - created
        progress(f"{created} new jobs, {known} known, {sum(line.problem is not None for line in lines)} refused")

    def _unknown_tasks(self) -> list[tuple[Job | Tombstone, UnknownTask]]:
        """Jobs of other tenants that may have a task which they do not know. They may be deleted."""
        jobs = self.adopter.creator.jobs
        found = [job for job in map(jobs.get_any, jobs.due_index.job_ids()) if job and job.tenant != self.tenant]
        tasks = [(job, job.unknown_task if isinstance(job, Tombstone) else unknown_task(job)) for job in found]
        return [(job, task) for job, task in tasks if task]

    def _unknown_owner(self, request: AdoptionRequest, unknown: Iterable[tuple[Job | Tombstone, UnknownTask]]) -> str | None:
        """Why the owner of the task is unknown. Raises TaskNotFound if another tenant is its owner."""
        job = next((job for job, task in unknown if task.may_be_at(request.gateway, self.account)), None)
        if job is None or self.adopter.find_job(self.tenant, self.account, request):
            return None
        return (
            f"{job.job_id} may have submitted this task, since one of its tasks is unknown. Then it belongs to the tenant "
            f"{job.tenant}. Repeat the command later, or with --allow-unknown-owner if you know that it does not."
        )

    def watch(self, lines: Sequence[Line], seconds: float, progress: Callable[[str], None]) -> None:
        """Until every job has ended, at most for so many seconds. The jobs continue without it."""
        until = self.clock() + seconds
        while True:
            for line in lines:
                if not line.ended and line.job_id:
                    line.view = self.adopter.creator.jobs.view(line.job_id)
            states = Counter(str(line.view.job.state) for line in lines if line.view)
            progress(", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "no job")
            if all(line.ended for line in lines) or self.clock() >= until:
                return
            self.sleep(min(LOOK_SECONDS, max(0.0, until - self.clock())))


def report(lines: Iterable[Line]) -> Iterator[str]:
    """One line of JSON for each line of the file: what was saved, or why nothing was."""
    for line in lines:
        found = {"line": line.number, **line.wanted, "job_id": line.job_id, **_result(line)}
        yield json.dumps(found, ensure_ascii=False)


def _result(line: Line) -> dict[str, Any]:
    view = line.view
    if view is None:
        return {"state": None, "error": line.problem}
    stored = [track for track in view.tracks if track.state is TrackState.STORED]
    files = [asset for track in stored for asset in track.assets]
    return {
        "state": view.job.state,
        "partial": view.partial,
        "tracks": len(stored),
        "files": len(files),
        "bytes": sum(asset.bytes for asset in files),
        "result": view.result is not None,
        "error": f"{view.job.fault.code}: {view.job.fault.message}" if view.job.fault else None,
    }


def adopt_file(  # noqa: PLR0913 - the options of a command
    *,
    file: Annotated[Path, Parameter(name="--from", help="CSV with a header, or JSON lines: gateway, kind, task_id")],
    tenant: Annotated[str, Parameter(help="the tenant that gets the jobs")],
    account: Annotated[str, Parameter(help="the account that has the tasks, as in the accounts secret")] = SHARED_ACCOUNT,
    stack: StackOption = NO_STACK,
    table: JobsTable = None,
    state_machine: Annotated[str | None, Parameter(help="the stack's output StateMachineArn")] = None,
    deadline: Annotated[int, Parameter(help="seconds in which each task must end")] = 21_600,
    wait: Annotated[int, Parameter(help="seconds to wait for the jobs; they continue without the command")] = 3600,
    allow_unknown_owner: Annotated[
        bool, Parameter(negative="", help="adopt although a task may be one that another tenant's job submitted")
    ] = False,
) -> int:
    """Take over tasks that were created elsewhere, and print one line of JSON about each. May be repeated.

    ```
    suno-jobs adopt-file --from tasks.csv --tenant acme --stack suno-jobs-dev
    ```
    """
    if not is_tenant_name(tenant):
        raise WrongArgument(TENANT_RULE)
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            lines = read_lines(opened)
    except (OSError, UnicodeDecodeError) as error:
        raise WrongArgument(f"{file} cannot be read: {error}") from error
    longest = 60
    creator = JobCreator(
        jobs=JobStore(aws.dynamodb(), stack.output("JobsTable", table)),
        executions=Executions(aws.stepfunctions(), stack.output("StateMachineArn", state_machine), longest),
        deadline_seconds=deadline,
        slack_seconds=slack(longest),
        quotas=None,
        clock=time.time,
    )
    adopter = FileAdopter(TaskAdopter(creator), tenant, account, time.monotonic, time.sleep, allow_unknown_owner)
    # Metrics are printed for CloudWatch, which reads the output of functions only.
    with redirect_stdout(io.StringIO()):
        adopter.adopt_lines(lines, _print_progress)
    adopter.watch(lines, wait, _print_progress)
    print(*report(lines), sep="\n")
    return ExitCode.DONE if all(line.saved for line in lines) else ExitCode.NOT_DONE


def _print_progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
