"""The history of a job, change by change, for ``GET /v1/jobs/{job_id}/events`` and for ``suno-jobs explain``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from suno_jobs.errors import ErrorCode
from suno_jobs.jobs.states import Cause, JobState


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a job, or one attempt to submit it, at ``at`` (seconds since 1970) by the execution of that number.

    It is one short line in the job's own record, so it is written together with the change or not at all.
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
