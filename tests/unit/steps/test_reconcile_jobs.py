from __future__ import annotations

import json
import zlib
from types import SimpleNamespace

import pytest

from suno_jobs.errors import Conflict, ErrorCode, Fault
from suno_jobs.jobs.states import Cause, JobState
from suno_jobs.lifecycle.recovery import SHORTEST_INTERVAL_SECONDS
from suno_jobs.runtime.executions import ExecutionState
from suno_jobs.steps import reconcile_jobs
from suno_jobs.storage.due_index import DUE_SHARDS
from suno_jobs.storage.jobs import ANNOUNCED_SECONDS
from tests.builders import always, await_signal, event, handler, put_job, timed_out
from tests.world import PACE, TABLE, World


def overdue(world: World, key: str = "key-1") -> str:
    job_id = world.accept(key=key)
    world.clock.sleep(PACE.slack + 1)
    return job_id


def mark_announced(world: World, job_id: str) -> None:
    world.jobs.mark_announced(world.job(job_id), recoverable_until=None, due_at=None, now=world.now)


def test_a_job_that_is_not_due_is_left_alone(world: World) -> None:
    world.accept()
    world.executions.states.clear()
    assert world.job_reconciler().reconcile_jobs(always).started == []


def test_the_sweep_reports_how_late_it_is_and_for_how_long_a_job_should_have_ended(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def reported() -> tuple[float, float]:
        capsys.readouterr()
        world.job_reconciler().reconcile_jobs(always)
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        metrics = {name: line[name][0] for line in lines for name in ("SweepLag", "JobOverdue") if name in line}
        return metrics["SweepLag"], metrics["JobOverdue"]

    assert reported() == (0, 0)
    job = world.job(overdue(world))
    assert reported() == (1, 0)
    world.clock.sleep(job.deadline_at + 4000 - world.now)
    late = world.now - (world.job(job.job_id).due_at or 0)
    assert reported() == (late, 4000)


def test_an_execution_that_never_started_is_started_under_its_first_name(world: World) -> None:
    job_id = overdue(world)
    world.executions.states.clear()
    assert world.job_reconciler().reconcile_jobs(always).started == [job_id]
    assert list(world.executions.states) == [(job_id, 0)]
    assert world.job_reconciler().reconcile_jobs(always).started == []


def test_an_execution_that_died_is_followed_by_the_next_number(world: World) -> None:
    job_id = overdue(world)
    world.executions.states[job_id, 0] = ExecutionState.ENDED
    assert world.job_reconciler().reconcile_jobs(always).started == [job_id]
    assert (job_id, 1) in world.executions.states
    assert world.job(job_id).execution == 1


def test_the_next_execution_finds_a_signal_and_so_checks_at_once(world: World) -> None:
    job_id = overdue(world)
    world.executions.states[job_id, 0] = ExecutionState.ENDED
    assert "signalled" not in world.items("JOB")[0]
    world.job_reconciler().reconcile_jobs(always)
    assert "signalled" in world.items("JOB")[0]


def test_the_next_sweep_completes_one_that_died_after_its_claim(world: World) -> None:
    job_id = overdue(world)
    world.jobs.signals.claim_execution(job_id, Cause.SWEEP, before=0, number=1, due_at=world.now - 1)
    assert world.job_reconciler().reconcile_jobs(always).started == [job_id]
    assert (job_id, 1) in world.executions.states
    assert world.job(job_id).execution == 1


def test_a_running_execution_is_woken_and_its_job_postponed(world: World) -> None:
    job_id = overdue(world)
    await_signal(world, job_id)
    assert world.job_reconciler().reconcile_jobs(always).woken == [job_id]
    assert world.executions.woken == ["token"]
    assert world.job_reconciler().reconcile_jobs(always).woken == []
    world.clock.sleep(PACE.slack + 1)
    # No check has begun since: the earlier sweep may have ended before the execution was woken.
    assert world.job_reconciler().reconcile_jobs(always).woken == [job_id]
    assert world.executions.woken == ["token", "token"]
    woken = world.jobs.begin_check(job_id, now=world.now, due_at=world.now)
    assert woken is not None
    assert woken.cause is Cause.SWEEP


def test_an_execution_that_waits_is_woken_without_being_described(world: World) -> None:
    jobs = [overdue(world, f"key-{number}") for number in range(3)]
    for job_id in jobs:
        await_signal(world, job_id)
    world.executions.describable = 0
    swept = world.job_reconciler().reconcile_jobs(always)
    assert (sorted(swept.woken), swept.complete) == (sorted(jobs), True)
    assert not [job_id for job_id in jobs if job_id in world.due(0)]


def test_an_execution_that_died_while_it_waited_is_followed_by_the_next_one(world: World) -> None:
    job_id = overdue(world)
    await_signal(world, job_id)
    world.executions.dead.add("token")
    world.executions.states[job_id, 0] = ExecutionState.ENDED
    assert world.job_reconciler().reconcile_jobs(always).started == [job_id]


def test_a_sweep_that_is_throttled_leaves_the_rest_to_the_next_one(world: World) -> None:
    jobs = {overdue(world, f"key-{number}") for number in range(4)}
    for job_id in jobs:
        world.executions.states[job_id, 0] = ExecutionState.ENDED
    world.executions.describable = 1
    swept = world.job_reconciler().reconcile_jobs(always)
    assert (len(swept.started), swept.complete) == (1, False)
    world.executions.describable = 100
    rest = world.job_reconciler().reconcile_jobs(always)
    assert (set(swept.started) | set(rest.started), rest.complete) == (jobs, True)


def test_executions_are_described_slower_than_the_quota_allows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile_jobs, "DESCRIBED_AT_ONCE", 2)
    jobs = {overdue(world, f"key-{number}") for number in range(7)}
    began = world.clock.now
    assert set(world.job_reconciler().reconcile_jobs(always).woken) == jobs
    assert world.clock.now - began == pytest.approx((7 - 2 - 1) / reconcile_jobs.DESCRIBED_A_SECOND)


def test_a_sweep_without_time_describes_no_more_executions(world: World) -> None:
    jobs = {overdue(world, f"key-{number}") for number in range(2)}
    left = iter([*[True] * 2, True, False])
    swept = world.job_reconciler().reconcile_jobs(lambda: next(left))
    assert (len(swept.woken), swept.complete) == (1, False)
    assert set(swept.woken) < jobs


def test_two_sweeps_at_once_start_one_execution(world: World) -> None:
    job_id = overdue(world)
    world.executions.states[job_id, 0] = ExecutionState.ENDED
    other = world.job_reconciler()
    original = world.executions.state

    def slow(job_id: str, number: int) -> ExecutionState:
        found = original(job_id, number)
        world.executions.state = original  # type: ignore[method-assign]
        other.reconcile_jobs(always)
        return found

    world.executions.state = slow  # type: ignore[method-assign]
    assert world.job_reconciler().reconcile_jobs(always).started == []
    assert set(world.executions.states) == {(job_id, 0), (job_id, 1)}


def test_an_ended_job_whose_event_is_pending_is_still_due(world: World) -> None:
    job_id = overdue(world)
    world.executions.states[job_id, 0] = ExecutionState.ENDED
    world.jobs.finish(world.job(job_id), JobState.FAILED, Fault(ErrorCode.QUOTA, "x"), now=world.now)
    assert world.job_reconciler().reconcile_jobs(always).started == []
    world.clock.sleep(ANNOUNCED_SECONDS)
    assert world.job_reconciler().reconcile_jobs(always).started == [job_id]
    mark_announced(world, job_id)
    world.clock.sleep(10**6)
    assert world.job_reconciler().reconcile_jobs(always).started == []


def test_a_sweep_stops_in_time_and_the_next_continues(world: World) -> None:
    jobs = {overdue(world, f"key-{number}") for number in range(5)}
    world.executions.states.clear()
    left = iter([*[True] * 5, True, True, False])
    swept = world.job_reconciler().reconcile_jobs(lambda: next(left))
    assert (len(swept.started), swept.complete) == (2, False)
    rest = world.job_reconciler().reconcile_jobs(always)
    assert rest.complete
    assert set(swept.started) | set(rest.started) == jobs
    assert not set(swept.started) & set(rest.started)


def test_a_sweep_without_any_time_resumes_nothing(world: World) -> None:
    overdue(world)
    world.executions.states.clear()
    swept = world.job_reconciler().reconcile_jobs(lambda: False)
    assert (swept.started, swept.woken, swept.complete) == ([], [], False)


def test_a_sweep_without_time_leaves_jobs_whose_tasks_may_be_running(world: World) -> None:
    job_id = world.generating()
    world.clock.sleep(PACE.slack + PACE.longest)
    left = iter([True, False])
    swept = world.job_reconciler().reconcile_jobs(lambda: next(left))
    assert (swept.started, swept.woken, swept.complete) == ([], [], False)
    assert world.due(0) == [job_id]


def test_a_job_that_waits_while_its_task_is_running_is_not_woken(world: World) -> None:
    job_id = world.generating()
    await_signal(world, job_id)
    world.clock.sleep(PACE.slack + PACE.longest)
    job_reconciler = world.job_reconciler()
    object.__setattr__(job_reconciler, "find_running", lambda jobs: [(jobs, {job_id})])
    swept = job_reconciler.reconcile_jobs(always)
    assert (swept.started, swept.woken, world.due(0)) == ([], [], [])


def test_a_job_in_recovery_whose_task_is_still_running_is_read_later(world: World) -> None:
    job_id = timed_out(world)
    world.clock.sleep(SHORTEST_INTERVAL_SECONDS)
    assert world.due(0) == [job_id]
    job_reconciler = world.job_reconciler()
    object.__setattr__(job_reconciler, "find_running", lambda jobs: [(jobs, {job_id})])
    swept = job_reconciler.reconcile_jobs(always)
    assert (swept.started, swept.woken, world.due(0)) == ([], [], [])


def test_a_job_that_leaves_the_index_meanwhile_is_not_claimed(world: World) -> None:
    job_id = overdue(world)
    world.jobs.finish(world.job(job_id), JobState.CANCELLED, None, now=world.now)
    mark_announced(world, job_id)
    with pytest.raises(Conflict):
        world.jobs.signals.claim_execution(job_id, Cause.SWEEP, before=0, number=1, due_at=world.now)
    assert world.due() == []


def test_a_job_that_raises_does_not_stop_the_sweep_and_is_reported(world: World, caplog: pytest.LogCaptureFixture) -> None:
    jobs = sorted(overdue(world, f"key-{number}") for number in range(3))
    world.executions.states.clear()
    original = world.executions.state

    def broken_for_one(job_id: str, number: int) -> ExecutionState:
        if job_id == jobs[1]:
            raise RuntimeError("unreadable")
        return original(job_id, number)

    world.executions.state = broken_for_one  # type: ignore[method-assign]
    with pytest.raises(ExceptionGroup) as failed:
        world.job_reconciler().reconcile_jobs(always)
    assert {job_id for job_id, _ in world.executions.states} == {jobs[0], jobs[2]}
    assert [error.__notes__ for error in failed.value.exceptions] == [[jobs[1]]]
    [logged] = [record.__dict__ for record in caplog.records if record.message == "sweep"]
    assert {name: logged[name] for name in ("started", "woken", "failed", "complete")} == {
        "started": 2,
        "woken": 0,
        "failed": 1,
        "complete": True,
    }


def test_a_due_entry_without_a_job_is_skipped(world: World) -> None:
    overdue(world)
    world.jobs.get = lambda _: None  # type: ignore[method-assign, assignment]
    swept = world.job_reconciler().reconcile_jobs(always)
    assert (swept.started, swept.complete) == ([], True)


def test_an_unreadable_item_does_not_stop_the_sweep(world: World) -> None:
    jobs = sorted(overdue(world, f"key-{number}") for number in range(3))
    world.executions.states.clear()
    world.dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"JOB#{jobs[1]}"}, "sk": {"S": "JOB"}},
        UpdateExpression="SET attempts = :none",
        ExpressionAttributeValues={":none": {"NULL": True}},
    )
    with pytest.raises(ExceptionGroup):
        world.job_reconciler().reconcile_jobs(always)
    assert {job_id for job_id, _ in world.executions.states} == {jobs[0], jobs[2]}


def test_a_failed_batch_read_does_not_stop_the_sweep(world: World) -> None:
    job_id = overdue(world)
    world.executions.states.clear()

    def broken(_: object) -> list[str]:
        raise RuntimeError("no secret")

    job_reconciler = world.job_reconciler()
    object.__setattr__(job_reconciler, "find_running", broken)
    with pytest.raises(ExceptionGroup):
        job_reconciler.reconcile_jobs(always)
    assert (job_id, 0) in world.executions.states


def test_due_jobs_are_read_from_all_shards_in_turn(world: World) -> None:
    jobs = {overdue(world, f"key-{number}") for number in range(12)}
    shards = [zlib.crc32(job_id.encode()) % DUE_SHARDS for job_id, _ in world.jobs.due_index.due_jobs(world.now)]
    used = {zlib.crc32(job_id.encode()) % DUE_SHARDS for job_id in jobs}
    assert set(shards[: len(used)]) == used
    assert len(shards) == len(jobs)


def test_the_handler_returns_the_numbers_of_the_sweep(deployed: SimpleNamespace, world: World) -> None:
    world.clock.now = 1_000
    put_job(world)
    assert handler("reconcile_jobs")(event("reconcile_jobs/schedule")) == {"started": 1, "woken": 0, "complete": True}
