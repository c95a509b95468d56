"""When a delivery is tried again: the schedule that Standard Webhooks recommends. All figures are in seconds."""

from __future__ import annotations

from collections.abc import Callable

from suno_jobs.webhooks.endpoints import PROGRESS

HOUR = 3600
RETRY_SECONDS = (5, 300, 1800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
"""From each failed attempt to the next one. The first attempt is made at once, so there are ten in about three days."""
PROGRESS_RETRIES = 2
LONGEST_RETRY_AFTER = 24 * HOUR
JITTER = 0.2


def next_attempt_at(
    event_type: str, failures: int, now: float, retry_after: float | None, random: Callable[[], float]
) -> int | None:
    """None: it is given up. A wait that the endpoint asks for is kept, up to a day. ``random`` is from 0 to 1."""
    retries = RETRY_SECONDS[:PROGRESS_RETRIES] if event_type == PROGRESS else RETRY_SECONDS
    if failures > len(retries):
        return None
    # Only longer, so that no attempt comes before its time.
    wait = retries[failures - 1] * (1 + JITTER * random())
    return int(now + max(wait, min(retry_after or 0, LONGEST_RETRY_AFTER))) + 1
