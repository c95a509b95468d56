"""The calls of the API, for both clients."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, TypeVar, Unpack
from urllib.parse import quote
from uuid import uuid4

import httpx
from pydantic import BaseModel, ValidationError

from suno_jobs_client import retrying
from suno_jobs_client.errors import JobNotSucceeded, StillRunning, SunoJobsError, UnexpectedAnswer, retry_after_of
from suno_jobs_client.models import (
    Delivery,
    DeliveryList,
    GatewayList,
    Job,
    JobEvents,
    JobList,
    KeyList,
    NewKey,
    NewWebhook,
    Preview,
    Replay,
    Usage,
    Webhook,
    WebhookList,
)
from suno_jobs_client.wire import Wire

ENDED = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED"})
LONGEST_WAIT_SECONDS = 25
POLL_SECONDS = 5.0
DELIVERIES_PER_PAGE = 100

Changed = Callable[[Job], None]
A = TypeVar("A", bound=BaseModel)


class More(TypedDict, total=False):
    """The rest of a request. One that is not ``repeatable`` is not sent again after a lost answer."""

    query: Mapping[str, str | Sequence[str]] | None
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None
    repeatable: bool


class Calls:
    """Each method is one request, except ``wait`` and ``replay_deliveries``, and returns what the API returns."""

    def __init__(self, wire: Wire, api_url: str, api_key: str) -> None:
        self._wire = wire
        self._base = api_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}", "Accept": "application/json"}

    @property
    def wire(self) -> Wire:
        return self._wire

    async def submit(self, request: Mapping[str, Any], key: str | None) -> Job:
        """Repeated with the same key and request, it returns the same job and pays for nothing."""
        key = key or new_key()
        try:
            return await self._ask(Job, "POST", "/v1/jobs", headers={"Idempotency-Key": key}, body=request)
        except SunoJobsError as error:
            error.idempotency_key = key
            raise

    async def preview(self, request: Mapping[str, Any]) -> Preview:
        return await self._ask(Preview, "POST", "/v1/jobs", query={"dry_run": "true"}, body=request)

    async def get(self, job_id: str) -> Job:
        return await self._ask(Job, "GET", path_of("jobs", job_id))

    async def events(self, job_id: str) -> JobEvents:
        return await self._ask(JobEvents, "GET", path_of("jobs", job_id, "events"))

    async def page(self, filters: Filters, cursor: str | None) -> JobList:
        query = {**_query(filters), **({"cursor": cursor} if cursor else {})}
        return await self._ask(JobList, "GET", "/v1/jobs", query=query)

    async def cancel(self, job_id: str) -> Job:
        return await self._ask(Job, "POST", path_of("jobs", job_id, "cancel"))

    async def retry(self, job_id: str, *, accept_second_charge: bool) -> Job:
        body = {"accept_second_charge": True} if accept_second_charge else None
        return await self._ask(Job, "POST", path_of("jobs", job_id, "retry"), body=body)

    async def delete(self, job_id: str) -> None:
        await self.send("DELETE", path_of("jobs", job_id))

    async def gateways(self) -> GatewayList:
        return await self._ask(GatewayList, "GET", "/v1/gateways")

    async def usage(self, month: str | None) -> Usage:
        return await self._ask(Usage, "GET", "/v1/usage", query={"month": month} if month else None)

    async def list_keys(self) -> KeyList:
        return await self._ask(KeyList, "GET", "/v1/keys")

    async def create_key(self, request: Mapping[str, Any]) -> NewKey:
        return await self._ask(NewKey, "POST", "/v1/keys", body=request, repeatable=False)

    async def rotate_key(self, key_id: str, overlap_hours: int | None) -> NewKey:
        return await self._ask(
            NewKey, "POST", path_of("keys", key_id, "rotate"), body=_overlap(overlap_hours), repeatable=False
        )

    async def revoke_key(self, key_id: str) -> None:
        await self.send("DELETE", path_of("keys", key_id))

    async def list_webhooks(self) -> WebhookList:
        return await self._ask(WebhookList, "GET", "/v1/webhooks")

    async def create_webhook(self, request: Mapping[str, Any]) -> NewWebhook:
        return await self._ask(NewWebhook, "POST", "/v1/webhooks", body=request, repeatable=False)

    async def get_webhook(self, webhook_id: str) -> Webhook:
        return await self._ask(Webhook, "GET", path_of("webhooks", webhook_id))

    async def change_webhook(self, webhook_id: str, changes: Mapping[str, Any]) -> Webhook:
        return await self._ask(Webhook, "PATCH", path_of("webhooks", webhook_id), body=changes)

    async def delete_webhook(self, webhook_id: str) -> None:
        await self.send("DELETE", path_of("webhooks", webhook_id))

    async def rotate_webhook_secret(self, webhook_id: str, overlap_hours: int | None) -> NewWebhook:
        path = path_of("webhooks", webhook_id, "rotate")
        return await self._ask(NewWebhook, "POST", path, body=_overlap(overlap_hours), repeatable=False)

    async def send_test_event(self, webhook_id: str) -> Delivery:
        return await self._ask(Delivery, "POST", path_of("webhooks", webhook_id, "test"))

    async def deliveries_page(self, webhook_id: str, cursor: str | None) -> DeliveryList:
        query = {"limit": str(DELIVERIES_PER_PAGE), **({"cursor": cursor} if cursor else {})}
        return await self._ask(DeliveryList, "GET", path_of("webhooks", webhook_id, "deliveries"), query=query)

    async def retry_delivery(self, webhook_id: str, delivery_id: str) -> Delivery:
        path = path_of("webhooks", webhook_id, "deliveries", delivery_id, "retry")
        return await self._ask(Delivery, "POST", path)

    async def replay_deliveries(self, webhook_id: str, since: datetime, until: datetime | None, *, delivered: bool) -> int:
        """Returns how many deliveries were restarted, with as many requests as that takes."""
        request: dict[str, Any] = {"since": since.isoformat(), "delivered": delivered}
        if until:
            request["until"] = until.isoformat()
        replayed = 0
        while True:
            replay = await self._ask(Replay, "POST", path_of("webhooks", webhook_id, "replay"), body=request)
            replayed += replay.replayed
            if replay.next is None:
                return replayed
            request["cursor"] = replay.next

    async def wait(self, job_id: str, seconds: float | None, changed: Changed | None) -> Job:
        """Follows the job to its end. ``changed`` gets the job at first and after each change.

        The service holds each request until the job changes, for up to 25 seconds. Where it does not, the job is read
        as often as ``Retry-After`` says. Raises ``StillRunning`` after ``seconds``.
        """
        ends = math.inf if seconds is None else self._wire.now() + seconds
        tag: str | None = None
        job: Job | None = None
        # Without the tag of an earlier answer, the service would hold the request until the job ends.
        at_once = changed is not None
        while True:
            held = 0 if at_once else self._hold(ends)
            headers = {"Prefer": f"wait={held}"} if held else {}
            response = await self.send(
                "GET", path_of("jobs", job_id), headers=headers | ({"If-None-Match": tag} if tag else {})
            )
            if response.status_code != 304:
                job = _read(Job, response)
                tag = response.headers.get("ETag")
                if changed:
                    changed(job)
                if job.state in ENDED:
                    return job
            if self._wire.now() >= ends:
                raise StillRunning(job or await self.get(job_id))
            if "Preference-Applied" not in response.headers and not at_once:
                asked = retry_after_of(response) or POLL_SECONDS
                await self._wire.sleep(min(asked, ends - self._wire.now()))
            at_once = False

    def _hold(self, ends: float) -> int:
        """For how many whole seconds the service may hold a request."""
        left = min(ends - self._wire.now(), LONGEST_WAIT_SECONDS)
        return max(math.ceil(left), 0)

    async def generate(
        self, request: Mapping[str, Any], key: str | None, seconds: float | None, changed: Changed | None
    ) -> Job:
        """Submits and waits. Raises ``JobNotSucceeded`` for any other end."""
        key = key or new_key()
        job = await self.submit(request, key)
        try:
            job = await self.wait(job.job_id, seconds, changed)
            if job.state != "SUCCEEDED":
                raise JobNotSucceeded(job)
        except SunoJobsError as error:
            error.idempotency_key, error.job_id = key, job.job_id
            raise
        return job

    async def _ask(self, answer: type[A], method: str, path: str, **more: Unpack[More]) -> A:
        return _read(answer, await self.send(method, path, **more))

    async def send(self, method: str, path: str, **more: Unpack[More]) -> httpx.Response:
        """Sends a request with the API key. Every route may be repeated, except those that create or rotate a secret."""
        body = more.get("body")
        content = {"Content-Type": "application/json"} if body is not None else {}
        request = httpx.Request(
            method,
            self._base + path,
            params=more.get("query"),
            headers={**self._headers, **content, **more.get("headers", {})},
            content=None if body is None else json.dumps(body).encode(),
        )
        return await retrying.send(self._wire, request, repeatable=more.get("repeatable", True))


def _read(answer: type[A], response: httpx.Response) -> A:
    """Raises ``UnexpectedAnswer`` for anything else, such as the page of another server."""
    try:
        return answer.model_validate_json(response.content)
    except ValidationError as error:
        kind = response.headers.get("Content-Type", "no type")
        raise UnexpectedAnswer(
            f"{response.request.url} answered {response.status_code} with {kind}, which is not an answer of suno-jobs"
        ) from error


def new_key() -> str:
    return uuid4().hex


def path_of(*segments: str) -> str:
    return "/".join(("/v1", *(quote(segment, safe="") for segment in segments)))


class Filters(TypedDict, total=False):
    """Which jobs a list shows: those that match everything. Times have a zone."""

    state: str | Sequence[str]
    kind: str
    gateway: str
    created_after: datetime
    created_before: datetime
    metadata: Mapping[str, str]


def access_of(api_url: str | None, api_key: str | None) -> tuple[str, str]:
    """Raises ``ValueError`` if one of the two is neither given nor in the environment."""
    url = api_url or os.environ.get("SUNO_JOBS_API_URL")
    key = api_key or os.environ.get("SUNO_JOBS_API_KEY")
    if not url or not key:
        raise ValueError("give api_url and api_key, or set SUNO_JOBS_API_URL and SUNO_JOBS_API_KEY")
    return url, key


def song(
    prompt: str | None, gateway: str | Sequence[str], metadata: Mapping[str, str] | None, fields: Mapping[str, Any]
) -> dict[str, Any]:
    chosen = gateway if isinstance(gateway, str) else list(gateway)
    described = {"prompt": prompt} if prompt is not None else {}
    return {"gateway": chosen, "kind": "music", "input": {**described, **fields}, **_metadata(metadata)}


def adoption(gateway: str, kind: str, task_id: str, metadata: Mapping[str, str] | None) -> dict[str, Any]:
    return {"gateway": gateway, "kind": kind, "adopt": {"task_id": task_id}, **_metadata(metadata)}


def _metadata(metadata: Mapping[str, str] | None) -> dict[str, Any]:
    return {"metadata": dict(metadata)} if metadata else {}


def _overlap(hours: int | None) -> dict[str, int] | None:
    return None if hours is None else {"overlap_hours": hours}


def _query(filters: Filters) -> dict[str, str | Sequence[str]]:
    query: dict[str, str | Sequence[str]] = {}
    for name, value in dict[str, Any](filters).items():
        match value:
            case datetime():
                query[name] = value.isoformat()
            case dict():
                query.update({f"metadata.{member}": text for member, text in value.items()})
            case _:
                query[name] = value
    return query
