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
    previous_secret_until: Annotated[Time | None, Field(description="Until when the previous secret also signs.")]


class NewWebhookAnswer(WebhookAnswer):
    """An endpoint with a new secret."""

    secret: Annotated[str, Field(description="`whsec_` and the key in base64. It cannot be shown again.")]


class WebhookListAnswer(TypedDict):
    """Every endpoint of the tenant, the oldest first."""

    webhooks: list[WebhookAnswer]
