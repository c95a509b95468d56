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
        return Wait(news_of_task(job), job.grace_until)
    if job.submit_after and job.submit_after > job.updated_at:
        return Wait(job.wait_reason or WaitReason.REFUSAL, job.submit_after)
    if job.state not in (JobState.GENERATING, JobState.STORING):
        return Wait(_turn(job), resumed_at)
    if job.state is JobState.STORING and not _awaits_signal(job):
        return None
    return Wait(_next_read(job), resumed_at)


def _next_read(job: Job) -> WaitReason:
    """Why the task is not read now."""
    if job.state is JobState.STORING or _checked(job):
        return job.wait_reason or WaitReason.NEXT_CHECK
    return news_of_task(job)


def news_of_task(job: Job) -> WaitReason:
    """What a job waits for whose task, or the answer to its submission, has not been read yet."""
    return WaitReason.NEXT_CHECK if job.polled else WaitReason.CALLBACK


def _awaits_signal(job: Job) -> bool:
    """Whether an execution waits for the job, and no signal has ended that."""
    return job.task_token is not None and not job.token_taken


def _turn(job: Job) -> WaitReason:
    """Why it is not the job's turn to be submitted yet. A task to adopt is read until its gateway knows it."""
    if job.adopts:
        return WaitReason.NEXT_CHECK
    return WaitReason.CIRCUIT_BREAKER if job.wait_reason is WaitReason.CIRCUIT_BREAKER else WaitReason.RATE_LIMIT


def _checked(job: Job) -> bool:
    """Whether the task was checked since the last change of the state."""
    return bool(job.history) and job.updated_at > Entry.read(job.history[-1]).at
