"""Whose turn it is (I12): the queue, the limit on concurrent tasks, and what they leave room for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError as AwsError

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.schedule import NextStep
from suno_jobs.jobs.states import Charged, JobState
from suno_jobs.network.http import httpx
from suno_jobs.steps.create_task import QUEUE_TOO_LONG
from suno_jobs.storage.receipts import ReceiptSource
from suno_jobs.storage.table import JOB, key
from suno_jobs.storage.update_expressions import Change
from suno_jobs.traffic.account_items import AccountItems
from suno_jobs.traffic.admission import EARLY_SECONDS, HORIZON_SECONDS, PLENTY, SOONEST_SECONDS, Admission, Turn
from suno_jobs.traffic.concurrency import PROBE_SECONDS, TASK, Concurrency, Room
from suno_jobs.traffic.submission_queue import CLEARED, LIVE_SECONDS, PAGE, SubmissionQueue, tenant_key
from tests.builders import ACCEPTED, Throttled, music, opened, running, task, use_accounts
from tests.world import BREAKER_SECONDS, DEADLINE, PACE, START, TABLE, FixedSecret, World, a_job

BUSY = Fault(ErrorCode.RATE_LIMITED, "full")


def job(number: int = 0, tenant: str = "acme", *, place: str | None = None) -> Job:
    return a_job(job_id=f"job_{tenant}_{number:03}", tenant=tenant, place=place, deadline_at=START + DEADLINE)


def items(world: World) -> AccountItems:
    return AccountItems(world.dynamodb, TABLE)


def wait(admission: Admission, waiting: Job, turn: Turn, seconds: int = 60) -> Job:
    now = int(admission.clock())
    return replace(waiting, place=admission.wait(waiting, turn, now + seconds))


def full(world: World, tasks: int, tenant: str = "acme") -> None:
    """So many tasks of the tenant are in flight."""
    for number in range(tasks):
        Concurrency(items(world)).accepted(job(900 + number, tenant), Room())


def queue(world: World, *waiting: Job) -> list[Job]:
    """The jobs begin to wait, in this order. Each is ahead of the next one."""
    admission = world.admission()
    return [wait(admission, each, admission.ask(each, 1)) for each in waiting]


def order(waiting: list[Job]) -> list[str]:
    return [each.job_id for each in sorted(waiting, key=lambda each: each.place or "")]


# The queue


def test_i12_jobs_of_a_tenant_are_served_in_the_order_in_which_they_began_to_wait(world: World) -> None:
    waiting = queue(world, *(job(number) for number in (3, 1, 2)))
    assert order(waiting) == ["job_acme_003", "job_acme_001", "job_acme_002"]


def test_i12_tenants_take_turns_whoever_came_first_and_however_many(world: World) -> None:
    many = queue(world, *(job(number, "many") for number in range(6)))
    few = queue(world, *(job(number, "few") for number in range(2)))
    assert order([*many, *few])[:4] == ["job_few_000", "job_many_000", "job_few_001", "job_many_001"]


def test_i12_a_tenant_has_no_advantage_from_an_idle_time_and_no_disadvantage_from_a_busy_one(world: World) -> None:
    for each in queue(world, *(job(number, "busy") for number in range(20))):
        SubmissionQueue(items(world)).leave(each)
    world.clock.sleep(1)
    both = queue(world, job(30, "idle"), job(30, "busy"), job(31, "idle"), job(31, "busy"))
    assert [each.split("_")[2] for each in order(both)] == ["030", "030", "031", "031"]


def test_a_job_that_did_not_come_back_is_passed_and_its_entry_removed(world: World) -> None:
    gone = queue(world, *(job(number) for number in range(CLEARED + 2)))
    world.clock.sleep(60 + LIVE_SECONDS)
    [last] = queue(world, job(50))
    assert SubmissionQueue(items(world)).read(last, world.now).ahead == 0
    assert SubmissionQueue(items(world)).read(gone[-1], world.now).head is not None
    for _ in range(3):
        SubmissionQueue(items(world)).read(gone[-1], world.now)
    assert [entry["sk"]["S"] for entry in world.items("QUEUE#")] == [last.place]


def test_i12_a_job_loses_neither_its_place_nor_its_turn_while_the_queue_is_throttled(world: World) -> None:
    admission, throttled = world.admission(), SubmissionQueue(AccountItems(Throttled(), TABLE))  # type: ignore[arg-type]
    first, second = queue(world, job(1), job(2))
    turn = admission.ask(first, None)
    stuck = replace(admission, queue=throttled)
    assert stuck.wait(first, turn, world.now + 60) == first.place
    assert stuck.enter(first, turn)
    assert admission.ask(second, 1).queue.ahead == 1
    world.clock.sleep(60 + LIVE_SECONDS)
    assert admission.ask(second, 1).queue.ahead == 0


def refusing(world: World, code: str = "ThrottlingException") -> SubmissionQueue:
    client: Any = Throttled(world.dynamodb, code)
    return SubmissionQueue(AccountItems(client, TABLE))


def test_i12_entries_that_cannot_be_removed_keep_no_job_from_its_turn(world: World) -> None:
    _, last = queue(world, job(1), job(2))
    world.clock.sleep(60 + LIVE_SECONDS)
    assert refusing(world).read(last, world.now).ahead == 0
    assert len(world.items("QUEUE#")) == 2


def test_a_write_to_the_queue_that_is_wrong_is_not_tolerated(world: World) -> None:
    [first] = queue(world, job(1))
    queued = refusing(world, "AccessDeniedException")
    for write in (
        lambda: queued.keep(first, str(first.place), back_at=world.now, held=False),
        lambda: queued.leave(first),
        lambda: queued.join(job(2), None, now=world.now),
    ):
        with pytest.raises(AwsError, match="AccessDenied"):
            write()


def test_i12_a_job_that_gets_no_place_for_now_asks_again_within_a_minute_and_does_not_fail(world: World) -> None:
    job_id = world.accept()
    world.use_up_slots(job_id)
    creator = world.task_creator()
    stuck = replace(creator, admission=replace(creator.admission, queue=refusing(world)))
    wait = PACE.next_try_for_place(world.job(job_id))
    assert stuck.create_task(job_id) == NextStep(job_id, "wait", wait)
    assert (world.job(job_id).state, world.job(job_id).place) == (JobState.ACCEPTED, None)
    world.clock.sleep(world.job(job_id).deadline_at - world.clock() - 3)
    world.use_up_slots(job_id)
    assert stuck.create_task(job_id).wait_seconds <= 3


def test_jobs_that_get_no_place_for_now_do_not_ask_again_together() -> None:
    waits = [PACE.next_try_for_place(job(number)) for number in range(1000)]
    assert (min(waits), max(waits), len(set(waits))) == (10, 60, 51)


def test_a_job_leaves_the_queue_when_its_intent_is_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deletion may be slow, and an intent must not wait for it."""
    states: list[JobState] = []
    leave = SubmissionQueue.leave

    def seen(queued: SubmissionQueue, leaving: Job) -> None:
        states.append(world.job(leaving.job_id).state)
        leave(queued, leaving)

    monkeypatch.setattr(SubmissionQueue, "leave", seen)
    job_id = world.accept()
    world.use_up_slots(job_id)
    world.wire.answers = [ACCEPTED]
    step = world.task_creator().create_task(job_id)
    assert (states, world.items("QUEUE#"), world.job(job_id).task_id) == ([JobState.SUBMITTING], [], "J1"), step


def test_a_job_keeps_its_place_while_it_waits(world: World) -> None:
    first, second = queue(world, job(1), job(2))
    admission = world.admission()
    world.clock.sleep(60)
    for each in (second, first):
        assert wait(admission, each, admission.ask(each, 1)).place == each.place
    assert SubmissionQueue(items(world)).read(second, world.now).ahead == 1


def test_far_back_the_number_of_jobs_ahead_is_estimated(world: World) -> None:
    waiting = queue(world, *(job(number) for number in range(PAGE + 20)))
    assert SubmissionQueue(items(world)).read(waiting[-1], world.now).ahead == PAGE + 19
    assert SubmissionQueue(items(world)).read(job(PAGE + 20), world.now).ahead == PAGE + 20
    assert SubmissionQueue(items(world)).read(waiting[10], world.now).ahead == 10


def test_jobs_that_are_held_for_the_sake_of_their_tenant_hold_no_others(world: World) -> None:
    opened(world)
    held = queue(world, job(1), job(2))
    [other] = queue(world, job(1, "other"))
    queued = SubmissionQueue(items(world))
    assert queued.read(other, world.now).ahead == 0
    assert [queued.read(each, world.now).ahead for each in held] == [0, 2]


def hold(world: World, held: list[Job]) -> list[Job]:
    queued = SubmissionQueue(items(world))
    return [replace(each, place=queued.keep(each, str(each.place), back_at=world.now + 60, held=True)) for each in held]


def test_i12_jobs_that_are_held_fill_no_page_of_others(world: World) -> None:
    held = hold(world, queue(world, *(job(number, "held") for number in range(PAGE + 10))))
    many = queue(world, *(job(number, "many") for number in range(PAGE + 20)))
    queued = SubmissionQueue(items(world))
    for each in many[:5]:
        queued.leave(each)
    assert [queued.read(many[number], world.now).ahead for number in (5, 6, 30)] == [0, 1, 25]
    [few] = queue(world, job(0, "few"))
    assert order([*many[5:], few]).index(few.job_id) <= 1
    assert [queued.read(held[number], world.now).ahead for number in (0, 1)] == [0, 1]


def test_i12_a_job_that_is_no_longer_held_has_its_place_back_under_its_number(world: World) -> None:
    """Until then it is ahead only of its own tenant's jobs."""
    [first, second, third], [other] = queue(world, *(job(number) for number in range(3))), queue(world, job(9, "other"))
    held = hold(world, [first, second])
    assert [entry["sk"]["S"] for entry in world.items("HELD#")] == [str(each.place) for each in held]
    assert len(world.items("QUEUE#")) == 2
    queued, admission = SubmissionQueue(items(world)), world.admission()
    assert [queued.read(each, world.now).ahead for each in (*held, third, other)] == [0, 2, 3, 0]
    again = [wait(admission, each, admission.ask(each, 1)) for each in held]
    assert ([each.place for each in again], world.items("HELD#")) == ([first.place, second.place], [])


def test_i12_a_queue_in_which_all_are_held_continues_at_their_numbers(world: World) -> None:
    """Otherwise the numbers of those who come now would seem to be far behind when the tenant goes on."""
    [held] = queue(world, job(0, "held"))
    hold(world, [held])
    world.clock.sleep(30)
    [new] = queue(world, job(0, "new"))
    assert str(new.place)[6:21] == str(held.place)[6:21]
    world.clock.sleep(60 + LIVE_SECONDS)
    [later] = queue(world, job(0, "later"))
    assert int(str(later.place)[6:21]) > int(str(held.place)[6:21])


def test_i12_the_jobs_behind_the_probe_of_their_tenant_hold_no_others(world: World) -> None:
    opened(world)
    waiting = queue(world, job(1), job(2))
    world.clock.sleep(BREAKER_SECONDS)
    again = queue(world, *waiting)
    assert [each.place for each in again] == [each.place for each in waiting]
    assert world.items("QUEUE#") == []


def test_i12_a_newcomer_does_not_begin_where_a_held_tenant_has_stopped(world: World) -> None:
    held = queue(world, job(0, "held"))
    served = queue(world, *(job(number) for number in range(5)))
    hold(world, held)
    for each in served[:3]:
        SubmissionQueue(items(world)).leave(each)
    new = queue(world, *(job(number, "new") for number in range(3)))
    assert [each.split("_")[1:] for each in order([*served[3:], *new])] == [
        ["acme", "003"],
        ["new", "000"],
        ["acme", "004"],
        ["new", "001"],
        ["new", "002"],
    ]


def test_i12_far_back_a_job_is_behind_those_that_are_not_held(world: World) -> None:
    held = queue(world, *(job(number, "held") for number in range(PAGE - 5)))
    waiting = queue(world, *(job(number) for number in range(PAGE * 2)))
    hold(world, held)
    for each in waiting[:10]:
        SubmissionQueue(items(world)).leave(each)
    queued = SubmissionQueue(items(world))
    assert [queued.read(waiting[number], world.now).ahead for number in (10, 14, PAGE, 2 * PAGE - 1)] == [0, 4, 40, 89]


# The limit on concurrent tasks


def learned(world: World) -> int | None:
    limit: int | None = items(world).get(job(), "LIMIT").get("tasks")
    return limit


def test_the_first_refusal_of_a_job_reveals_the_limit(world: World) -> None:
    full(world, 5)
    Concurrency(items(world)).refused(job(), BUSY, now=world.now)
    assert learned(world) == 5


@pytest.mark.parametrize(
    ("tasks", "refused", "fault"),
    [
        ((0, 0), job(), BUSY),
        ((0, 3), job(), BUSY),
        ((3, 0), replace(job(), fault=BUSY), BUSY),
        ((3, 0), job(), Fault(ErrorCode.MAINTENANCE, "x")),
    ],
    ids=["nothing in flight", "only of others", "refused before", "no limit"],
)
def test_other_refusals_reveal_nothing(world: World, tasks: tuple[int, int], refused: Job, fault: Fault) -> None:
    full(world, tasks[0])
    full(world, tasks[1], "other")
    Concurrency(items(world)).refused(refused, fault, now=world.now)
    assert learned(world) is None


def test_of_several_refusals_the_smallest_limit_counts(world: World) -> None:
    concurrency = Concurrency(items(world))
    for tasks in (5, 3, 8):
        full(world, 8)
        for number in range(tasks, 8):
            concurrency.end(job(900 + number))
        concurrency.refused(job(tasks), BUSY, now=world.now)
    assert learned(world) == 3


def test_above_the_limit_one_probe_is_sent_at_a_time_and_its_success_raises_the_limit(world: World) -> None:
    concurrency = Concurrency(items(world))
    full(world, 5)
    concurrency.refused(job(), BUSY, now=world.now)
    assert concurrency.room(job(), None, now=world.now).free == 0
    world.clock.sleep(PROBE_SECONDS)
    rooms = [concurrency.room(job(number), None, now=world.now) for number in range(2)]
    assert [room.free for room in rooms] == [1, 1]
    assert [concurrency.begin(job(number), rooms[number], now=world.now) for number in range(2)] == [True, False]
    concurrency.accepted(job(0), rooms[0])
    assert learned(world) == 7
    assert concurrency.room(job(3), None, now=world.now).free == 1


def test_a_probe_above_the_limit_that_was_not_sent_is_left_to_the_next_job(world: World) -> None:
    admission = world.admission()
    full(world, 5)
    admission.concurrency.refused(job(), BUSY, now=world.now)
    world.clock.sleep(PROBE_SECONDS)
    turns = [admission.ask(job(number), None) for number in range(2)]
    assert admission.enter(job(0), turns[0])
    admission.withdraw(job(0), turns[0])
    assert admission.concurrency.room(job(2), None, now=world.now).tasks == 5
    assert admission.enter(job(1), turns[1])
    admission.withdraw(job(0), turns[0])
    assert admission.concurrency.room(job(2), None, now=world.now).free == 0


def test_a_job_that_comes_too_late_for_the_probe_above_the_limit_takes_back_that_of_the_breaker(world: World) -> None:
    admission = world.admission()
    full(world, 5)
    admission.concurrency.refused(job(), BUSY, now=world.now)
    opened(world)
    world.clock.sleep(BREAKER_SECONDS)
    late, first = admission.ask(job(0), None), admission.ask(job(1), None)
    assert admission.concurrency.begin(job(1), first.room, now=world.now)
    assert not admission.enter(job(0), late)
    assert admission.breaker.enter(job(1), first.hold)


def test_a_limit_of_the_operator_is_not_probed(world: World) -> None:
    concurrency = Concurrency(items(world))
    full(world, 2)
    world.clock.sleep(PROBE_SECONDS)
    assert [concurrency.room(job(), most, now=world.now).free for most in (1, 2, 3)] == [0, 0, 1]


def test_a_task_counts_until_its_end_or_the_deadline_of_its_job(world: World) -> None:
    concurrency = Concurrency(items(world))
    full(world, 2)
    concurrency.end(job(900))
    concurrency.end(job(900))
    assert concurrency.room(job(), 5, now=world.now).tasks == 1
    world.clock.sleep(DEADLINE)
    assert concurrency.room(job(), 5, now=world.now).tasks == 0


# Turns


def test_i12_the_free_places_go_to_the_first_in_the_queue(world: World) -> None:
    full(world, 3)
    waiting = queue(world, *(job(number) for number in range(4)))
    admission = world.admission()
    assert [admission.ask(each, 5).seconds == 0 for each in waiting] == [True, True, False, False]
    assert admission.ask(job(9), 5).seconds > 0


def test_a_waiting_job_asks_more_often_near_the_head_and_at_least_once_a_minute(world: World) -> None:
    full(world, 12)
    waiting = queue(world, *(job(number) for number in range(30)))
    seconds = [world.admission().ask(each, 12).seconds for each in waiting]
    assert seconds == sorted(seconds)
    assert (seconds[0], seconds[-1]) == (SOONEST_SECONDS, HORIZON_SECONDS)


def test_far_back_in_the_queue_a_job_asks_after_half_of_the_shortest_possible_wait(world: World) -> None:
    [*_, last] = queue(world, *(job(number) for number in range(PAGE)))
    world.use_up_slots(world.accept())
    for behind, seconds in ((5 * 60, 55), (5 * 90, 55), (5 * 300, 150)):
        far = replace(last, place=f"QUEUE#{int(str(last.place)[6:21]) + behind - PAGE:015d}#{last.job_id}")
        assert world.admission().ask(far, None).seconds == pytest.approx(seconds, abs=2)


def test_i12_at_a_learned_limit_each_job_asks_again_when_its_probe_may_be_due(world: World) -> None:
    full(world, 1)
    Concurrency(items(world)).refused(job(), BUSY, now=world.now)
    waiting = queue(world, *(job(number) for number in range(5)))
    assert [world.admission().ask(each, None).seconds for each in waiting] == [20, 40, 60, 60, 60]
    world.clock.sleep(PROBE_SECONDS)
    assert [world.admission().ask(each, None).seconds for each in waiting] == [0, 20, 40, 60, 60]


def test_i12_slots_that_the_first_in_the_queue_leave_idle_are_offered_to_jobs_behind_them(world: World) -> None:
    waiting = queue(world, *(job(number) for number in range(60)))
    admission, rate = world.admission(), GATEWAYS[waiting[0].gateway].rate

    def free() -> int:
        return admission.rate_limiter.free(waiting[0].gateway, waiting[0].account, rate, now=world.now)

    def admitted() -> int:
        return sum(admission.ask(each, None).seconds == 0 for each in waiting)

    assert PLENTY < free() < admitted() < len(waiting)
    while free() > PLENTY:
        admission.rate_limiter.take(waiting[0].gateway, waiting[0].account, rate, now=world.now)
    served = [admission.ask(each, None).seconds == 0 for each in waiting]
    assert served == [True] * free() + [False] * (len(waiting) - free())


def test_a_job_behind_those_that_wait_for_slots_comes_when_its_slot_is_near(world: World) -> None:
    waiting = queue(world, *(job(number) for number in range(60)))
    world.use_up_slots(world.accept())
    seconds = [world.admission().ask(each, None).seconds for each in waiting]
    assert seconds[0] == 0
    assert seconds[-1] == 60 // 5 + 1 - EARLY_SECONDS


def behind_too_many(world: World) -> str:
    """A job whose turn cannot come before its deadline."""
    [*_, last] = queue(world, *(job(number) for number in range(PAGE)))
    behind = int(DEADLINE * 5 * 1.1)
    items(world).change_at(tenant_key(last, "acme"), Change(adds={"number": behind}))
    job_id = world.accept()
    world.use_up_slots(job_id)
    return job_id


def test_a_job_that_ends_early_is_not_said_to_cost_nothing_if_a_gateway_before_may_have_charged(world: World) -> None:
    job_id = behind_too_many(world)
    items(world).change_at(key(job_id, JOB), Change(sets={"maybe_charged": True}))
    world.task_creator().create_task(job_id)
    ended = world.job(job_id)
    assert (ended.state, ended.fault and ended.fault.code, ended.charged) == (JobState.TIMED_OUT, "ambiguous", Charged.MAYBE)


def test_i12_a_job_whose_turn_cannot_come_before_its_deadline_ends_early_and_costs_nothing(world: World) -> None:
    job_id = behind_too_many(world)
    waiting = world.items("QUEUE#")
    assert world.task_creator().create_task(job_id) == NextStep(job_id, "wait", 1)
    ended = world.job(job_id)
    assert (ended.state, ended.fault, ended.charged) == (JobState.TIMED_OUT, QUEUE_TOO_LONG, Charged.NO)
    assert world.items("QUEUE#") == waiting
    assert world.task_checker().check_task(job_id).next == "finish"


@pytest.mark.parametrize(
    ("others", "too_late"),
    [({}, False), ({"a": 0.7}, True), ({"a": 0.3}, False), ({"a": 0.3, "b": 0.3}, True), ({"a": 9}, True)],
)
def test_i12_a_job_is_told_early_whose_turn_other_tenants_take(world: World, others: dict[str, float], too_late: bool) -> None:
    """The places of each tenant count, in shares of what the rate permits before the deadline, as far as they are ahead."""
    possible = DEADLINE * 5
    queue(world, *(job(number, tenant) for tenant in ("acme", *others) for number in range(PAGE)))
    for tenant, share in {"acme": 0.6, **others}.items():
        places = Change(adds={"number": int(share * possible) - PAGE})
        items(world).change_at(tenant_key(job(), tenant), places)
    far = job(PAGE)
    turn = world.admission().ask(far, None)
    reads = Reads(world.dynamodb)
    admission = replace(world.admission(), queue=SubmissionQueue(AccountItems(reads, TABLE)))  # type: ignore[arg-type]
    assert admission.comes_too_late(far, turn) is too_late
    assert (reads.gets <= len(others), reads.queries) == (True, 0)


def test_i12_a_job_with_few_jobs_ahead_is_told_if_its_deadline_is_near(world: World) -> None:
    queue(world, *(job(number) for number in range(20)))
    for seconds, too_late in ((3, True), (5, False)):
        late = replace(job(20), deadline_at=world.now + seconds)
        assert world.admission().comes_too_late(late, world.admission().ask(late, None)) is too_late


class Reads:
    """A table that counts its reads."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.gets = self.queries = 0

    def get_item(self, **given: Any) -> Any:
        self.gets += 1
        return self.client.get_item(**given)

    def get_paginator(self, _operation: str) -> Any:
        self.queries += 1


def test_a_job_waits_longer_than_the_horizon_only_for_a_breaker(world: World) -> None:
    job_id = world.accept()
    full(world, 5)
    use_accounts(world, FixedSecret({"ttapi/default": {"api_key": "k", "max_tasks": 5}}))
    step = world.task_creator().create_task(job_id)
    assert step == NextStep(job_id, "wait", HORIZON_SECONDS // 5)
    place = world.job(job_id).place
    world.clock.sleep(step.wait_seconds)
    world.task_creator().create_task(job_id)
    assert world.job(job_id).place == place
    Concurrency(items(world)).end(job(900))
    world.wire.answers = [ACCEPTED]
    world.task_creator().create_task(job_id)
    assert (world.job(job_id).task_id, world.job(job_id).place, world.items("QUEUE#")) == ("J1", None, [])
    assert len(world.items("TASK#")) == 5


def test_a_refused_task_does_not_count(world: World) -> None:
    job_id = world.accept()
    full(world, 2)
    use_accounts(world, FixedSecret({"ttapi/default": {"api_key": "k", "max_tasks": 5}}))
    world.wire.answers = [httpx.Response(429, json={"status": "FAILED", "message": "x"})]
    world.task_creator().create_task(job_id)
    assert len(world.items("TASK#")) == 2


LOST: dict[str, httpx.Response | Exception] = {
    "error": httpx.ReadTimeout("no answer"),
    "page": httpx.Response(200, text="<html>"),
}


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST)
def test_a_lost_submission_counts_until_its_callback_is_overdue(
    world: World, answer: httpx.ReadTimeout | httpx.Response
) -> None:
    job_id = world.accept()
    full(world, 2)
    use_accounts(world, FixedSecret({"ttapi/default": {"api_key": "k", "max_tasks": 3}}))
    world.wire.answers = [answer]
    world.task_creator().create_task(job_id)
    assert world.job(job_id).state is JobState.SUBMIT_UNKNOWN
    concurrency = Concurrency(items(world))
    world.clock.sleep(PACE.first_check - 1)
    assert concurrency.room(job(), 3, now=world.now).free == 0
    world.clock.sleep(1)
    assert concurrency.room(job(), 3, now=world.now).free == 1


@pytest.mark.parametrize("ended", [True, False])
def test_a_task_that_a_callback_names_counts_while_it_is_running(world: World, ended: bool) -> None:
    """Also at an account whose limit is not known yet, where lost submissions do not count."""
    job_id = world.accept()
    world.wire.answers = [LOST["page"]]
    world.task_creator().create_task(job_id)
    assert world.items("TASK#") == []
    world.receipts.record(
        job_id, ReceiptSource.CALLBACK, b'{"jobId": "J1", "status": "ON_QUEUE"}', gateway="ttapi", now=world.now
    )
    world.wire.answers = [task(music(1)) if ended else running()]
    world.task_checker().check_task(job_id)
    counted = [(each["accepted"], each["until"]) for each in items(world).find(world.job(job_id), TASK)]
    assert counted == ([] if ended else [(True, world.job(job_id).deadline_at)])


class Died(Exception):
    """Stands in for the end of a function."""


@pytest.mark.parametrize("known", [True, False])
def test_a_running_task_counts_although_its_function_died_before_it_was_counted(
    world: World, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    if known:
        use_accounts(world, FixedSecret({"ttapi/default": {"api_key": "k", "max_tasks": 5}}))
    job_id = world.accept()

    def die(*_: object) -> None:
        raise Died

    world.wire.answers = [ACCEPTED]
    with monkeypatch.context() as patch:
        patch.setattr(Concurrency, "accepted", die)
        with pytest.raises(Died):
            world.task_creator().create_task(job_id)
    accepted = world.job(job_id)
    assert accepted.tasks
    assert [each["accepted"] for each in items(world).find(accepted, TASK)] == ([False] if known else [])
    world.wire.answers = [running()]
    world.task_checker().check_task(job_id)
    marks = [(each["accepted"], each["until"]) for each in items(world).find(accepted, TASK)]
    assert marks == [(True, accepted.deadline_at)]


def test_a_task_that_is_counted_costs_no_further_write(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = world.accept()
    world.wire.answers = [ACCEPTED, running()]
    world.task_creator().create_task(job_id)
    written: list[str] = []
    monkeypatch.setattr(AccountItems, "change", lambda _self, _job, sort, _change: written.append(sort))
    world.task_checker().check_task(job_id)
    assert written == []


@pytest.mark.parametrize("late", [True, False])
def test_a_task_is_not_counted_again_after_the_deadline_of_its_job(world: World, late: bool) -> None:
    job_id = world.generating()
    world.clock.sleep(DEADLINE if late else 1)
    world.wire.answers = [running()]
    world.task_checker().check_task(job_id)
    assert len(world.items("TASK#")) == (0 if late else 1)


def test_a_task_that_a_repetition_reveals_counts(world: World) -> None:
    job_id = world.accept("evolink")
    accepted = httpx.Response(200, json={"id": "task-unified-1", "status": "pending", "progress": 0})
    world.wire.answers = [LOST["error"], accepted]
    world.task_creator().create_task(job_id)
    world.clock.sleep(PACE.interval)
    world.task_creator().create_task(job_id)
    assert [each["accepted"] for each in items(world).find(world.job(job_id), TASK)] == [True]
