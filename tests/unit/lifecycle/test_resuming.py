from __future__ import annotations

import pytest

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.states import Cause, JobState
from suno_jobs.lifecycle.resuming import CHECKS_PER_EXECUTION, hand_over, resume_job
from suno_jobs.runtime.executions import ExecutionState
from tests.builders import await_signal
from tests.world import World


def test_a_job_that_began_to_wait_while_its_execution_was_described_is_woken(world: World) -> None:
    job_id = world.generating()
    await_signal(world, job_id, "token")
    world.executions.states[job_id, 0] = ExecutionState.RUNNING
    executions = world.executions
    resumed = resume_job(world.jobs.signals, executions, job_id, 0, Cause.CALLBACK, due_at=world.now)  # type: ignore[arg-type]
    assert (resumed, executions.woken) == ("woken", ["token"])


def checked(world: World, job_id: str, checks: int) -> Job:
    for _ in range(checks):
        world.jobs.begin_check(job_id, now=world.now, due_at=world.now + 60)
    return world.job(job_id)


def leaves(world: World, job: Job, execution: str) -> bool:
    return hand_over(world.jobs.signals, world.executions, job, execution, due_at=world.now + 60)  # type: ignore[arg-type]


def test_a_job_with_many_checks_goes_on_in_the_next_execution_with_the_news_that_it_had(world: World) -> None:
    job_id = world.generating()
    job = checked(world, job_id, CHECKS_PER_EXECUTION - 1)
    assert not leaves(world, job, job_id)
    world.jobs.signals.signal(job_id, Cause.CALLBACK)
    assert leaves(world, checked(world, job_id, 1), job_id)
    assert world.executions.states == {(job_id, 0): ExecutionState.RUNNING, (job_id, 1): ExecutionState.RUNNING}
    assert world.job(job_id).execution == 1
    assert checked(world, job_id, 1).cause is Cause.CALLBACK
    # The next one has as many checks again.
    assert not leaves(world, checked(world, job_id, CHECKS_PER_EXECUTION - 2), f"{job_id}-1")
    assert leaves(world, checked(world, job_id, 1), f"{job_id}-1")


def test_an_execution_that_died_between_the_claim_and_the_start_starts_the_next_one_when_it_is_repeated(world: World) -> None:
    job_id = world.generating()
    job = checked(world, job_id, CHECKS_PER_EXECUTION)
    world.executions.broken = OSError("no answer")
    with pytest.raises(OSError, match="no answer"):
        leaves(world, job, job_id)
    world.executions.broken = None
    assert leaves(world, checked(world, job_id, 1), job_id)
    assert (job_id, 1) in world.executions.states
    assert not leaves(world, world.job(job_id), f"{job_id}-1")


def test_a_job_that_has_left_the_due_index_stays_with_its_execution(world: World) -> None:
    job_id = world.generating()
    job = checked(world, job_id, CHECKS_PER_EXECUTION)
    ended = world.jobs.finish(job, JobState.FAILED, Fault(ErrorCode.GENERATION_FAILED, "no"), now=world.now)
    world.jobs.mark_announced(ended, recoverable_until=None, due_at=None, now=world.now)
    assert not leaves(world, world.job(job_id), job_id)
    assert (job_id, 1) not in world.executions.states
