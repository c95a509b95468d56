"""Recovery: as long as the gateway keeps its files, what was paid for can be saved after the job has ended.

A job that timed out may still succeed or fail, a job that succeeded may still get a missing file, and the song of a cancelled
job is stored although the job stays CANCELLED. A task that its gateway reported as failed, as a whole or one track of it, is
read again a few times, also if another task of the job has succeeded, since some gateways report a failure and deliver the song
later. These jobs stay in the due index and are checked at growing intervals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from suno_jobs.gateways.protocol import ReadFailed, Reading
from suno_jobs.jobs.record import DAY_SECONDS, DEFAULT_LINK_DAYS, Job, JobView, TrackState
from suno_jobs.jobs.states import JobState

SHORTEST_INTERVAL_SECONDS = 300
LONGEST_INTERVAL_SECONDS = 43_200

REMAINING_SHARE = 4
HURRY_SECONDS = 3600
"""Towards the end of the time in which files are kept, the intervals get shorter: a quarter of that time, down to an hour, and
half of it in the last two hours. So a file that appears late, or that its server refuses several times, is still fetched a few
times."""

REPORTED_FAILURE_SECONDS = (600, 3600, DAY_SECONDS // 2, DAY_SECONDS)
"""How long after its end a job whose gateway reported a failure, of a task or of a track, is checked again."""

MARGIN_SECONDS = 3600
"""How late the last of these checks may be."""


def recoverable_until(view: JobView, state: JobState, now: int) -> int | None:
    """Until when recovery continues for a job that ends as ``state``. None: nothing can be saved any more."""
    job = view.job
    if awaits_another_report(view, state):
        until = (job.ended_at or now) + REPORTED_FAILURE_SECONDS[-1] + MARGIN_SECONDS
        return until if job.task_id and until > now else None
    if _may_still_deliver(view, state):
        until = job.tasks_kept_until
    elif state is JobState.SUCCEEDED and any(track.unsaved for track in view.tracks):
        until = links_end(view) + job.file_terms.renewal_seconds
    else:
        return None
    return until if until > now else None


def awaits_another_report(view: JobView, state: JobState) -> bool:
    """Whether nothing is left to wait for but a failure, which the gateway may take back."""
    if state is JobState.FAILED:
        return not (has_song(view) or _may_have_song(view.job))
    if state is JobState.TIMED_OUT or _may_still_deliver(view, state) or any(track.unsaved for track in view.tracks):
        return False
    failed_track = any(track.state is TrackState.FAILED for track in view.tracks)
    return failed_track or any(attempt.failed for attempt in view.job.attempts)


def _may_still_deliver(view: JobView, state: JobState) -> bool:
    """Whether a task of the job may yield more than is recorded."""
    job = view.job
    if job.unread_callbacks:
        return True
    if not job.attempts:
        return False
    may_yield = any(attempt.open for attempt in job.attempts)
    if state is JobState.CANCELLED:
        # A track that is recorded without a link may get one later.
        stored = all(track.state is TrackState.STORED and not track.missing for track in view.tracks)
        return may_yield or not stored or not (view.tracks or view.result)
    return state in (JobState.TIMED_OUT, JobState.FAILED) or (state is JobState.SUCCEEDED and may_yield)


def has_song(view: JobView) -> bool:
    """Whether there is a file to fetch, even if the task was reported as failed before."""
    return any(track.links for track in view.tracks)


def _may_have_song(job: Job) -> bool:
    """Whether its gateway has reported a success or a song, but without a file, which may come, whatever follows. Or its
    gateway has refused the job, and a callback shows that there is a task after all."""
    refused_task = any(attempt.task_id and attempt.open for attempt in job.attempts) or bool(job.unread_callbacks)
    return job.no_audio_since is not None or refused_task


def links_end(view: JobView) -> int:
    """When the last link to an unsaved file may expire."""
    unknown = view.job.created_at + int(DEFAULT_LINK_DAYS * DAY_SECONDS)
    links = [link for track in view.tracks if track.unsaved for link in track.links]
    return max((link.expires_at or unknown for link in links), default=unknown)


def files_end(view: JobView, until: int, now: int) -> int:
    """When the files of a job in recovery are gone: a link may expire before the recovery ends at ``until``."""
    end = links_end(view)
    return end if has_song(view) and now < end < until else until


def files_at_risk(view: JobView) -> int:
    """How many files are lost if their links expire."""
    return sum(len(track.links) - len(track.assets) for track in view.tracks if track.unsaved)


def next_recovery_at(job: Job, now: int, *, reported_failure: bool | None = None, until: int | None = None) -> int | None:
    """When recovery checks the job next: the longer ago it ended, the longer the interval. None: not again.

    Not before its gateway wants that, unless the files are gone by then.

    ``reported_failure``: it ``awaits_another_report``; by default, as far as the job alone shows that. ``until`` is when its
    files are gone; by default, when its recovery ends.
    """
    until = until or job.recoverable_until or now
    if reported_failure is None:
        reported_failure = job.state is JobState.FAILED and not _may_have_song(job)
    planned = _after_reported_failure(job, now) if reported_failure else _at_growing_intervals(job, now, until)
    asked_for = job.refused_until or 0
    return max(planned or 0, asked_for) if now < asked_for < until else planned


def refused_until(readings: Iterable[Reading | None], now: int) -> int | None:
    """Until when the gateway wants no further request, after these readings."""
    waits = [each.retry_after_seconds for each in readings if isinstance(each, ReadFailed) and each.retry_after_seconds]
    return now + math.ceil(max(waits)) if waits else None


def _after_reported_failure(job: Job, now: int) -> int | None:
    age = now - (job.ended_at or now)
    return next((now + seconds - age for seconds in REPORTED_FAILURE_SECONDS if seconds > age), None)


def _at_growing_intervals(job: Job, now: int, until: int) -> int:
    interval = min(max(now - (job.ended_at or now), SHORTEST_INTERVAL_SECONDS), LONGEST_INTERVAL_SECONDS)
    remaining = until - now
    hurry = min(HURRY_SECONDS, max(remaining // 2, SHORTEST_INTERVAL_SECONDS))
    return now + min(interval, max(remaining // REMAINING_SHARE, hurry))
