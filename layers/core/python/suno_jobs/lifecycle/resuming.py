"""Resuming a job: waking its execution, or starting the next one. Handing it over from an execution to the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from suno_jobs.errors import Conflict
from suno_jobs.jobs.states import Cause
from suno_jobs.runtime.executions import Executions, ExecutionState, execution_name
from suno_jobs.storage.signals import SignalStore

if TYPE_CHECKING:
    from suno_jobs.jobs.record import Job

CHECKS_PER_EXECUTION = 50
"""Step Functions ends an execution with 25,000 events. With so many checks it has less than 20,000, even if every state between
two checks needs all its retries."""


def wake_job(signals: SignalStore, executions: Executions, job_id: str, cause: Cause, *, now: int, due_at: int) -> bool:
    """Wakes the execution whose task token the job has, without asking whether it is running. False: it no longer waits.

    A woken job that is overdue is checked by the sweep again at ``due_at``, unless its execution has moved that time already.
    """
    signalled = signals.signal(job_id, cause)
    if not (signalled and signalled.task_token and executions.wake(signalled.task_token)):
        return False
    signals.postpone(job_id, due_at=due_at, overdue_at=now)
    return True


def resume_job(
    signals: SignalStore, executions: Executions, job_id: str, execution: int, cause: Cause, *, due_at: int
) -> Literal["woken", "started", "skipped"]:
    """Wakes the job's execution if it is running; otherwise starts its next execution.

    The number of the next execution is claimed before the start. If the caller dies between the two, the next caller starts
    the claimed execution. Of several concurrent callers, exactly one starts it; the others get ``skipped``. ``due_at`` is when
    the sweep checks the job again. Raises ExecutionsThrottled; then nothing has changed.
    """
    state = executions.state(job_id, execution)
    if state is ExecutionState.RUNNING:
        signals.postpone(job_id, due_at=due_at)
        signalled = signals.signal(job_id, cause)
        if signalled and signalled.task_token:
            executions.wake(signalled.task_token)
        return "woken"
    number = execution + (1 if state is ExecutionState.ENDED else 0)
    try:
        signals.claim_execution(job_id, cause, before=execution, number=number, due_at=due_at)
    except Conflict:
        return "skipped"
    executions.start(job_id, number)
    return "started"


def hand_over(signals: SignalStore, executions: Executions, job: Job, execution: str | None, *, due_at: int) -> bool:
    """Whether another execution goes on with the job, so that the one of this name (None: the current one) has to end.

    It begins with a signal, so it checks the job at once. May be repeated: the claimed execution is started again if the caller
    died before its start. A job that has left the due index stays with its execution, since it only has to be finished.
    """
    number = job.execution
    if execution in (None, execution_name(job.job_id, number)):
        if job.checks - job.checks_before < CHECKS_PER_EXECUTION:
            return False
        number += 1
        try:
            signals.claim_execution(job.job_id, job.cause, before=job.execution, number=number, due_at=due_at)
        except Conflict:
            return False
    executions.start(job.job_id, number)
    return True
