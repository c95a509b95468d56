"""Manage Webhooks: a tenant creates, lists, changes and deletes its endpoints, and rotates their secrets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from suno_jobs.catalog.inputs import StrictModel, check_plain_text
from suno_jobs.errors import Conflict, TooManyWebhooks, WebhookNotFound
from suno_jobs.intake.parsing import parse_body
from suno_jobs.intake.webhook_urls import WebhookUrl
from suno_jobs.intake.wording import invalid
from suno_jobs.jobs.views import iso_time
from suno_jobs.storage.update_expressions import Change
from suno_jobs.webhooks.endpoint_table import EndpointTable
from suno_jobs.webhooks.endpoints import DEFAULT, EVENT_TYPES, SUBSCRIBED, DisabledBy, Endpoint, new_endpoint_id, new_secret

if TYPE_CHECKING:
    from suno_jobs.webhooks.answers import NewWebhookAnswer, WebhookAnswer, WebhookListAnswer

MAX_WEBHOOKS = 10
"""Endpoints of one tenant. Requests at the same time may exceed it by a few."""


def _check_event(name: str) -> str:
    if name not in EVENT_TYPES:
        raise ValueError(f"must be one of {', '.join(EVENT_TYPES)}")
    return name


Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(check_plain_text)]
Events = Annotated[list[Annotated[str, AfterValidator(_check_event)]], Field(min_length=1, max_length=len(EVENT_TYPES))]


class WebhookRequest(StrictModel):
    """An endpoint to create. Without ``events`` it gets the end of every job, and learns that another endpoint is disabled."""

    url: WebhookUrl
    description: Description = ""
    events: Events = Field(default_factory=lambda: list(SUBSCRIBED))


class WebhookChange(StrictModel):
    """What changes of an endpoint; other fields stay as they are."""

    url: WebhookUrl | None = None
    description: Description | None = None
    events: Events | None = None
    disabled: bool | None = None


class SecretRotation(StrictModel):
    """``overlap_hours`` is how long the old secret signs as well."""

    overlap_hours: Annotated[int, Field(ge=0, le=720)] = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookManager:
    table: EndpointTable
    clock: Callable[[], float]
    random_bytes: Callable[[int], bytes]

    def create_webhook(self, tenant: str, body: Any) -> NewWebhookAnswer:
        """A repetition creates another one. Raises InvalidRequest, TooManyWebhooks."""
        request = parse_body(WebhookRequest, body)
        if len([each for each in self.table.of_tenant(tenant) if each.endpoint_id != DEFAULT]) >= MAX_WEBHOOKS:
            raise TooManyWebhooks(f"You have {MAX_WEBHOOKS} webhooks. Delete one first.")
        endpoint = self._new(
            tenant, new_endpoint_id(self.random_bytes), request.url, tuple(dict.fromkeys(request.events)), request.description
        )
        self.table.create(endpoint)
        return {**webhook_view(endpoint), "secret": endpoint.secret}

    def list_webhooks(self, tenant: str) -> WebhookListAnswer:
        return {"webhooks": [webhook_view(each) for each in self.table.of_tenant(tenant)]}

    def read_webhook(self, tenant: str, webhook_id: str) -> WebhookAnswer:
        """Raises WebhookNotFound."""
        return webhook_view(self._find(tenant, webhook_id))

    def change_webhook(self, tenant: str, webhook_id: str, body: Any) -> WebhookAnswer:
        """May be repeated. An endpoint that is enabled, or has another URL, starts without failures.

        Raises InvalidRequest, WebhookNotFound.
        """
        request = parse_body(WebhookChange, body)
        if webhook_id == DEFAULT:
            raise invalid((("", "the record default has nothing to change but its secret"),))
        endpoint = self._find(tenant, webhook_id)
        known = request.model_dump(exclude_none=True, exclude={"disabled"})
        change = Change(sets=known)
        if request.disabled is False or known.get("url", endpoint.url) != endpoint.url:
            change.sets, change.removes = {**known, "slow": False}, ("failing_since",)
        if request.disabled is False:
            change.removes += ("disabled_at", "disabled_by", "event_pending")
        elif request.disabled and endpoint.disabled_at is None:
            # An attempt may disable it meanwhile, and then announces that.
            change.defaults = {"disabled_at": int(self.clock()), "disabled_by": DisabledBy.CLIENT}
        return webhook_view(self._change(endpoint, change) if change.sets or change.defaults else endpoint)

    def delete_webhook(self, tenant: str, webhook_id: str) -> None:
        """What is still to be delivered to it is dropped. Raises WebhookNotFound."""
        self.table.delete(self._find(tenant, webhook_id))

    def rotate_secret(self, tenant: str, webhook_id: str, body: Any) -> NewWebhookAnswer:
        """A repetition makes another secret, and those before it sign on. The first one of DEFAULT is made here.

        Raises InvalidRequest, WebhookNotFound, and Conflict if another rotation was faster.
        """
        request = parse_body(SecretRotation, body)
        secret = new_secret(self.random_bytes)
        if webhook_id == DEFAULT and self.table.find(tenant, DEFAULT) is None:
            first = self._new(tenant, DEFAULT, None, SUBSCRIBED, "", secret)
            self.table.create(first)
            return {**webhook_view(first), "secret": secret}
        endpoint = self._find(tenant, webhook_id)
        replaced = endpoint.replaced_after(int(self.clock()), request.overlap_hours * 3600)
        change = Change(sets={"secret": secret, "replaced": [each._asdict() for each in replaced]})
        # As it was read: otherwise a concurrent rotation would drop a secret that a client was just shown.
        change.require_as_read("secret", endpoint.secret)
        try:
            rotated = self._change(endpoint, change)
        except Conflict:
            rotated = self._find(tenant, webhook_id)
            if rotated.secret != secret:  # else the AWS client has repeated the write, because its answer was lost
                raise
        return {**webhook_view(rotated), "secret": secret}

    def _new(
        self, tenant: str, endpoint_id: str, url: str | None, events: tuple[str, ...], description: str, secret: str = ""
    ) -> Endpoint:
        return Endpoint(
            endpoint_id=endpoint_id,
            tenant=tenant,
            url=url,
            events=events,
            description=description,
            secret=secret or new_secret(self.random_bytes),
            recorded_at=int(self.clock()),
        )

    def _find(self, tenant: str, webhook_id: str) -> Endpoint:
        if found := self.table.find(tenant, webhook_id):
            return found
        raise WebhookNotFound("You have no webhook with this id.")

    def _change(self, endpoint: Endpoint, change: Change) -> Endpoint:
        try:
            return self.table.change(endpoint, change)
        except Conflict:
            self._find(endpoint.tenant, endpoint.endpoint_id)
            raise


def webhook_view(endpoint: Endpoint) -> WebhookAnswer:
    def time(seconds: int | None) -> str | None:
        return None if seconds is None else iso_time(seconds)

    return {
        "webhook_id": endpoint.endpoint_id,
        "url": endpoint.url,
        "description": endpoint.description,
        "events": list(endpoint.events),
        "created_at": iso_time(endpoint.recorded_at),
        "disabled_at": time(endpoint.disabled_at),
        "disabled_by": None if endpoint.disabled_by is None else endpoint.disabled_by.value,
        "failing_since": time(endpoint.failing_since),
        "previous_secret_until": time(max((each.until for each in endpoint.replaced), default=None)),
    }
