"""The calls of the API, for both clients."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict
from urllib.parse import quote
from uuid import uuid4

import httpx

from suno_jobs_client import retrying
from suno_jobs_client.errors import JobNotSucceeded, StillRunning, SunoJobsError, retry_after_of
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
            response = await self.send("POST", "/v1/jobs", headers={"Idempotency-Key": key}, body=request)
        except SunoJobsError as error:
            error.idempotency_key = key
            raise
        return Job.model_validate_json(response.content)

    async def preview(self, request: Mapping[str, Any]) -> Preview:
        response = await self.send("POST", "/v1/jobs", query={"dry_run": "true"}, body=request)
        return Preview.model_validate_json(response.content)

    async def get(self, job_id: str) -> Job:
        return Job.model_validate_json((await self.send("GET", path_of("jobs", job_id))).content)

    async def events(self, job_id: str) -> JobEvents:
        return JobEvents.model_validate_json((await self.send("GET", path_of("jobs", job_id, "events"))).content)

    async def page(self, filters: Filters, cursor: str | None) -> JobList:
        query = {**_query(filters), **({"cursor": cursor} if cursor else {})}
        return JobList.model_validate_json((await self.send("GET", "/v1/jobs", query=query)).content)

    async def cancel(self, job_id: str) -> Job:
        return Job.model_validate_json((await self.send("POST", path_of("jobs", job_id, "cancel"))).content)

    async def retry(self, job_id: str, *, accept_second_charge: bool) -> Job:
        body = {"accept_second_charge": True} if accept_second_charge else None
        return Job.model_validate_json((await self.send("POST", path_of("jobs", job_id, "retry"), body=body)).content)

    async def delete(self, job_id: str) -> None:
        await self.send("DELETE", path_of("jobs", job_id))

    async def gateways(self) -> GatewayList:
        return GatewayList.model_validate_json((await self.send("GET", "/v1/gateways")).content)

    async def usage(self, month: str | None) -> Usage:
        response = await self.send("GET", "/v1/usage", query={"month": month} if month else None)
        return Usage.model_validate_json(response.content)

    async def list_keys(self) -> KeyList:
        return KeyList.model_validate_json((await self.send("GET", "/v1/keys")).content)

    async def create_key(self, request: Mapping[str, Any]) -> NewKey:
        response = await self.send("POST", "/v1/keys", body=request, repeatable=False)
        return NewKey.model_validate_json(response.content)

    async def rotate_key(self, key_id: str, overlap_hours: int | None) -> NewKey:
        response = await self.send("POST", path_of("keys", key_id, "rotate"), body=_overlap(overlap_hours), repeatable=False)
        return NewKey.model_validate_json(response.content)

    async def revoke_key(self, key_id: str) -> None:
        await self.send("DELETE", path_of("keys", key_id))

    async def list_webhooks(self) -> WebhookList:
        return WebhookList.model_validate_json((await self.send("GET", "/v1/webhooks")).content)

    async def create_webhook(self, request: Mapping[str, Any]) -> NewWebhook:
        response = await self.send("POST", "/v1/webhooks", body=request, repeatable=False)
        return NewWebhook.model_validate_json(response.content)

    async def get_webhook(self, webhook_id: str) -> Webhook:
        return Webhook.model_validate_json((await self.send("GET", path_of("webhooks", webhook_id))).content)

    async def change_webhook(self, webhook_id: str, changes: Mapping[str, Any]) -> Webhook:
        response = await self.send("PATCH", path_of("webhooks", webhook_id), body=changes)
        return Webhook.model_validate_json(response.content)

    async def delete_webhook(self, webhook_id: str) -> None:
        await self.send("DELETE", path_of("webhooks", webhook_id))

    async def rotate_webhook_secret(self, webhook_id: str, overlap_hours: int | None) -> NewWebhook:
        path = path_of("webhooks", webhook_id, "rotate")
        response = await self.send("POST", path, body=_overlap(overlap_hours), repeatable=False)
        return NewWebhook.model_validate_json(response.content)

    async def send_test_event(self, webhook_id: str) -> Delivery:
        return Delivery.model_validate_json((await self.send("POST", path_of("webhooks", webhook_id, "test"))).content)

    async def deliveries_page(self, webhook_id: str, cursor: str | None) -> DeliveryList:
        query = {"limit": str(DELIVERIES_PER_PAGE), **({"cursor": cursor} if cursor else {})}
        response = await self.send("GET", path_of("webhooks", webhook_id, "deliveries"), query=query)
        return DeliveryList.model_validate_json(response.content)

    async def retry_delivery(self, webhook_id: str, delivery_id: str) -> Delivery:
        path = path_of("webhooks", webhook_id, "deliveries", delivery_id, "retry")
        return Delivery.model_validate_json((await self.send("POST", path)).content)

    async def replay_deliveries(self, webhook_id: str, since: datetime, until: datetime | None, *, delivered: bool) -> int:
        """Returns how many deliveries were restarted, with as many requests as that takes."""
        request: dict[str, Any] = {"since": since.isoformat(), "delivered": delivered}
        if until:
            request["until"] = until.isoformat()
        replayed = 0
        while True:
            response = await self.send("POST", path_of("webhooks", webhook_id, "replay"), body=request)
            replay = Replay.model_validate_json(response.content)
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
        while True:
            left = ends - self._wire.now()
            held = max(min(math.ceil(left) if left < math.inf else LONGEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS), 0)
            headers = {"Prefer": f"wait={held}"} if held else {}
            response = await self.send(
                "GET", path_of("jobs", job_id), headers=headers | ({"If-None-Match": tag} if tag else {})
            )
            if response.status_code != 304:
                job = Job.model_validate_json(response.content)
                tag = response.headers.get("ETag")
                if changed:
                    changed(job)
                if job.state in ENDED:
                    return job
            if self._wire.now() >= ends:
                raise StillRunning(job or await self.get(job_id))
            if "Preference-Applied" not in response.headers:
                asked = retry_after_of(response) or POLL_SECONDS
                await self._wire.sleep(min(asked, ends - self._wire.now()))

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

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        repeatable: bool = True,
    ) -> httpx.Response:
        """Sends a request with the API key. Every route may be repeated, except those that create or rotate a secret."""
        content = {"Content-Type": "application/json"} if body is not None else {}
        request = httpx.Request(
            method,
            self._base + path,
            params=query,
            headers={**self._headers, **content, **(headers or {})},
            content=None if body is None else json.dumps(body).encode(),
        )
        return await retrying.send(self._wire, request, repeatable=repeatable)


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
