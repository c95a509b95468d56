"""The commands about jobs that exist, and ``suno-jobs gateways`` and ``usage``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated

import anyio
from cyclopts import Parameter

from suno_jobs.cli.client import screen
from suno_jobs.cli.client.access import connect, connect_async
from suno_jobs.cli.client.options import AsJson, JobId, Limit
from suno_jobs.cli.problems import ExitCode, WrongArgument
from suno_jobs_client import AsyncSunoJobs, SunoJobs
from suno_jobs_client.calls import Filters
from suno_jobs_client.models import Job


def list_jobs(
    *,
    state: Annotated[
        Sequence[str], Parameter(negative="", show_default=False, help="only jobs in this state; repeat it for several")
    ] = (),
    kind: Annotated[str | None, Parameter(help="only jobs of this kind")] = None,
    gateway: Annotated[str | None, Parameter(help="only jobs at this gateway")] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List your jobs, newest first.

    ```
    suno-jobs list --state FAILED --state TIMED_OUT --limit 50
    ```
    """
    filters: Filters = {}
    if state:
        filters["state"] = list(state)
    if kind:
        filters["kind"] = kind
    if gateway:
        filters["gateway"] = gateway
    with connect() as suno:
        jobs = list(islice(suno.list(**filters), limit))
    if as_json:
        screen.print_json(jobs)
    else:
        screen.print_jobs(jobs)


def get_job(job: JobId, /, *, as_json: AsJson = False) -> None:
    """Show a job and its tracks.

    ```
    suno-jobs get job_0123456789abcdefghijklmnop
    ```
    """
    with connect() as suno:
        _show(suno.get(job), as_json=as_json)


def watch_jobs(*jobs: JobId, as_json: AsJson = False) -> int:
    """Follow jobs until all of them have ended. The exit code is that of the worst result.

    ```
    suno-jobs watch job_0123456789abcdefghijklmnop job_1123456789abcdefghijklmnop
    ```
    """
    if not jobs:
        raise WrongArgument("name a job; suno-jobs list shows them")
    ended = anyio.run(_watch, jobs)
    if as_json:
        screen.print_json(ended)
    else:
        screen.print_jobs(ended)
    return max(map(code_of, ended), default=ExitCode.DONE)


async def _watch(jobs: Sequence[str]) -> list[Job]:
    ended: dict[str, Job] = {}

    async def follow(suno: AsyncSunoJobs, job: str) -> None:
        ended[job] = await suno.wait(job, on_change=screen.reporting_changes())

    try:
        async with connect_async() as suno, anyio.create_task_group() as group:
            for job in jobs:
                group.start_soon(partial(follow, suno, job))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [ended[job] for job in jobs]


def download_files(
    job: JobId,
    folder: Annotated[Path, Parameter(help="where to put the files; it is created")] = Path(),
    /,
    *,
    archive: Annotated[Path | None, Parameter(name="--zip", help="download all files into this zip instead")] = None,
    as_json: AsJson = False,
) -> None:
    """Download the files of a job, checked by their SHA-256. Repeat the command to resume.

    ```
    suno-jobs download job_0123456789abcdefghijklmnop songs
    ```
    """
    with connect() as suno:
        found = suno.get(job)
        if archive:
            files: Sequence[Path] = [suno.download_zip(found, archive, on_progress=screen.reporting_files())]
        else:
            files = save(suno, found, folder)
    if as_json:
        screen.print_json({"files": [str(file) for file in files]})
    else:
        for file in files:
            print(file)


def cancel_job(job: JobId, /, *, as_json: AsJson = False) -> None:
    """Cancel a job. A task that was submitted may still be charged; its song is then stored.

    ```
    suno-jobs cancel job_0123456789abcdefghijklmnop
    ```
    """
    with connect() as suno:
        _show(suno.cancel(job), as_json=as_json)


def retry_job(
    job: JobId,
    /,
    *,
    accept_second_charge: Annotated[
        bool, Parameter(negative="", help="pay once more if the job was or may have been charged")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Repeat a job that failed or timed out, as a new job.

    ```
    suno-jobs retry job_0123456789abcdefghijklmnop --accept-second-charge
    ```
    """
    with connect() as suno:
        again = suno.retry(job, accept_second_charge=accept_second_charge)
    if as_json:
        screen.print_json(again)
    else:
        print(again.job_id)


def show_events(job: JobId, /, *, as_json: AsJson = False) -> None:
    """Show the history of a job.

    ```
    suno-jobs events job_0123456789abcdefghijklmnop
    ```
    """
    with connect() as suno:
        events = suno.events(job)
    if as_json:
        screen.print_json(list(events))
        return
    rows = [
        (f"{each.at:%H:%M:%S}", each.state, each.cause, each.gateway, each.error or "", each.task_id or "") for each in events
    ]
    screen.print_table(("TIME", "STATE", "CAUSE", "GATEWAY", "ERROR", "TASK"), rows)


def adopt_task(
    gateway: Annotated[str, Parameter(help="the gateway that has the task")],
    task: Annotated[str, Parameter(help="the gateway's id of the task")],
    /,
    *,
    kind: Annotated[str, Parameter(help="the kind of job that the task does")] = "music",
    as_json: AsJson = False,
) -> None:
    """Take over a task that was created elsewhere. It costs nothing, and may be repeated.

    ```
    suno-jobs adopt sunoapi 5c79be8e2d4a4bd9a4c6ed7b0c3b5f1e
    ```
    """
    with connect() as suno:
        job = suno.adopt(gateway, task, kind=kind)
    if as_json:
        screen.print_json(job)
    else:
        print(job.job_id)


def show_gateways(*, as_json: AsJson = False) -> None:
    """Show the health of each gateway, and what it offers.

    ```
    suno-jobs gateways
    ```
    """
    with connect() as suno:
        gateways = suno.gateways()
    if as_json:
        screen.print_json(list(gateways))
        return
    rows = [
        (
            each.name,
            each.health.status,
            each.health.breaker,
            str(sum(account.tasks_in_flight for account in each.health.accounts)),
            str(sum(account.queue_length for account in each.health.accounts)),
            each.default_model or "",
            f"{len(each.kinds)}",
        )
        for each in gateways
    ]
    screen.print_table(("GATEWAY", "HEALTH", "BREAKER", "IN FLIGHT", "QUEUE", "MODEL", "KINDS"), rows)


def show_usage(
    *,
    month: Annotated[str | None, Parameter(help="such as 2026-11; without it, the current month")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what your tenant has used in a month, by day, and its limits.

    ```
    suno-jobs usage --month 2026-11
    ```
    """
    with connect() as suno:
        usage = suno.usage(month)
    if as_json:
        screen.print_json(usage)
        return
    days = [(str(each.day), str(each.jobs), f"{each.usd:.2f}") for each in usage.days if each.jobs]
    screen.print_table(("DAY", "JOBS", "USD"), [*days, (usage.month, str(usage.jobs), f"{usage.usd:.2f}")])
    limits = {name: value for name, value in usage.limits.model_dump().items() if value is not None}
    if limits:
        print()
        screen.print_table(("LIMIT", ""), [(name.replace("_", " "), f"{value:g}") for name, value in limits.items()])


def save(suno: SunoJobs, job: Job, folder: Path) -> Sequence[Path]:
    """Downloads its files into the folder, and reports each one."""
    return suno.download(job, folder, on_progress=screen.reporting_files())


def code_of(job: Job) -> int:
    """The exit code for the state of a job."""
    match job.state:
        case "FAILED" | "CANCELLED":
            return ExitCode.JOB_FAILED
        case "TIMED_OUT":
            return ExitCode.TIMED_OUT
    return ExitCode.DONE


def _show(job: Job, *, as_json: bool) -> None:
    if as_json:
        screen.print_json(job)
    else:
        screen.print_job(job)
