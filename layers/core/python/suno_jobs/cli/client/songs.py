"""``suno-jobs generate`` and ``run``: a new job, and on request its way to files on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, cast

from cyclopts import Parameter

from suno_jobs.cli.client import screen
from suno_jobs.cli.client.access import connect
from suno_jobs.cli.client.fields import KINDS, read_input
from suno_jobs.cli.client.jobs import code_of, save
from suno_jobs.cli.client.options import AsJson
from suno_jobs.cli.problems import ExitCode, WrongArgument
from suno_jobs_client import SunoJobs
from suno_jobs_client.calls import new_key
from suno_jobs_client.errors import SunoJobsError
from suno_jobs_client.models import Job
from suno_jobs_client.requests import JobRequest

Gateways = Annotated[str, Parameter(name="--gateway", help="a gateway, several separated by commas, or auto")]
Fields = Annotated[
    Sequence[str], Parameter(name="--field", negative="", help="a field of the input, NAME=VALUE; repeat it for several")
]
Wait = Annotated[bool, Parameter(negative="", show_default=False, help="wait for the end of the job, and show its tracks")]
Download = Annotated[Path | None, Parameter(help="wait, and download its files into this folder")]
DryRun = Annotated[
    bool, Parameter(negative="", show_default=False, help="check the request and show its estimated cost; nothing is created")
]
Key = Annotated[str | None, Parameter(name="--key", help="the Idempotency-Key: repeating the command with it never pays twice")]
Metadata = Annotated[
    Sequence[str], Parameter(negative="", show_default=False, help="data of your own, NAME=VALUE; repeat it for several")
]


def generate(  # noqa: PLR0913 - the options of a command
    prompt: Annotated[str | None, Parameter(help="describes the song")] = None,
    /,
    *,
    lyrics: Annotated[str | None, Parameter(help="lyrics to sing, instead of a prompt")] = None,
    style: Annotated[str | None, Parameter(help="genre, mood, instruments")] = None,
    title: Annotated[str | None, Parameter(help="the title of the song")] = None,
    model: Annotated[str | None, Parameter(help="such as v6; without it, the gateway's default")] = None,
    instrumental: Annotated[bool, Parameter(negative="", show_default=False, help="no vocals")] = False,
    field: Fields = (),
    gateway: Gateways = "auto",
    wait: Wait = False,
    download: Download = None,
    dry_run: DryRun = False,
    key: Key = None,
    metadata: Metadata = (),
    as_json: AsJson = False,
) -> int:
    """Generate a song.

    ```
    suno-jobs generate "a folk song about harbour lights" --gateway auto --wait --download songs
    ```
    """
    texts = {"prompt": prompt, "lyrics": lyrics, "style": style, "title": title, "model": model}
    made: dict[str, Any] = {name: text for name, text in texts.items() if text}
    if instrumental:
        made["instrumental"] = True
    made |= read_input("music", None, field, None)
    request = _request("music", made, gateway, metadata)
    return _submit(request, wait=wait, download=download, dry_run=dry_run, key=key, as_json=as_json)


def run(  # noqa: PLR0913 - the options of a command
    kind: Annotated[str, Parameter(help=f"one of {', '.join(KINDS)}")],
    /,
    *,
    given: Annotated[
        str | None, Parameter(name="--input", help="the input as JSON, or @FILE with it; @- is the standard input")
    ] = None,
    field: Fields = (),
    source: Annotated[str | None, Parameter(help="JOB_ID/TRACK_ID of an earlier job")] = None,
    gateway: Gateways = "auto",
    wait: Wait = False,
    download: Download = None,
    dry_run: DryRun = False,
    key: Key = None,
    metadata: Metadata = (),
    as_json: AsJson = False,
) -> int:
    """Create a job of any kind.

    ```
    suno-jobs run stems --source job_0123456789abcdefghijklmnop/e231c0f4 --field split=all --download stems
    ```
    """
    if kind not in KINDS:
        raise WrongArgument(f"there is no kind {kind}; there are {', '.join(KINDS)}")
    request = _request(kind, read_input(kind, given, field, source), gateway, metadata)
    return _submit(request, wait=wait, download=download, dry_run=dry_run, key=key, as_json=as_json)


def _request(kind: str, made: dict[str, Any], gateway: str, metadata: Sequence[str]) -> JobRequest:
    names = [name.strip() for name in gateway.split(",")]
    own = dict(_pair(text) for text in metadata)
    request = {"gateway": names[0] if len(names) == 1 else names, "kind": kind, "input": made}
    return cast("JobRequest", request | ({"metadata": own} if own else {}))


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise WrongArgument(f"--metadata {text}: write NAME=VALUE")
    return name, value


def _submit(request: JobRequest, *, wait: bool, download: Path | None, dry_run: bool, key: str | None, as_json: bool) -> int:
    with connect() as suno:
        if dry_run:
            return _preview(suno, request, as_json=as_json)
        job = _send(suno, request, key or new_key())
        if wait or download:
            screen.report(f"{job.job_id}  is submitted")
            job = _wait(suno, job.job_id)
        if download:
            save(suno, job, download)
    if as_json:
        screen.print_json(job)
    elif wait or download:
        screen.print_job(job)
    else:
        print(job.job_id)
    return code_of(job) if wait or download else ExitCode.DONE


def _send(suno: SunoJobs, request: JobRequest, key: str) -> Job:
    """An interruption reports the key, because the request may have been carried out."""
    try:
        return suno.submit(request, idempotency_key=key)
    except KeyboardInterrupt:
        screen.report(f"The job may have been created. Repeat the command with --key {key}: that never pays twice.")
        raise


def _wait(suno: SunoJobs, job_id: str) -> Job:
    try:
        return suno.wait(job_id, on_change=screen.reporting_changes())
    except (KeyboardInterrupt, SunoJobsError):
        screen.report(f"The job goes on. Follow it with suno-jobs watch {job_id}")
        raise


def _preview(suno: SunoJobs, request: JobRequest, *, as_json: bool) -> int:
    preview = suno.preview(request)
    if as_json:
        screen.print_json(preview)
        return ExitCode.DONE
    rows = [
        (
            offer.gateway,
            offer.requested_model or "",
            f"{offer.estimate.amount:g} {offer.estimate.unit}" if offer.estimate else "not known",
        )
        for offer in preview.gateways
    ]
    screen.print_table(("GATEWAY", "MODEL", "ESTIMATE"), rows)
    return ExitCode.DONE
