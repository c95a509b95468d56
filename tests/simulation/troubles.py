"""What can be wrong with a world besides its orders: replies that arrive slowly or never, throttled writes, replaced keys.

All of them have a span. A gateway may also be in trouble to the end of the world: then its jobs end without a song, and nothing
else happens to the jobs of the other gateways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from random import Random

from tests.simulation.network import CDN, Manner

QUIET_SPAN = 900.0
"""Seconds with troubles in a world that has no other faults."""

MANNERS = (Manner.DRIPPING_HEAD, Manner.DRIPPING_BODY, Manner.SILENT, Manner.CUT)
SHARES = (0.3, 0.8, 1.0)
"""The share of the replies that is in trouble, or of the writes that is throttled."""

REVOKED_AFTER = (-120.0, -5.0, 0.0, 0.0, 3.0, 60.0, 400.0)
"""Seconds from the new key in the secret to the end of the old one. Negative: for a while, no key of the secret is valid."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """``share`` of the replies, or writes, are in trouble from ``begin`` to ``end``, in seconds of the plan."""

    begin: float
    end: float
    share: float
    manner: Manner = Manner.WHOLE

    def hits(self, now: float, random: Random) -> bool:
        return self.begin <= now < self.end and (self.share == 1.0 or random.random() < self.share)


@dataclass(frozen=True, slots=True)
class KeyChange:
    """When the secret gets the new key of a gateway, and when the gateway revokes the old one."""

    changed_at: float
    revoked_at: float

    @property
    def always_valid(self) -> bool:
        """Whether the secret has a valid key at any time."""
        return self.changed_at <= self.revoked_at


@dataclass(frozen=True, slots=True)
class Troubles:
    """``replies`` are by gateway, or CDN; ``throttled`` concerns the writes; ``keys`` are by gateway.

    ``services`` are by AWS service: S3 and EventBridge answer slowly, Secrets Manager throttles. ``api``: API Gateway refuses
    requests of clients and callbacks.
    """

    replies: Mapping[str, Trouble] = field(default_factory=dict)
    throttled: Trouble | None = None
    keys: Mapping[str, KeyChange] = field(default_factory=dict)
    services: Mapping[str, Trouble] = field(default_factory=dict)
    api: Trouble | None = None

    def manner(self, source: str, now: float, random: Random) -> Manner:
        trouble = self.replies.get(source)
        return trouble.manner if trouble and trouble.hits(now, random) else Manner.WHOLE

    def throttles(self, now: float, random: Random) -> bool:
        return self.throttled is not None and self.throttled.hits(now, random)

    def slow_seconds(self, label: str, now: float, random: Random) -> float:
        """How long the call to AWS with that label takes."""
        trouble = self.services.get(label.partition(".")[0])
        return random.choice(SLOW_SECONDS) if trouble and label != READ_SECRET and trouble.hits(now, random) else 0.0

    def throttles_secrets(self, label: str, now: float, random: Random) -> bool:
        trouble = self.services.get("secretsmanager")
        return label == READ_SECRET and trouble is not None and trouble.hits(now, random)

    def api_refusal(self, now: float, random: Random) -> int | None:
        return random.choice(API_REFUSALS) if self.api is not None and self.api.hits(now, random) else None

    @property
    def until(self) -> float:
        """When the last trouble ends, apart from those that never do."""
        ends = [
            trouble.end
            for trouble in (*self.replies.values(), *self.services.values(), self.throttled, self.api)
            if trouble and trouble.end < inf
        ]
        return max([0.0, *ends, *(max(key.changed_at, key.revoked_at) for key in self.keys.values())])

    @property
    def endless(self) -> frozenset[str]:
        """The gateways whose trouble never ends."""
        return frozenset(name for name, trouble in self.replies.items() if trouble.end == inf)


NO_TROUBLES = Troubles()

READ_SECRET = "secretsmanager.get_secret_value"
SLOW_SERVICES = ("events", "s3", "secretsmanager")
API_REFUSALS = (429, 503)
"""What API Gateway answers by itself: more requests than it permits, or it does not reach the function."""

SLOW_SECONDS = (1.0, 8.0, 20.0)
"""The longest is just below the time after which an AWS client tries again."""


def draw_troubles(random: Random, gateways: Sequence[str], faults_until: float) -> Troubles:
    """None in half of the worlds."""
    span = faults_until or QUIET_SPAN
    if random.random() < 0.5:
        return NO_TROUBLES
    replies = {name: _trouble(random, span) for name in (*gateways, CDN) if random.random() < 0.3}
    if random.random() < 0.2:
        replies[random.choice(gateways)] = _endless(random, span)
    throttled = _trouble(random, span) if random.random() < 0.3 else None
    return Troubles(replies, throttled, {name: _key_change(random, span) for name in gateways if random.random() < 0.2})


def with_slow_services(troubles: Troubles, random: Random, faults_until: float) -> Troubles:
    """In a quarter of the worlds, services of AWS are in trouble for minutes."""
    if random.random() < 0.75:
        return troubles
    span = faults_until or QUIET_SPAN
    services = {name: _trouble(random, span) for name in SLOW_SERVICES if random.random() < 0.6}
    return replace(troubles, services=services)


def with_refusing_api(troubles: Troubles, random: Random, faults_until: float) -> Troubles:
    """In a tenth of the worlds."""
    return troubles if random.random() < 0.9 else replace(troubles, api=_trouble(random, faults_until or QUIET_SPAN))


def _trouble(random: Random, span: float) -> Trouble:
    begin = random.uniform(0, span)
    end = min(span, begin + random.expovariate(1 / 200))
    return Trouble(begin, end, random.choice(SHARES), random.choice(MANNERS))


def _endless(random: Random, span: float) -> Trouble:
    return Trouble(random.uniform(0, span), inf, 1.0, random.choice((*MANNERS, Manner.STUCK)))


def _key_change(random: Random, span: float) -> KeyChange:
    after = random.choice(REVOKED_AFTER)
    changed_at = random.uniform(max(0.0, -after), span)
    return KeyChange(changed_at, max(0.0, changed_at + after))
