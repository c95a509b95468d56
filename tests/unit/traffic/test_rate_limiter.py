from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suno_jobs.errors import NoSlot
from suno_jobs.gateways.protocol import Rate
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.states import JobState
from suno_jobs.traffic.calls import AHEAD_IF_MISSED_SECONDS
from suno_jobs.traffic.rate_limiter import AHEAD_SECONDS, LATE_SECONDS, SUBMISSION_AHEAD_SECONDS, RateLimiter
from tests.builders import ACCEPTED
from tests.simulation.aws_table import ConditionalCheckFailedException, aws_error
from tests.world import START, TABLE, World

DOCUMENTED = GATEWAYS["crun"].rate


def taken(limiter: RateLimiter, account: str, rate: Rate, moments: list[float], ahead: float = AHEAD_SECONDS) -> list[float]:
    """The slots that are granted to functions that ask at these times."""
    granted = []
    for moment in moments:
        try:
            granted.append(limiter.take("crun", account, rate, now=moment, ahead=ahead))
        except NoSlot:
            continue
    return granted


def most(slots: list[float], rate: Rate) -> int:
    """The largest number of slots in any window of the documented length."""
    return max(sum(start <= slot < start + rate.seconds for slot in slots) for start in slots)


rates = st.builds(Rate, requests=st.integers(1, 30), seconds=st.sampled_from([0.5, 1.0, 10.0]))
gaps = st.lists(st.integers(0, 800).map(lambda ms: ms / 1000), min_size=1, max_size=40)
delays = st.lists(st.integers(0, int(LATE_SECONDS * 1000) - 1).map(lambda ms: ms / 1000), min_size=40, max_size=40)
numbers = iter(range(10**9))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rates, gaps, delays)
def test_i7_no_time_window_exceeds_the_rate(aws: SimpleNamespace, rate: Rate, gaps: list[float], delays: list[float]) -> None:
    """Also if requests leave a little later than their slots, each by another time."""
    moments, now = [], float(START)
    for gap in gaps:
        now += gap
        moments.append(now)
    slots = taken(RateLimiter(aws.dynamodb, TABLE), f"a{next(numbers)}", rate, moments)
    assert most(slots, rate) <= rate.requests
    assert most([slot + delay for slot, delay in zip(slots, delays, strict=False)], rate) <= rate.requests


def test_i7_at_least_14_of_15_requests_a_second_are_used_and_never_16(aws: SimpleNamespace) -> None:
    assert Rate(15, 1.0) == DOCUMENTED
    moments = [START + number / 40 for number in range(40 * 20)]
    slots = taken(RateLimiter(aws.dynamodb, TABLE), "default", DOCUMENTED, moments)
    assert most(slots, DOCUMENTED) == 15
    assert sum(START + 5 <= slot < START + 15 for slot in slots) >= 10 * 14


def test_slots_are_reserved_for_the_next_few_seconds_only(aws: SimpleNamespace) -> None:
    limiter, rate = RateLimiter(aws.dynamodb, TABLE), Rate(1, 1.0)
    slots = taken(limiter, "a", rate, [START] * 20)
    assert slots == pytest.approx([START + 1.05 * number for number in range(5)])
    with pytest.raises(NoSlot) as refused:
        limiter.take("crun", "a", rate, now=START)
    later = START + refused.value.seconds
    assert limiter.take("crun", "a", rate, now=later) <= later + AHEAD_SECONDS


def test_a_slot_that_cannot_be_had_costs_one_failed_write(aws: SimpleNamespace) -> None:
    limiter = RateLimiter(aws.dynamodb, TABLE)
    taken(limiter, "a", DOCUMENTED, [START] * 100)
    counting: Any = Counting(aws.dynamodb)
    for client, calls in ((limiter, 1), (RateLimiter(counting, TABLE), 2)):
        counting.writes = 0
        with pytest.raises(NoSlot):
            RateLimiter(counting, TABLE, client._seen).take("crun", "a", DOCUMENTED, now=START)
        assert counting.writes <= calls


class Counting:
    def __init__(self, client: Any) -> None:
        self.client = client
        self.exceptions = client.exceptions
        self.writes = 0

    def update_item(self, **given: Any) -> Any:
        self.writes += 1
        return self.client.update_item(**given)


def test_without_a_usable_answer_of_the_table_nothing_is_reserved() -> None:
    """Other functions always change the item in between."""

    class Contended:
        exceptions = SimpleNamespace(ConditionalCheckFailedException=ConditionalCheckFailedException)

        def update_item(self, **_: Any) -> None:
            raise aws_error(ConditionalCheckFailedException, "UpdateItem", Item={"arrival": {"N": "0"}})

    contended: Any = Contended()
    with pytest.raises(NoSlot):
        RateLimiter(contended, TABLE).take("crun", "a", DOCUMENTED, now=START)


def test_the_number_of_free_slots_is_that_which_can_be_reserved(aws: SimpleNamespace) -> None:
    limiter, rate = RateLimiter(aws.dynamodb, TABLE), Rate(4, 1.0)
    for before in (0, 1, 7, 30):
        account = f"a{before}"
        taken(limiter, account, rate, [START] * before)
        free = limiter.free("crun", account, rate, now=START)
        assert free == len(taken(limiter, account, rate, [START] * 100, SUBMISSION_AHEAD_SECONDS))


def test_submissions_leave_slots_to_reads(aws: SimpleNamespace) -> None:
    limiter = RateLimiter(aws.dynamodb, TABLE)
    submissions = taken(limiter, "a", DOCUMENTED, [START] * 200, SUBMISSION_AHEAD_SECONDS)
    reads = taken(limiter, "a", DOCUMENTED, [START] * 200)
    assert (len(submissions), len(reads)) == (43, 29)


def test_gateways_and_accounts_have_separate_limits(aws: SimpleNamespace) -> None:
    limiter = RateLimiter(aws.dynamodb, TABLE)
    rate = Rate(1, 10.0)
    slots = [limiter.take(gateway, account, rate, now=START) for gateway, account in (("g", "a"), ("g", "b"), ("h", "a"))]
    assert slots == [START] * 3
    with pytest.raises(NoSlot):
        limiter.take("g", "a", rate, now=START)


def test_i7_a_request_waits_for_its_slot(world: World) -> None:
    job = world.job(world.accept())
    for number in range(3):
        world.calls().reserve_slot(job)
        assert number < 3
    before = world.clock()
    world.calls().take_slot(job)
    assert world.clock() == pytest.approx(before + 3 * 0.21)


def test_i7_a_slot_that_was_missed_is_replaced(world: World) -> None:
    job_id = world.accept()
    calls, job = world.calls(), world.job(job_id)
    slot = calls.reserve_slot(job)
    world.clock.sleep(0.4)
    calls.wait_for_slot(job, slot)
    assert world.clock() == pytest.approx(START + 0.4 + 2 * 0.4)
    assert calls.reserve_slot(job) >= world.clock() + 0.2


def test_a_request_that_is_hardly_late_keeps_its_slot(world: World) -> None:
    calls, job = world.calls(), world.job(world.accept())
    slot = calls.reserve_slot(job)
    world.clock.sleep(LATE_SECONDS)
    calls.wait_for_slot(job, slot)
    assert world.clock() == pytest.approx(START + LATE_SECONDS)


@pytest.mark.parametrize(("overruns", "slept"), [([0.5, 0.5, 0.5, 0.01], 4), ([0.5] * 10, 4), ([20.0] * 10, 4)])
def test_i7_a_request_whose_sleeps_all_end_late_is_not_sent(world: World, overruns: list[float], slept: int) -> None:
    """But a slot in which it was in time is used."""
    job, sleeps = world.job(world.accept()), iter(overruns)
    asked: list[float] = []

    def sleep(seconds: float) -> None:
        asked.append(seconds)
        world.clock.sleep(seconds + next(sleeps))

    calls = replace(world.calls(), sleep=sleep)
    slot = calls.reserve_slot(job, lead=0.1)
    if overruns[slept - 1] <= LATE_SECONDS:
        calls.wait_for_slot(job, slot)
    else:
        with pytest.raises(NoSlot) as refused:
            calls.wait_for_slot(job, slot)
        assert refused.value.seconds <= AHEAD_SECONDS
    assert len(asked) == slept
    assert max(asked) <= AHEAD_SECONDS


def test_i7_no_slot_in_place_of_a_missed_one_is_after_the_deadline(world: World) -> None:
    calls, job = world.calls(), world.job(world.accept())
    slot = calls.reserve_slot(job)
    world.clock.sleep(1)
    with pytest.raises(NoSlot):
        calls.wait_for_slot(job, slot, until=world.clock() + 1.9)
    assert world.clock() == START + 1
    calls.wait_for_slot(job, slot, until=world.clock() + 2.1)
    assert world.clock() == pytest.approx(START + 3)


def test_i7_without_another_slot_the_submission_is_taken_back(world: World) -> None:
    """The intent took long to write, and meanwhile other requests have reserved all slots."""
    job_id = world.accept()
    creator = world.task_creator()
    begin = creator.jobs.submissions.begin_submission

    def slow(*given: Any, **named: Any) -> Any:
        begun = begin(*given, **named)
        world.clock.sleep(2)
        for _ in range(1000):
            try:
                creator.calls.reserve_slot(begun, AHEAD_IF_MISSED_SECONDS)
            except NoSlot:
                break
        return begun

    creator.jobs.submissions.begin_submission = slow  # type: ignore[method-assign]
    step = creator.create_task(job_id)
    del creator.jobs.submissions.begin_submission
    job = world.job(job_id)
    assert (step.next, job.intent, job.state, world.wire.requests) == ("wait", None, JobState.SUBMITTING, [])
    world.clock.sleep(60)
    world.wire.answers = [ACCEPTED]
    replace(creator).create_task(job_id)
    assert world.job(job_id).task_id == "J1"
