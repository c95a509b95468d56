from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suno_jobs.errors import NoSlot
from suno_jobs.gateways.protocol import Rate
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.traffic.rate_limiter import RateLimiter
from tests.world import START, TABLE


def taken(limiter: RateLimiter, account: str, rate: Rate, moments: list[float]) -> list[float]:
    granted = []
    for moment in moments:
        try:
            limiter.take("crun", account, rate, now=moment)
        except NoSlot:
            continue
        granted.append(moment)
    return granted


rates = st.builds(Rate, requests=st.integers(1, 30), seconds=st.sampled_from([0.5, 1.0, 10.0]))
gaps = st.lists(st.integers(0, 800).map(lambda ms: ms / 1000), min_size=1, max_size=40)
numbers = iter(range(10**9))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rates, gaps)
def test_i7_no_time_window_exceeds_the_rate(aws: SimpleNamespace, rate: Rate, gaps: list[float]) -> None:
    moments, now = [], float(START)
    for gap in gaps:
        now += gap
        moments.append(now)
    granted = taken(RateLimiter(aws.dynamodb, TABLE), f"a{next(numbers)}", rate, moments)
    for start in granted:
        assert sum(start <= moment < start + rate.seconds for moment in granted) <= rate.requests


def test_a_burst_is_granted_and_then_a_steady_rate(aws: SimpleNamespace) -> None:
    rate = GATEWAYS["crun"].rate
    assert rate == Rate(15, 1.0)
    limiter = RateLimiter(aws.dynamodb, TABLE)
    assert len(taken(limiter, "default", rate, [START] * 20)) == 7
    steady = [START + 1 + step / 8 for step in range(1, 41)]
    assert taken(limiter, "default", rate, steady) == steady


def test_the_reported_wait_is_sufficient(aws: SimpleNamespace) -> None:
    rate = Rate(4, 10.0)
    limiter = RateLimiter(aws.dynamodb, TABLE)
    now = float(START)
    for _ in range(20):
        wait = 0.0
        try:
            limiter.take("g", "a", rate, now=now)
        except NoSlot as error:
            wait = error.seconds
        assert wait <= rate.seconds
        now += wait
        if wait:
            limiter.take("g", "a", rate, now=now)


def test_a_slot_becomes_free_exactly_when_its_interval_has_passed(aws: SimpleNamespace) -> None:
    rate = Rate(1, 10.0)
    limiter = RateLimiter(aws.dynamodb, TABLE)
    moments = [START, START + 9.999, START + 10, START + 19.999, START + 20]
    assert taken(limiter, "a", rate, moments) == [START, START + 10, START + 20]


def test_gateways_and_accounts_have_separate_limits(aws: SimpleNamespace) -> None:
    limiter = RateLimiter(aws.dynamodb, TABLE)
    rate = Rate(1, 10.0)
    limiter.take("g", "a", rate, now=START)
    limiter.take("g", "b", rate, now=START)
    limiter.take("h", "a", rate, now=START)
    with pytest.raises(NoSlot):
        limiter.take("g", "a", rate, now=START)
