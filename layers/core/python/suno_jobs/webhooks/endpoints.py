"""An endpoint: a URL of a tenant that gets events, and the secret that signs them. Times are in seconds since 1970."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from suno_jobs.jobs.states import TERMINAL

DEFAULT = "default"
"""The record of a tenant that signs the events for the ``callback_url`` of single jobs. It has no URL of its own."""

ENDPOINT_ID_PATTERN = f"(?:we_[0-9a-v]{{16}}|{DEFAULT})"
SECRET_PREFIX = "whsec_"  # noqa: S105 - no secret, but how one begins
PROGRESS = "job.progress"
DISABLED_EVENT = "webhook.disabled"
TEST_EVENT = "webhook.test"
ENDS = tuple(f"job.{state.lower()}" for state in sorted(TERMINAL))
EVENT_TYPES = (*ENDS, PROGRESS, DISABLED_EVENT)
"""What an endpoint can subscribe to."""
SUBSCRIBED = (*ENDS, DISABLED_EVENT)
"""What an endpoint gets that asks for nothing else."""


class DisabledBy(StrEnum):
    """``GONE``: the endpoint has answered 410. ``FAILING``: no delivery has succeeded for days."""

    CLIENT = "client"
    GONE = "gone"
    FAILING = "failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """``previous_secret`` also signs until ``previous_until``. ``recorded_at`` is named as in a delivery.

    ``failing_since`` is the first failure since the last success. ``slow``: the last delivery took long, so
    only a few are in flight at a time. Their turns are attributes of the item only, and not of this class.
    """

    endpoint_id: str
    tenant: str
    url: str | None = None
    events: tuple[str, ...]
    secret: str = field(repr=False)
    recorded_at: int
    description: str = ""
    previous_secret: str | None = field(default=None, repr=False)
    previous_until: int | None = None
    disabled_at: int | None = None
    disabled_by: DisabledBy | None = None
    failing_since: int | None = None
    slow: bool = False

    def wants(self, event_type: str) -> bool:
        return event_type in (*self.events, TEST_EVENT)

    def secrets(self, now: float) -> tuple[str, ...]:
        """Those that sign now. During a rotation there are two."""
        previous = self.previous_secret if now < (self.previous_until or 0) else None
        return (self.secret, previous) if previous else (self.secret,)

    def to_item(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> Self:
        known = {name: value for name, value in item.items() if name in cls.__dataclass_fields__}
        by = known.get("disabled_by")
        return cls(**{**known, "events": tuple(known["events"]), "disabled_by": DisabledBy(by) if by else None})


def new_endpoint_id(random_bytes: Callable[[int], bytes]) -> str:
    return "we_" + base64.b32hexencode(random_bytes(10)).decode().lower()


def new_secret(random_bytes: Callable[[int], bytes]) -> str:
    """256 random bits, in the form of Standard Webhooks."""
    return SECRET_PREFIX + base64.b64encode(random_bytes(32)).decode()
