"""The answers of the API about webhooks, as types: docs/openapi.json describes them.

Imported for type checks and for that document only, so no function loads it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from suno_jobs.jobs.answers import Time


class WebhookAnswer(TypedDict):
    """An endpoint. Its secret is shown once, when it is created or rotated."""

    webhook_id: str
    url: Annotated[str | None, Field(description="Where events are sent; null for the record `default`.")]
    description: str
    events: Annotated[list[str], Field(description="The types of the events that it gets.")]
    created_at: Time
    disabled_at: Annotated[Time | None, Field(description="Since when nothing is sent to it; null if it is in use.")]
    disabled_by: Annotated[
        Literal["client", "gone", "failing"] | None,
        Field(description="You, an answer 410, or five days without a successful delivery."),
    ]
    failing_since: Annotated[Time | None, Field(description="The first failure since the last success; null if there is none.")]
    previous_secret_until: Annotated[Time | None, Field(description="Until when an earlier secret also signs.")]


class NewWebhookAnswer(WebhookAnswer):
    """An endpoint with a new secret."""

    secret: Annotated[str, Field(description="`whsec_` and the key in base64. It cannot be shown again.")]


class WebhookListAnswer(TypedDict):
    """Every endpoint of the tenant, the oldest first."""

    webhooks: list[WebhookAnswer]


class AttemptAnswer(TypedDict):
    """One request to the endpoint."""

    at: Time
    status: Annotated[int | None, Field(description="The status of the answer; null if there was none.")]
    milliseconds: int
    answer: Annotated[str, Field(description="The first 256 bytes of the answer, or why there was none.")]


class DeliveryAnswer(TypedDict):
    """An event on its way to an endpoint. Of its attempts, the last 20 are shown."""

    delivery_id: str
    event_id: Annotated[str, Field(description="The header `webhook-id`, the same in every attempt.")]
    type: str
    state: Literal["pending", "delivered", "failed", "skipped"]
    reason: Annotated[str | None, Field(description="Why it failed or was skipped without an attempt.")]
    created_at: Time
    next_attempt_at: Annotated[Time | None, Field(description="null unless it is pending.")]
    attempts: list[AttemptAnswer]


class DeliveryListAnswer(TypedDict):
    """A page of deliveries, the newest event first."""

    deliveries: list[DeliveryAnswer]
    next: Annotated[str | None, Field(description="The `cursor` of the next page; null on the last one.")]


class ReplayAnswer(TypedDict):
    """What a replay has restarted."""

    replayed: int
    next: Annotated[str | None, Field(description="The `cursor` with which to continue; null if nothing is left.")]
