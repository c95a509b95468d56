"""What a job waits for, and until when."""

from __future__ import annotations

from suno_jobs.jobs.history import Entry, Wait
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.states import JobState, WaitReason


def waiting_for(job: Job) -> Wait | None:
    """None: a function works on the job, or nothing happens to it any more. Derived, so that a wait costs no write."""
    resumed_at = job.due_at or job.deadline_at
    if job.terminal:
        return Wait(WaitReason.NEXT_CHECK, resumed_at) if job.recoverable_until else None
    if any(attempt.answered for attempt in job.attempts):
        return None
    if job.intent:
        return Wait(WaitReason.ANSWER, resumed_at)
    if job.grace_until:
        return Wait(WaitReason.CALLBACK, job.grace_until)
    if job.submit_after and job.submit_after > job.updated_at:
        return Wait(job.wait_reason or WaitReason.REFUSAL, job.submit_after)
    if job.state not in (JobState.GENERATING, JobState.STORING):
        return Wait(_turn(job), resumed_at)
    if _checked(job):
        return Wait(job.wait_reason or WaitReason.NEXT_CHECK, resumed_at)
    return Wait(WaitReason.CALLBACK, resumed_at) if job.state is JobState.GENERATING else None


def _turn(job: Job) -> WaitReason:
    """Why it is not the job's turn to be submitted yet. A task to adopt is read until its gateway knows it."""
    if job.adopts:
        return WaitReason.NEXT_CHECK
    return WaitReason.CIRCUIT_BREAKER if job.wait_reason is WaitReason.CIRCUIT_BREAKER else WaitReason.RATE_LIMIT


def _checked(job: Job) -> bool:
    """Whether the task was checked since the last change of the state."""
    return bool(job.history) and job.updated_at > Entry.read(job.history[-1]).at
