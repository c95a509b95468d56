import zlib

import pytest

from suno_jobs.due import DUE_SHARDS
from suno_jobs.errors import Conflict, ErrorCode, Fault
from suno_jobs.history import Cause
from suno_jobs.store import ANNOUNCED_SECONDS
from suno_jobs.transitions import JobState
from suno_jobs.workflow import Executions, ExecutionState
from tests.world import PACE, TABLE, World


def overdue(world: World, key: str = "key-1") -> str:
    job_id = world.accept(key=key)
    world.clock.sleep(PACE.slack + 1)
    return job_id


def put_away(world: World, job_id: str) -> None:
    world.jobs.put_away(world.job(job_id), care_until=None, due_at=None, partial=False, now=world.now)


def always() -> bool:
    return True


def test_a_job_that_is_not_due_is_left_alone(world: World) -> None:
    world.accept()
    world.executions.states.clear()
    assert world.sweeper()(always).started == []


def test_an_execution_that_never_started_is_started_under_its_first_name(world: World) -> None:
    job_id = overdue(world)
    world.executions.states.clear()
    assert world.sweeper()(always).started == [job_id]
    assert list(world.executions.states) == [(job_id, 0)]
    assert world.sweeper()(always).started == []


def test_an_execution_that_died_is_followed_by_the_next_of_its_line(world: World) -> None:
    job_id = overdue(world)
    world.executions.states[job_id, 0] = ExecutionState.ENDED
    assert world.sweeper()(always).started == [job_id]
    assert (job_id, 1) in world.executions.states
    assert world.job(job_id).execution == 1


def test_the_next_execution_finds_a_signal_and_so_looks_at_once(world: World) -> None:
    job_id = overdue(world)
    world.executions.states[job_id, 0] = ExecutionState.ENDED
    assert "signalled" not in world.items("JOB")[0]
    world.sweeper()(always)
    assert "signalled" in world.items("JOB")[0]


def test_a_sweep_that_dies_after_its_claim_is_made_good_by_the_next(world: World) -> None:
    job_id = overdue(world)
    world.jobs.claim_execution(job_id, Cause.SWEEP, before=0, number=1, now=world.now, due_at=world.now - 1)
    assert world.sweeper()(always).started == [job_id]
    assert (job_id, 1) in world.executions.states
    assert world.job(job_id).execution == 1


def test_a_running_execution_is_woken_and_its_job_postponed(world: World) -> None:
    job_id = overdue(world)
    world.dynamodb.update_item(
        TableName="jobs",
        Key={"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}},
        UpdateExpression="SET task_token = :t",
        ExpressionAttributeValues={":t": {"S": "token"}},
    )
    assert world.sweeper()(always).woken == [job_id]
    assert world.executions.woken == ["token"]
    assert world.sweeper()(always).woken == []
    world.clock.sleep(PACE.slack + 1)
    assert world.sweeper()(always).woken == [job_id]
    assert world.executions.woken == ["token"]
    woken = world.jobs.begin_check(job_id, now=world.now, due_at=world.now)
    assert woken is not None
    assert woken.cause is Cause.SWEEP


def test_two_sweeps_at_once_start_one_execution(world: World) -> None:
    job_id = overdue(world)
    world.executions.states[job_id, 0] = ExecutionState.ENDED
    other = world.sweeper()
    original = world.executions.state

    def slow(job_id: str, number: int) -> ExecutionState:
        found = original(job_id, number)
        world.executions.state = original  # type: ignore[method-assign]
        other(always)
        return found

    world.executions.state = slow  # type: ignore[method-assign]
    assert world.sweeper()(always).started == []
    assert set(world.executions.states) == {(job_id, 0), (job_id, 1)}


def test_an_ended_job_whose_event_is_owed_is_still_due(world: World) -> None:
    job_id = overdue(world)
    world.executions.states[job_id, 0] = ExecutionState.ENDED
    world.jobs.finish(world.job(job_id), JobState.FAILED, Fault(ErrorCode.QUOTA, "x"), partial=False, now=world.now)
    assert world.sweeper()(always).started == []
    world.clock.sleep(ANNOUNCED_SECONDS)
    assert world.sweeper()(always).started == [job_id]
    put_away(world, job_id)
    world.clock.sleep(10**6)
    assert world.sweeper()(always).started == []


def test_a_sweep_stops_in_time_and_the_next_goes_on(world: World) -> None:
    jobs = {overdue(world, f"key-{number}") for number in range(5)}
    world.executions.states.clear()
    left = iter([True, True, False])
    swept = world.sweeper()(lambda: next(left))
    assert (len(swept.started), swept.complete) == (2, False)
    rest = world.sweeper()(always)
    assert rest.complete
    assert set(swept.started) | set(rest.started) == jobs
    assert not set(swept.started) & set(rest.started)


def test_a_job_that_leaves_the_index_meanwhile_is_not_claimed(world: World) -> None:
    job_id = overdue(world)
    world.jobs.finish(world.job(job_id), JobState.CANCELLED, None, partial=False, now=world.now)
    put_away(world, job_id)
    try:
        world.jobs.claim_execution(job_id, Cause.SWEEP, before=0, number=1, now=world.now, due_at=world.now)
    except Conflict:
        assert world.due() == []
    else:
        raise AssertionError("claimed an ended job")


def test_names_of_executions_are_deterministic() -> None:
    assert [Executions.name("job_a", number) for number in range(3)] == ["job_a", "job_a-1", "job_a-2"]


def test_a_job_that_cannot_be_settled_starves_nobody_and_is_told(world: World, caplog: pytest.LogCaptureFixture) -> None:
    jobs = sorted(overdue(world, f"key-{number}") for number in range(3))
    world.executions.states.clear()
    original = world.executions.state

    def broken_for_one(job_id: str, number: int) -> ExecutionState:
        if job_id == jobs[1]:
            raise RuntimeError("unreadable")
        return original(job_id, number)

    world.executions.state = broken_for_one  # type: ignore[method-assign]
    with pytest.raises(ExceptionGroup) as failed:
        world.sweeper()(always)
    assert {job_id for job_id, _ in world.executions.states} == {jobs[0], jobs[2]}
    assert [error.__notes__ for error in failed.value.exceptions] == [[jobs[1]]]
    [told] = [record.__dict__ for record in caplog.records if record.message == "sweep"]
    assert {name: told[name] for name in ("started", "woken", "failed", "complete")} == {
        "started": 2,
        "woken": 0,
        "failed": 1,
        "complete": True,
    }


def test_a_due_entry_without_a_job_is_passed_over(world: World) -> None:
    overdue(world)
    world.jobs.get = lambda _: None  # type: ignore[method-assign, assignment]
    swept = world.sweeper()(always)
    assert (swept.started, swept.complete) == ([], True)


def test_an_item_that_cannot_be_read_starves_nobody(world: World) -> None:
    jobs = sorted(overdue(world, f"key-{number}") for number in range(3))
    world.executions.states.clear()
    world.dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"JOB#{jobs[1]}"}, "sk": {"S": "JOB"}},
        UpdateExpression="SET progress = :p",
        ExpressionAttributeValues={":p": {"S": "a word of another version"}},
    )
    with pytest.raises(ExceptionGroup):
        world.sweeper()(always)
    assert {job_id for job_id, _ in world.executions.states} == {jobs[0], jobs[2]}


def test_a_reading_of_many_tasks_that_breaks_starves_nobody(world: World) -> None:
    job_id = overdue(world)
    world.executions.states.clear()

    def broken(_: object) -> list[str]:
        raise RuntimeError("no secret")

    sweeper = world.sweeper()
    object.__setattr__(sweeper, "still_running", broken)
    with pytest.raises(ExceptionGroup):
        sweeper(always)
    assert (job_id, 0) in world.executions.states


def test_no_shard_waits_for_another(world: World) -> None:
    jobs = {overdue(world, f"key-{number}") for number in range(12)}
    shards = [zlib.crc32(job_id.encode()) % DUE_SHARDS for job_id in world.jobs.due_jobs(world.now)]
    used = {zlib.crc32(job_id.encode()) % DUE_SHARDS for job_id in jobs}
    assert set(shards[: len(used)]) == used
    assert len(shards) == len(jobs)
