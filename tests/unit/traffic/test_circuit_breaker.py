from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from suno_jobs.errors import ErrorCode, Fault, NoSlot
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.schedule import NextStep
from suno_jobs.jobs.states import JobState
from suno_jobs.network.http import httpx
from suno_jobs.traffic.account_items import AccountItems
from suno_jobs.traffic.circuit_breaker import CircuitBreaker
from tests.builders import ACCEPTED, DOWN, Throttled, opened
from tests.world import BREAKER_FAILURES, BREAKER_SECONDS, DEADLINE, TABLE, World, a_job

JOB = a_job()
OTHER = a_job(tenant="other")


def breaker_state(world: World, tenant: str = "acme") -> Any:
    return world.calls().health.read(tenant)["ttapi"]["breaker"]


def record(world: World, job: Job, fault: Fault | None, times: int = 1) -> None:
    breaker = world.breaker()
    for _ in range(times):
        breaker.record(job, breaker.read(job), fault)


def seconds(world: World, job: Job = JOB) -> int:
    return world.breaker().read(job).seconds


def test_the_breaker_opens_for_a_tenant_after_failures_without_a_success(world: World) -> None:
    record(world, JOB, DOWN, BREAKER_FAILURES - 1)
    assert seconds(world) == 0
    record(world, JOB, DOWN)
    assert (seconds(world), breaker_state(world)) == (BREAKER_SECONDS, "open")
    assert world.breaker().read(JOB).by_tenant
    assert [seconds(world, job) for job in (OTHER, replace(JOB, gateway="crun"), replace(JOB, account="b"))] == [0, 0, 0]


def test_it_opens_for_all_when_the_failures_are_seen_from_another_tenant_too(world: World) -> None:
    third = a_job(tenant="third")
    record(world, JOB, DOWN, 3 * BREAKER_FAILURES)
    assert seconds(world, third) == 0
    record(world, OTHER, DOWN, BREAKER_FAILURES)
    assert (seconds(world, third), breaker_state(world, "third")) == (BREAKER_SECONDS, "open")
    assert not world.breaker().read(third).by_tenant
    world.clock.sleep(BREAKER_SECONDS)
    record(world, third, None)
    assert (seconds(world, third), breaker_state(world, "third")) == (0, "closed")
    record(world, JOB, DOWN)
    assert seconds(world, third) == 0


def test_when_all_breakers_have_opened_the_failed_probe_of_either_tenant_holds_all_again(world: World) -> None:
    for job in (JOB, OTHER):
        record(world, job, DOWN, BREAKER_FAILURES)
    world.clock.sleep(BREAKER_SECONDS)
    record(world, JOB, DOWN)
    assert seconds(world, a_job(tenant="third")) == BREAKER_SECONDS


def test_a_success_between_failures_resets_the_count(world: World) -> None:
    for _ in range(BREAKER_FAILURES):
        record(world, JOB, DOWN)
        record(world, JOB, None)
    assert seconds(world) == 0


@pytest.mark.parametrize(
    "code", [ErrorCode.CONTENT_REJECTED, ErrorCode.INVALID_REQUEST, ErrorCode.RATE_LIMITED, ErrorCode.MAINTENANCE]
)
def test_a_refusal_of_one_request_or_for_now_neither_counts_nor_resets(world: World, code: ErrorCode) -> None:
    record(world, JOB, Fault(code, "x"), BREAKER_FAILURES + 1)
    assert seconds(world) == 0
    record(world, JOB, DOWN, BREAKER_FAILURES - 1)
    record(world, JOB, Fault(code, "x"))
    record(world, JOB, DOWN)
    assert seconds(world) == BREAKER_SECONDS


def test_after_the_open_time_one_probe_passes_and_its_success_closes_the_breaker(world: World) -> None:
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    assert breaker_state(world) == "half_open"
    breaker = world.breaker()
    probe, second = breaker.read(JOB), breaker.read(JOB)
    assert [(each.seconds, each.probe) for each in (probe, second)] == [(0, True)] * 2
    assert [breaker.enter(JOB, each) for each in (probe, second)] == [True, False]
    assert seconds(world) == BREAKER_SECONDS
    breaker.record(JOB, probe, None)
    assert (seconds(world), breaker_state(world)) == (0, "closed")


def test_a_failed_probe_opens_the_breaker_again(world: World) -> None:
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    breaker = world.breaker()
    probe = breaker.read(JOB)
    breaker.enter(JOB, probe)
    breaker.record(JOB, probe, DOWN)
    assert seconds(world) == BREAKER_SECONDS


def test_a_probe_that_was_not_sent_is_left_to_the_next_job(world: World) -> None:
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    breaker = world.breaker()
    probe, second = breaker.read(JOB), breaker.read(JOB)
    assert breaker.enter(JOB, probe)
    breaker.withdraw(JOB, probe)
    assert (seconds(world), breaker_state(world)) == (0, "half_open")
    assert breaker.enter(a_job(job_id="another"), second)
    breaker.withdraw(JOB, probe)
    assert seconds(world) == BREAKER_SECONDS


def test_a_job_that_is_the_probe_of_one_breaker_only_takes_it_back(world: World) -> None:
    for job in (JOB, OTHER):
        record(world, job, DOWN, BREAKER_FAILURES)
    world.clock.sleep(BREAKER_SECONDS)
    breaker = world.breaker()
    late, first = breaker.read(JOB), breaker.read(JOB)
    assert breaker.enter(JOB, replace(first, breakers=first.breakers[1:]))
    assert not breaker.enter(a_job(job_id="late"), late)
    assert breaker.enter(OTHER, breaker.read(OTHER))


def test_a_probe_that_is_too_late_for_its_slot_holds_the_breaker_for_no_other_job(world: World) -> None:
    jobs = [world.accept(key=key) for key in ("one", "other")]
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    creator = world.task_creator()
    calls: Any = LateForItsSlot(creator.calls)
    assert replace(creator, calls=calls).create_task(jobs[0]).next == "wait"
    assert breaker_state(world) == "half_open"
    world.wire.answers = [ACCEPTED]
    creator.create_task(jobs[1])
    assert world.job(jobs[1]).task_id == "J1"


def test_a_probe_whose_job_was_cancelled_meanwhile_holds_the_breaker_for_no_other_job(world: World) -> None:
    job_id = world.accept()
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    creator = world.task_creator()
    calls: Any = Cancelling(creator.calls, world, job_id)
    assert replace(creator, calls=calls).create_task(job_id).next == "wait"
    assert (world.wire.requests, breaker_state(world)) == ([], "half_open")


class LateForItsSlot:
    """Calls that leave so late that no further slot is free in time."""

    def __init__(self, calls: Any) -> None:
        self.calls = calls

    def wait_for_slot(self, _job: Job, _slot: float, _until: float) -> None:
        raise NoSlot(10)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.calls, name)


class Cancelling(LateForItsSlot):
    """The job is cancelled while it reserves its slot."""

    def __init__(self, calls: Any, world: World, job_id: str) -> None:
        super().__init__(calls)
        self.world = world
        self.job_id = job_id

    def reserve_slot(self, job: Job, ahead: float, until: float, *, lead: float) -> float:
        self.world.jobs.finish(job, JobState.CANCELLED, None, now=int(self.world.now))
        slot: float = self.calls.reserve_slot(job, ahead, until, lead=lead)
        return slot


class Interrupted:
    """A table on which ``act`` happens just before one of the writes; they count from 1."""

    def __init__(self, client: Any, act: Callable[[], None], before: int) -> None:
        self.client = client
        self.exceptions = client.exceptions
        self.act = act
        self.before = before
        self.writes = 0

    def update_item(self, **given: Any) -> Any:
        self.writes += 1
        if self.writes == self.before:
            self.act()
        return self.client.update_item(**given)


@pytest.mark.parametrize("others", [0, BREAKER_FAILURES])
def test_a_success_at_any_moment_of_the_opening_leaves_the_breaker_closed(world: World, others: int) -> None:
    def open_breaker(tenant: str, success_before: int) -> int:
        job, other = a_job(tenant=tenant, account=tenant), a_job(tenant="other", account=tenant)
        record(world, job, DOWN, BREAKER_FAILURES - 1)
        record(world, other, DOWN, others)
        last, success = world.breaker(), world.breaker().read(job)

        def succeed() -> None:
            world.breaker().record(job, success, None)
            world.breaker().record(job, world.breaker().read(job), None)

        table: Any = Interrupted(world.dynamodb, succeed, success_before)
        interrupted = CircuitBreaker(AccountItems(table, TABLE), last.failures, last.open_seconds, world.clock)
        interrupted.record(job, last.read(job), DOWN)
        held = world.breaker().read(job).seconds
        assert bool(held) is not bool(success_before), f"before write {success_before}"
        writes: int = table.writes
        return writes

    for moment in range(1, open_breaker("undisturbed", 0) + 1):
        open_breaker(f"t{moment}", moment)


def test_a_record_that_cannot_be_written_does_no_harm(world: World) -> None:
    throttled: Any = Throttled()
    breaker = CircuitBreaker(AccountItems(throttled, TABLE), BREAKER_FAILURES, BREAKER_SECONDS, world.clock)
    breaker.record(JOB, world.breaker().read(JOB), DOWN)
    assert seconds(world) == 0


def test_a_job_without_a_slot_does_not_use_up_the_probe(world: World) -> None:
    job_id = world.accept()
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    world.use_up_slots(job_id, 30)
    assert world.task_creator().create_task(job_id).next == "wait"
    assert breaker_state(world) == "half_open"
    world.clock.sleep(30)
    world.wire.answers = [ACCEPTED]
    world.task_creator().create_task(job_id)
    assert world.job(job_id).task_id == "J1"


def test_of_two_jobs_that_see_the_breaker_half_open_only_the_first_in_the_queue_is_submitted(world: World) -> None:
    jobs = [world.accept(key=key) for key in ("one", "other")]
    opened(world)
    creator = world.task_creator()
    waits = [creator.create_task(job_id).wait_seconds for job_id in jobs]
    assert waits == [BREAKER_SECONDS, BREAKER_SECONDS + 1]
    world.clock.sleep(BREAKER_SECONDS + 1)
    world.wire.answers = [httpx.ReadTimeout("still down")]
    assert creator.create_task(jobs[1]).next == "wait"
    assert world.wire.submissions == 0
    creator.create_task(jobs[0])
    assert world.wire.submissions == 1
    assert creator.create_task(jobs[1]) == NextStep(jobs[1], "wait", BREAKER_SECONDS)


def test_a_job_whose_probe_was_taken_waits(world: World) -> None:
    job_id = world.accept()
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    creator = world.task_creator()
    admission: Any = Overtaken(creator.admission)
    creator = replace(creator, admission=admission)
    assert creator.create_task(job_id).next == "wait"
    assert (world.wire.requests, world.job(job_id).state) == ([], JobState.ACCEPTED)


class Overtaken:
    """Another job enters between the question and the entry."""

    def __init__(self, admission: Any) -> None:
        self.admission = admission

    def enter(self, job: Job, turn: Any) -> bool:
        assert self.admission.enter(a_job(job_id="another"), turn)
        entered: bool = self.admission.enter(job, turn)
        return entered

    def __getattr__(self, name: str) -> Any:
        return getattr(self.admission, name)


def test_a_job_waits_while_the_breaker_of_its_only_gateway_is_open(world: World) -> None:
    job_id = world.accept()
    opened(world)
    world.wire.answers = [ACCEPTED]
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", BREAKER_SECONDS)
    assert (world.wire.requests, world.job(job_id).state) == ([], JobState.ACCEPTED)
    world.clock.sleep(BREAKER_SECONDS)
    world.task_creator().create_task(job_id)
    assert world.job(job_id).task_id == "J1"
    assert breaker_state(world) == "closed"


def test_a_job_that_waits_for_a_breaker_ends_at_its_deadline_without_a_charge(world: World) -> None:
    job_id = world.accept()
    world.clock.sleep(DEADLINE - 5)
    opened(world)
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", 5)
    world.clock.sleep(5)
    assert world.task_checker().check_task(job_id).next == "finish"
    fault = world.job(job_id).fault
    assert fault is not None
    assert "Nothing was charged" in fault.message
    assert world.job_finisher().finish_job(job_id) is JobState.TIMED_OUT
    assert world.due() == []
