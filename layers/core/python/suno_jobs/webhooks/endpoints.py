"""An endpoint: a URL of a tenant that gets events, and the secret that signs them. Times are in seconds since 1970."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Self

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
MAX_REPLACED = 3
"""Earlier secrets that may sign at the same time."""


class DisabledBy(StrEnum):
    """``GONE``: the endpoint has answered 410. ``FAILING``: no delivery has succeeded for days."""

    CLIENT = "client"
    GONE = "gone"
    FAILING = "failing"


class ReplacedSecret(NamedTuple):
    """It signs as well, until ``until``."""

    secret: str
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """``replaced`` are earlier secrets, the oldest first. ``recorded_at`` is named as in a delivery.

    ``event_pending``: that an attempt has disabled it is still to be announced.

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
    replaced: tuple[ReplacedSecret, ...] = field(default=(), repr=False)
    disabled_at: int | None = None
    disabled_by: DisabledBy | None = None
    failing_since: int | None = None
    slow: bool = False
    event_pending: bool = False

    def wants(self, event_type: str) -> bool:
        return event_type in (*self.events, TEST_EVENT)

    def secrets(self, now: float) -> tuple[str, ...]:
        """Those that sign now, the newest first. During a rotation there are several."""
        return (self.secret, *(each.secret for each in reversed(self.replaced) if now < each.until))

    def replaced_after(self, now: int, overlap: int) -> tuple[ReplacedSecret, ...]:
        """With the present secret as the newest, which signs for ``overlap`` seconds longer; none does so for longer.

        The oldest stays if there are too many: it is the one that a client has if it saw no answer to its rotations.
        """
        signing = [ReplacedSecret(each.secret, min(each.until, now + overlap)) for each in self.replaced if now < each.until]
        kept = (*signing, ReplacedSecret(self.secret, now + overlap))
        return kept if len(kept) <= MAX_REPLACED else (kept[0], *kept[1 - MAX_REPLACED :])

    def to_item(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values["replaced"] = [each._asdict() for each in self.replaced]
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> Self:
        known = {name: value for name, value in item.items() if name in cls.__dataclass_fields__}
        by = known.get("disabled_by")
        replaced = tuple(ReplacedSecret(each["secret"], each["until"]) for each in item["replaced"])
        read = {"events": tuple(known["events"]), "disabled_by": DisabledBy(by) if by else None, "replaced": replaced}
        return cls(**{**known, **read})


def new_endpoint_id(random_bytes: Callable[[int], bytes]) -> str:
    return "we_" + base64.b32hexencode(random_bytes(10)).decode().lower()


def new_secret(random_bytes: Callable[[int], bytes]) -> str:
    """256 random bits, in the form of Standard Webhooks."""
    return SECRET_PREFIX + base64.b64encode(random_bytes(32)).decode()
