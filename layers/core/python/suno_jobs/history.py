"""What became of a job, change by change: for ``GET /v1/jobs/{job_id}/events`` and for ``suno-jobs explain``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from suno_jobs.errors import ErrorCode
from suno_jobs.transitions import JobState


class Cause(StrEnum):
    """What made somebody look at the job, and so what a change goes back to."""

    CLIENT = "client"
    CALLBACK = "callback"
    POLL = "poll"
    SWEEP = "sweep"


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a job, or one attempt to submit it, at ``at`` (seconds since 1970) by the job's execution of that number.

    It is kept as one short line within the job's own record, so that it is written with the change itself or not at all.
    """

    at: int
    state: JobState
    cause: Cause
    execution: int
    gateway: str
    code: ErrorCode | None = None

    def line(self) -> str:
        words = [str(self.at), self.state, self.cause, str(self.execution), self.gateway]
        return " ".join([*words, self.code] if self.code else words)

    @classmethod
    def read(cls, line: str) -> Self:
        at, state, cause, execution, gateway, *code = line.split()
        return cls(int(at), JobState(state), Cause(cause), int(execution), gateway, ErrorCode(code[0]) if code else None)
