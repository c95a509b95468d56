"""Wait For Job: returns as soon as a job has ended or changed, and otherwise when the time is over. It only reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from suno_jobs.storage.job_versions import JobVersions

FIRST_SECONDS = 0.3
LONGEST_SECONDS = 2.0
GROWTH = 1.4
"""The interval between two reads grows: a client notices half a second at the beginning of a wait, but not at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWaiter:
    """``stopwatch`` counts seconds and never goes back."""

    versions: JobVersions
    stopwatch: Callable[[], float]
    sleep: Callable[[float], None]

    def wait_for_job(self, job_id: str, seen: str | None, seconds: float) -> bool:
        """Whether the job has ended, or with ``seen`` whether it has another version. False: the time is over."""
        ends_at, pause = self.stopwatch() + seconds, FIRST_SECONDS
        while True:
            version = self.versions.read(job_id)
            if version and (version.ended or (seen is not None and version.name != seen)):
                return True
            left = ends_at - self.stopwatch()
            if left <= 0:
                return False
            self.sleep(min(pause, left))
            pause = min(pause * GROWTH, LONGEST_SECONDS)
