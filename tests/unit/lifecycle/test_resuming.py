from __future__ import annotations

from suno_jobs.jobs.states import Cause
from suno_jobs.lifecycle.resuming import resume_job
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
