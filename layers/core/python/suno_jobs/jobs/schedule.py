"""When a job is checked next, and what Create Task and Check Task return to the state machine."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from suno_jobs.errors import HandedOver, JobDecided, SubmissionDue, SunoJobsError, TracksReady

if TYPE_CHECKING:
    from suno_jobs.jobs.record import Job


GROWTH = 1.5
"""Factor from one polling interval to the next, up to the longest."""

NEW_KEY_SECONDS = 1
"""Until a task is read with a new key, after the old one was refused."""

GIVE_UP_SECONDS = 180
"""How long after its deadline a job is read again and again: for two reads that never return, and for the last wait for a slot,
which begins in the first slack."""

UNREAD_SECONDS = 420
"""How long a job is read for which no check has begun since its deadline. By default, a sweep finds a job whose execution has
died in that time, and a function that Lambda throttles has run."""


def is_given_up(job: Job, now: int) -> bool:
    """Whether the job is settled from the table, since no check that asked its gateway has come to an end in time (I6)."""
    was_read = job.deadline_at <= job.changed_before < now
    return not job.terminal and now >= job.deadline_at + (GIVE_UP_SECONDS if was_read else UNREAD_SECONDS)


DECISIONS: Mapping[str, type[SunoJobsError]] = {
    "submit": SubmissionDue,
    "store": TracksReady,
    "finish": JobDecided,
    "leave": HandedOver,
}
"""The names by which the state machine catches what comes next, unless the job waits."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """What the state machine does next for a job. ``wait_seconds`` is how long it awaits a signal first, or, unless ``next`` is
    ``wait``, if what comes next fails. ``tracks`` are ready to be stored. ``leave``: another execution goes on with the job."""

    job_id: str
    next: Literal["wait", "submit", "store", "finish", "leave"]
    wait_seconds: int = 1
    tracks: tuple[str, ...] = ()

    @property
    def decision(self) -> str | None:
        """None: the job waits."""
        return None if self.next == "wait" else DECISIONS[self.next].__name__

    def to_payload(self) -> dict[str, Any]:
        """Of a job that waits."""
        return {"job_id": self.job_id, "wait_seconds": self.wait_seconds}


@dataclass(frozen=True, slots=True)
class PollingSchedule:
    """The times between two checks of a job, in seconds."""

    first_check: int
    interval: int
    longest: int

    def backoff(self, job: Job) -> int:
        """The interval after the checks made so far: it grows up to the longest."""
        return min(self.longest, round(self.interval * GROWTH ** min(job.checks, 20)))

    def pause(self, job: Job, retry_after: float | None, *, may_retry: bool = True) -> int:
        """Until a request that was refused or failed is sent again: not before its gateway wants that.

        Unless it ``may_retry``, frequent requests are useless until the operator corrects a revoked key or an empty account.
        """
        return max(self.backoff(job) if may_retry else self.longest, math.ceil(retry_after or 0))

    def jittered(self, job: Job, seconds: int) -> int:
        """At least ``seconds``, and up to a quarter more, so that jobs that were refused together do not stay together."""
        return seconds + zlib.crc32(f"{job.job_id}{job.checks}".encode()) % (2 + seconds // 4)

    def next_try_for_slot(self, job: Job, free_in: float) -> int:
        """Until the job asks the rate limiter again. The longer jobs have waited, the wider they are spread."""
        spread = min(self.longest, 1 << min(job.checks, 10))
        return math.ceil(free_in) + zlib.crc32(f"{job.job_id}{job.checks}".encode()) % spread

    def next_try_for_place(self, job: Job) -> int:
        """Between 10 s and a minute, since thousands of jobs ask for a place in a queue at once."""
        return 10 + zlib.crc32(f"{job.job_id}{job.checks}".encode()) % 51

    def next_check(self, job: Job, now: int, *, calls_back: bool = True) -> int:
        """Until a running task is read again: not before its callback is overdue, and never after the deadline.

        ``calls_back``: whether the gateway can be expected to call back.
        """
        overdue_in = (job.submitted_at or job.created_at) + self.first_check - now if calls_back else 0
        return max(1, min(max(self.backoff(job), overdue_in), job.deadline_at - now))

    def overdue_at(self, job: Job, then: int) -> int:
        """From when on a job that waits until ``then`` counts as stuck. A long wait adds nothing to its deadline (I6)."""
        return min(then + self.slack, max(then, job.deadline_at))

    @property
    def slack(self) -> int:
        return slack(self.longest)


def slack(longest_interval: int) -> int:
    """Seconds after its expected next step from which a job counts as stuck."""
    return 2 * longest_interval
