"""When a delivery is tried again."""

from __future__ import annotations

import pytest

from suno_jobs.webhooks.endpoints import PROGRESS
from suno_jobs.webhooks.retry_schedule import next_attempt_at

HOURS = 3600


def test_there_are_ten_attempts_in_three_days() -> None:
    waits = [next_attempt_at("job.failed", failures, 0, None, lambda: 0.0) for failures in range(1, 11)]
    assert waits == [
        *(6, 301, 1801),
        *(hours * HOURS + 1 for hours in (2, 5, 10, 14, 20, 24)),
        None,
    ]


def test_jitter_only_makes_a_wait_longer() -> None:
    assert next_attempt_at("job.failed", 2, 1000, None, lambda: 1.0) == 1000 + 360 + 1


@pytest.mark.parametrize(("asked", "wait"), [(None, 6), (1, 6), (600, 601), (10**6, 24 * HOURS + 1)])
def test_the_wait_that_an_endpoint_asks_for_is_kept_up_to_a_day(asked: float | None, wait: int) -> None:
    assert next_attempt_at("job.failed", 1, 0, asked, lambda: 0.0) == wait


def test_progress_is_soon_given_up() -> None:
    assert [next_attempt_at(PROGRESS, failures, 0, None, lambda: 0.0) for failures in (1, 2, 3)] == [6, 301, None]
