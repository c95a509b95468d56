"""``suno-jobs listen``: the events of your jobs as they happen, and as webhooks to a program on this machine.

It asks the API what has changed, since no service can reach a laptop. So it works with any stack, and an API key is enough.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from cyclopts import Parameter

from suno_jobs.cli.client import screen
from suno_jobs.cli.client.access import connect
from suno_jobs.cli.problems import WrongArgument, describe
from suno_jobs.jobs.states import LEGAL, TERMINAL, Progress
from suno_jobs.lifecycle.webhook_bodies import shown_job_body
from suno_jobs.webhooks.endpoints import SECRET_PREFIX
from suno_jobs.webhooks.sender import WebhookSender
from suno_jobs.webhooks.signing import signed_headers
from suno_jobs_client import SunoJobs
from suno_jobs_client import errors as api
from suno_jobs_client.calls import Filters
from suno_jobs_client.models import Job, JobSummary

SECRET = "SUNO_JOBS_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
LOOK_SECONDS = 2.0
OVERLAP = timedelta(seconds=30)
"""How much later than a newer job an older one may appear in the list."""
OPEN = sorted(set(LEGAL) - TERMINAL)
STAGES = (Progress.FIRST, Progress.COMPLETE)


@dataclass(frozen=True, slots=True)
class Event:
    """``body`` is that of the webhook."""

    event_id: str
    event_type: str
    body: bytes


def listen(
    *,
    forward_to: Annotated[str | None, Parameter(help="a URL that gets each event as a signed webhook")] = None,
    event: Annotated[
        Sequence[str],
        Parameter(negative="", show_default=False, help="only events of this type; repeat it for several"),
    ] = (),
    as_json: Annotated[
        bool, Parameter(name="--json", negative="", show_default=False, help="print a line of JSON for each event")
    ] = False,
) -> None:
    """Show the events of your jobs as they happen, until Ctrl-C, and forward them as webhooks.

    Verify them with the secret that is printed first. SUNO_JOBS_WEBHOOK_SECRET of the shell keeps it the same.

    ```
    suno-jobs listen --forward-to http://127.0.0.1:3000/hooks
    ```
    """
    forwarder = Forwarder(forward_to, _secret())
    with connect() as suno:
        if forward_to:
            screen.report(f"The signing secret is {forwarder.secret}")
        watcher = Watcher(suno)
        screen.report("Waiting for events. Ctrl-C ends it.")
        for each in happening(watcher):
            if not event or each.event_type in event:
                _show(each, forwarder.forward(each), as_json=as_json)


def happening(watcher: Watcher) -> Iterator[Event]:
    """Continues after the service could not be reached for a while."""
    while True:
        try:
            yield from watcher.look()
        except (api.NoAnswer, api.ServiceFailed, api.TooManyRequests) as problem:
            screen.report(describe(problem))
        time.sleep(LOOK_SECONDS)


def _show(event: Event, outcome: str, *, as_json: bool) -> None:
    body = json.loads(event.body)
    if as_json:
        print(json.dumps({**body, "forwarded": outcome or None}, ensure_ascii=False), flush=True)
    else:
        print("  ".join([body["timestamp"], f"{event.event_type:<13}", body["data"]["job_id"], outcome]).rstrip(), flush=True)


def _secret() -> str:
    """Raises WrongArgument."""
    given = os.environ.get(SECRET)
    if given is None:
        return SECRET_PREFIX + base64.b64encode(os.urandom(32)).decode()
    try:
        base64.b64decode(given.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        raise WrongArgument(f"{SECRET} must be {SECRET_PREFIX} and base64") from None
    return given


class Watcher:
    """Finds what has happened to jobs since the last call. Ended jobs are not read again."""

    def __init__(self, suno: SunoJobs) -> None:
        self._suno = suno
        self._since: datetime | None = None
        self._known: set[str] = set()
        self._open: dict[str, str] = {job.job_id: job.progress for job in suno.list(state=OPEN)}
        for job in self._new_jobs():
            self._known.add(job.job_id)
            if job.state not in TERMINAL:
                self._open.setdefault(job.job_id, job.progress)

    def _new_jobs(self) -> Iterator[JobSummary]:
        """Those that were created since the newest known one, or at about its time; at first, those of about the newest."""
        filters: Filters = {"created_after": self._since} if self._since else {}
        for job in self._suno.list(**filters):
            self._since = max(self._since or job.created_at - OVERLAP, job.created_at - OVERLAP)
            if job.created_at < self._since:
                return
            if job.job_id not in self._known:
                yield job

    def look(self) -> Iterator[Event]:
        """Each event once, whatever happens between two of them. Raises what the client raises, and may then be repeated."""
        for job in self._new_jobs():
            self._known.add(job.job_id)
            self._open[job.job_id] = Progress.QUEUED
        if not self._open:
            return
        still_open = {job.job_id: job.progress for job in self._suno.list(state=OPEN)}
        for job_id, before in list(self._open.items()):
            if still_open.get(job_id) != before and (found := self._read(job_id)):
                yield from self._changed(found, before)

    def _read(self, job_id: str) -> Job | None:
        """None if it was deleted."""
        try:
            return self._suno.get(job_id)
        except (api.NotFound, api.Deleted):
            del self._open[job_id]
            return None

    def _changed(self, job: Job, before: str) -> Iterator[Event]:
        if job.state in TERMINAL:
            del self._open[job.job_id]
            yield event_of(job, job.state.lower(), f"job.{job.state.lower()}")
            return
        self._open[job.job_id] = job.progress
        if job.progress != before and job.progress in STAGES:
            yield event_of(job, f"progress.{job.progress}", "job.progress")


def event_of(job: Job, name: str, event_type: str) -> Event:
    """As the service sends it in a webhook, with the time of the last change."""
    shown: dict[str, Any] = job.model_dump(mode="json", exclude_unset=True)
    event_id = f"{job.job_id}.{name}"
    return Event(event_id, event_type, shown_job_body(shown, event_id, event_type, int(job.updated_at.timestamp())))


class Forwarder:
    """Sends events to ``url``, if there is one, as the service sends them to an endpoint; but each only once."""

    def __init__(self, url: str | None, secret: str) -> None:
        self.url, self.secret = url, secret
        parts = urlsplit(url or "")
        if url is not None and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise WrongArgument(f"--forward-to: not an http(s) URL: {url}")
        self._sender = WebhookSender(trusted_origins=frozenset({f"{parts.scheme}://{parts.netloc}"} if url else ()))

    def forward(self, event: Event) -> str:
        """Returns the outcome as text, empty if there is no URL."""
        if self.url is None:
            return ""
        headers = signed_headers([self.secret], event.event_id, int(time.time()), event.body)
        outcome = self._sender.send(self.url, headers, event.body)
        return f"forwarded: {outcome.status}" if outcome.status else outcome.answer
