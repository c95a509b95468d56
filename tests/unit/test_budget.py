from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suno_jobs.budget import Budget
from suno_jobs.errors import NoSlot
from suno_jobs.gateways import GATEWAYS
from suno_jobs.gateways.base import Rate
from tests.world import START, TABLE


def taken(budget: Budget, account: str, rate: Rate, moments: list[float]) -> list[float]:
    granted = []
    for moment in moments:
        try:
            budget.take("crun", account, rate, now=moment)
        except NoSlot:
            continue
        granted.append(moment)
    return granted


rates = st.builds(Rate, requests=st.integers(1, 30), seconds=st.sampled_from([0.5, 1.0, 10.0]))
gaps = st.lists(st.integers(0, 800).map(lambda ms: ms / 1000), min_size=1, max_size=40)
numbers = iter(range(10**9))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rates, gaps)
def test_i7_no_window_of_any_start_holds_more_than_the_rate(aws: SimpleNamespace, rate: Rate, gaps: list[float]) -> None:
    moments, now = [], float(START)
    for gap in gaps:
        now += gap
        moments.append(now)
    granted = taken(Budget(aws.dynamodb, TABLE), f"a{next(numbers)}", rate, moments)
    for start in granted:
        assert sum(start <= moment < start + rate.seconds for moment in granted) <= rate.requests


def test_a_burst_is_granted_and_then_a_steady_flow(aws: SimpleNamespace) -> None:
    rate = GATEWAYS["crun"].rate
    assert rate == Rate(15, 1.0)
    budget = Budget(aws.dynamodb, TABLE)
    assert len(taken(budget, "default", rate, [START] * 20)) == 7
    steady = [START + 1 + step / 8 for step in range(1, 41)]
    assert taken(budget, "default", rate, steady) == steady


def test_the_wait_that_is_named_is_enough(aws: SimpleNamespace) -> None:
    rate = Rate(4, 10.0)
    budget = Budget(aws.dynamodb, TABLE)
    now = float(START)
    for _ in range(20):
        wait = 0.0
        try:
            budget.take("g", "a", rate, now=now)
        except NoSlot as error:
            wait = error.seconds
        assert wait <= rate.seconds
        now += wait
        if wait:
            budget.take("g", "a", rate, now=now)


def test_a_slot_is_free_again_just_when_the_time_for_it_is_over(aws: SimpleNamespace) -> None:
    rate = Rate(1, 10.0)
    budget = Budget(aws.dynamodb, TABLE)
    moments = [START, START + 9.999, START + 10, START + 19.999, START + 20]
    assert taken(budget, "a", rate, moments) == [START, START + 10, START + 20]


def test_gateways_and_accounts_have_budgets_of_their_own(aws: SimpleNamespace) -> None:
    budget = Budget(aws.dynamodb, TABLE)
    rate = Rate(1, 10.0)
    budget.take("g", "a", rate, now=START)
    budget.take("g", "b", rate, now=START)
    budget.take("h", "a", rate, now=START)
    with pytest.raises(NoSlot):
        budget.take("g", "a", rate, now=START)
