"""The client for programs that block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

import httpx

from suno_jobs_client import files
from suno_jobs_client.calls import Calls, Changed, Filters, access_of, adoption, song
from suno_jobs_client.files import OnProgress
from suno_jobs_client.models import (
    Delivery,
    Gateway,
    Job,
    JobEvent,
    JobSummary,
    Key,
    NewKey,
    NewWebhook,
    Preview,
    Usage,
    Webhook,
)
from suno_jobs_client.requests import JobRequest, KeyRequest, MusicInput, WebhookChange, WebhookRequest
from suno_jobs_client.wire import TIMEOUT, BlockingWire, finish


class SunoJobs:
    """A connection to the service, for one thread at a time. Close it, or use it in ``with``.

    Without ``api_url`` and ``api_key`` it takes the environment variables ``SUNO_JOBS_API_URL`` and ``SUNO_JOBS_API_KEY``.
    Requests that are safe to repeat are repeated after a failure. Methods raise the errors of
    ``suno_jobs_client.errors``.
    """

    def __init__(self, api_url: str | None = None, api_key: str | None = None, *, http: httpx.Client | None = None) -> None:
        self._http = http or httpx.Client(timeout=TIMEOUT)
        self._calls = Calls(BlockingWire(self._http), *access_of(api_url, api_key))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def generate(
        self,
        prompt: str | None = None,
        /,
        *,
        gateway: str | Sequence[str] = "auto",
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
        on_change: Changed | None = None,
        **fields: Unpack[MusicInput],
    ) -> Job:
        """Generates a song of a prompt, or of ``lyrics``, and returns its job once the audio is stored.

        ``fields`` are those of the kind ``music``. ``timeout`` is in seconds; a song takes minutes. ``on_change`` gets
        the job after each change. Raises ``JobNotSucceeded`` or ``StillRunning``, which have the job. After any
        other error, repeat the call with the ``idempotency_key`` of the error: that never pays twice.
        """
        request = song(prompt, gateway, metadata, fields)
        return finish(self._calls.generate(request, idempotency_key, timeout, on_change))

    def submit(self, request: JobRequest, *, idempotency_key: str | None = None) -> Job:
        """Creates a job of any kind: ``{"gateway": "auto", "kind": "music", "input": {"prompt": "..."}}``.

        A call without a key gets one of its own. After an error, repeat it with the ``idempotency_key`` of the error:
        that never pays twice.
        """
        return finish(self._calls.submit(request, idempotency_key))

    def preview(self, request: JobRequest) -> Preview:
        """Checks a request and estimates its cost. Nothing is created."""
        return finish(self._calls.preview(request))

    def adopt(self, gateway: str, task_id: str, *, kind: str = "music", metadata: Mapping[str, str] | None = None) -> Job:
        """Takes over a task that was created elsewhere. It may be repeated, and costs nothing."""
        return finish(self._calls.submit(adoption(gateway, kind, task_id, metadata), None))

    def get(self, job_id: str) -> Job:
        return finish(self._calls.get(job_id))

    def wait(self, job_id: str, *, timeout: float | None = None, on_change: Changed | None = None) -> Job:
        """Returns the job when it has ended, in whatever way. Raises ``StillRunning`` after ``timeout`` seconds."""
        return finish(self._calls.wait(job_id, timeout, on_change))

    def list(self, **filters: Unpack[Filters]) -> Iterator[JobSummary]:
        """Goes through your jobs, newest first, page by page."""
        cursor: str | None = None
        while True:
            page = finish(self._calls.page(filters, cursor))
            yield from page.jobs
            cursor = page.next
            if cursor is None:
                return

    def events(self, job_id: str) -> Sequence[JobEvent]:
        """The history of a job, oldest first."""
        return (finish(self._calls.events(job_id))).events

    def gateways(self) -> Sequence[Gateway]:
        """What each gateway can do, and its health."""
        return (finish(self._calls.gateways())).gateways

    def usage(self, month: str | None = None) -> Usage:
        """What your tenant has used in a month, such as ``2026-11``, and its limits. Without one, in the current month."""
        return finish(self._calls.usage(month))

    def cancel(self, job_id: str) -> Job:
        """Ends a job. The gateway may still complete and charge its task. Raises ``WrongState`` if the job has ended."""
        return finish(self._calls.cancel(job_id))

    def retry(self, job_id: str, *, accept_second_charge: bool = False) -> Job:
        """Repeats a failed job as a new one, once: a repetition returns that new job.

        Raises ``WrongState`` if the job was or may have been charged, unless you accept a second charge.
        """
        return finish(self._calls.retry(job_id, accept_second_charge=accept_second_charge))

    def delete(self, job_id: str) -> None:
        """Deletes a job that has ended, with its files. It may be repeated."""
        finish(self._calls.delete(job_id))

    def download(self, job: Job, folder: str | Path, *, on_progress: OnProgress | None = None) -> Sequence[Path]:
        """Brings every file of the job into the folder, and returns their paths.

        Each file is checked by its SHA-256. After an interruption, the same call resumes. ``on_progress`` is called
        for each chunk. Raises ``DownloadFailed``.
        """
        return finish(files.download(self._calls, job, Path(folder), on_progress))

    def download_zip(self, job: Job, path: str | Path, *, on_progress: OnProgress | None = None) -> Path:
        """Brings every file of the job into one zip, checked as in ``download``."""
        return finish(files.download_zip(self._calls, job, Path(path), on_progress))

    def list_keys(self) -> Sequence[Key]:
        """The API keys of your tenant, oldest first. The keys themselves are not stored."""
        return finish(self._calls.list_keys()).keys

    def create_key(self, **fields: Unpack[KeyRequest]) -> NewKey:
        """Creates an API key, which is in ``key`` of the answer and cannot be read again.

        It is never repeated: after ``NoAnswer`` list the keys, and revoke the one that you do not know.
        """
        return finish(self._calls.create_key(fields))

    def rotate_key(self, key_id: str, *, overlap_hours: int | None = None) -> NewKey:
        """Creates a key that replaces another one, which works for ``overlap_hours`` longer (24 if none are given)."""
        return finish(self._calls.rotate_key(key_id, overlap_hours))

    def revoke_key(self, key_id: str) -> None:
        """May be repeated."""
        finish(self._calls.revoke_key(key_id))

    def list_webhooks(self) -> Sequence[Webhook]:
        """The webhooks of your tenant, oldest first."""
        return finish(self._calls.list_webhooks()).webhooks

    def create_webhook(self, **fields: Unpack[WebhookRequest]) -> NewWebhook:
        """Creates a webhook. Its ``secret`` verifies what it gets, and cannot be read again.

        It is never repeated: after ``NoAnswer`` list the webhooks, and delete the one that you do not know.
        """
        return finish(self._calls.create_webhook(fields))

    def get_webhook(self, webhook_id: str) -> Webhook:
        return finish(self._calls.get_webhook(webhook_id))

    def change_webhook(self, webhook_id: str, **changes: Unpack[WebhookChange]) -> Webhook:
        """Changes what is given. ``disabled=False`` enables a disabled webhook again."""
        return finish(self._calls.change_webhook(webhook_id, changes))

    def delete_webhook(self, webhook_id: str) -> None:
        """Deletes a webhook. What was still to be delivered to it is dropped."""
        finish(self._calls.delete_webhook(webhook_id))

    def rotate_webhook_secret(self, webhook_id: str, *, overlap_hours: int | None = None) -> NewWebhook:
        """Replaces the secret. The old one signs as well for ``overlap_hours`` longer (24 if none are given).

        The webhook ``default`` is that of the ``callback_url`` of jobs. After ``NoAnswer`` call it again.
        """
        return finish(self._calls.rotate_webhook_secret(webhook_id, overlap_hours))

    def send_test_event(self, webhook_id: str) -> Delivery:
        """Sends the event ``webhook.test`` to a webhook."""
        return finish(self._calls.send_test_event(webhook_id))

    def list_deliveries(self, webhook_id: str) -> Iterator[Delivery]:
        """Goes through the deliveries of the last 30 days, newest event first, page by page."""
        cursor: str | None = None
        while True:
            page = finish(self._calls.deliveries_page(webhook_id, cursor))
            yield from page.deliveries
            cursor = page.next
            if cursor is None:
                return

    def retry_delivery(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Sends an event again, even if it was delivered, and begins the schedule of attempts anew."""
        return finish(self._calls.retry_delivery(webhook_id, delivery_id))

    def replay_deliveries(
        self, webhook_id: str, *, since: datetime, until: datetime | None = None, delivered: bool = False
    ) -> int:
        """Sends again what failed or was skipped in a range of time, and returns how many.

        Times have a zone. With ``delivered``, it also sends again what was delivered.
        """
        return finish(self._calls.replay_deliveries(webhook_id, since, until, delivered=delivered))
