"""The history of a job, change by change, for ``GET /v1/jobs/{job_id}/events`` and for ``suno-jobs explain``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

from suno_jobs.errors import ErrorCode
from suno_jobs.jobs.states import Cause, JobState, WaitReason
from suno_jobs.stored_words import stored_word


class Wait(NamedTuple):
    """What a job waits for. At ``until`` (seconds since 1970) at the latest, the service continues with the job."""

    reason: WaitReason
    until: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a job, or one attempt to submit it, at ``at`` (seconds since 1970) by the execution of that number.

    ``wait`` is the wait that it began, for a submission that is tried again later or whose answer was lost.

    It is one short line in the job's own record, so it is written together with the change or not at all.
    """

    at: int
    state: JobState
    cause: Cause
    execution: int
    gateway: str
    code: ErrorCode | None = None
    wait: Wait | None = None

    @property
    def submits(self) -> bool:
        """Whether a submission began."""
        return self.state in (JobState.SUBMITTING, JobState.SUBMIT_UNKNOWN) and self.code is None

    def line(self) -> str:
        words = [str(self.at), self.state, self.cause, str(self.execution), self.gateway]
        return " ".join([*words, *([self.code] if self.code else []), *(map(str, self.wait) if self.wait else [])])

    @classmethod
    def read(cls, line: str) -> Self:
        at, state, cause, execution, gateway, *more = line.split()
        code = stored_word(ErrorCode, more.pop(0)) if len(more) % 2 else None
        wait = Wait(stored_word(WaitReason, more[0]), int(more[1])) if more else None
        return cls(int(at), stored_word(JobState, state), stored_word(Cause, cause), int(execution), gateway, code, wait)
