from dataclasses import replace

import pytest

from suno_jobs.jobs.record import Attempt
from tests.builders import JOB
from tests.world import PACE, START


def test_backoff_grows_up_to_the_longest_interval() -> None:
    assert [PACE.backoff(replace(JOB, checks=checks)) for checks in (0, 1, 2, 3, 1000)] == [20, 30, 45, 60, 60]


@pytest.mark.parametrize(("after", "wait"), [(0, 120), (30, 90), (110, 20), (1190, 10), (1199, 1), (5000, 1)])
def test_a_running_task_is_not_checked_before_its_callback_is_overdue(after: int, wait: int) -> None:
    assert PACE.next_check(replace(JOB, attempts=(Attempt(START),)), START + after) == wait


@pytest.mark.parametrize(("after", "wait"), [(0, 20), (30, 20), (1190, 10), (5000, 1)])
def test_a_task_of_a_gateway_without_callbacks_is_checked_from_the_beginning(after: int, wait: int) -> None:
    assert PACE.next_check(replace(JOB, attempts=(Attempt(START),)), START + after, calls_back=False) == wait


def test_tries_for_a_slot_spread_out_the_longer_jobs_wait() -> None:
    def delays(checks: int) -> set[int]:
        return {PACE.next_try_for_slot(replace(JOB, job_id=f"job_{number}", checks=checks), 0.5) for number in range(500)}

    assert delays(0) == {1}
    assert delays(3) == set(range(1, 9))
    assert delays(1000) == set(range(1, 61))


@pytest.mark.parametrize(("after", "overdue"), [(0, 120), (1000, 1120), (1100, 1200), (1200, 1200), (1300, 1300)])
def test_i6_a_job_whose_wait_lasts_to_its_deadline_is_due_at_its_deadline(after: int, overdue: int) -> None:
    assert PACE.overdue_at(JOB, START + after) == START + overdue
