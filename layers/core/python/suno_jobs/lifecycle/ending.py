"""The end of a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from suno_jobs.errors import Fault
from suno_jobs.jobs.record import Attempt, Job, JobView
from suno_jobs.jobs.states import JobState
from suno_jobs.lifecycle.recovery import recoverable_until
from suno_jobs.storage.jobs import JobStore


def end_job(
    jobs: JobStore, view: JobView, state: JobState, fault: Fault | None, *, now: int, attempts: Sequence[Attempt] | None = None
) -> Job:
    """Ends the job as ``state``, in one write; Finish Job announces it. ``attempts`` replace those of the job.

    Raises Conflict if the job has ended or its submissions have changed since ``view`` was read. A track that is stored
    meanwhile does not raise it: the job then succeeds in the next run of Finish Job, as after any late result.
    """
    known = tuple(view.job.attempts if attempts is None else attempts)
    until = recoverable_until(replace(view, job=replace(view.job, attempts=known)), state, now)
    return jobs.finish(view.job, state, fault, now=now, attempts=known, recoverable_until=until)
