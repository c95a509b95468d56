"""Every legal change of a job's state, in one table (invariant I2)."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    ACCEPTED = "ACCEPTED"
    SUBMITTING = "SUBMITTING"
    SUBMIT_UNKNOWN = "SUBMIT_UNKNOWN"
    GENERATING = "GENERATING"
    STORING = "STORING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"


_S = JobState
_ENDS = frozenset({_S.FAILED, _S.TIMED_OUT, _S.CANCELLED})

LEGAL: dict[JobState, frozenset[JobState]] = {
    # An adopted task is not submitted.
    _S.ACCEPTED: frozenset({_S.SUBMITTING, _S.GENERATING}) | _ENDS,
    _S.SUBMITTING: frozenset({_S.GENERATING, _S.SUBMIT_UNKNOWN}) | _ENDS,
    _S.SUBMIT_UNKNOWN: frozenset({_S.GENERATING}) | _ENDS,
    _S.GENERATING: frozenset({_S.STORING}) | _ENDS,
    _S.STORING: frozenset({_S.SUCCEEDED}) | _ENDS,
    _S.SUCCEEDED: frozenset(),
    # A task that its gateway had reported as failed may turn out to have a song.
    _S.FAILED: frozenset({_S.SUCCEEDED}),
    _S.TIMED_OUT: frozenset({_S.SUCCEEDED, _S.FAILED}),
    _S.CANCELLED: frozenset(),
}

TERMINAL = frozenset({_S.SUCCEEDED, _S.FAILED, _S.TIMED_OUT, _S.CANCELLED})


def may_become(target: JobState) -> frozenset[JobState]:
    """The states from which a change to ``target`` is legal: the condition of that write."""
    return frozenset(source for source, targets in LEGAL.items() if target in targets)


class Progress(StrEnum):
    """How far the task has progressed at its gateway, in order. Progress never goes back."""

    QUEUED = "queued"
    TEXT = "text"
    FIRST = "first"
    COMPLETE = "complete"

    @property
    def rank(self) -> int:
        return list(Progress).index(self)


class Cause(StrEnum):
    """What caused a check of the job, and so the change that followed."""

    CLIENT = "client"
    CALLBACK = "callback"
    STAGE = "stage"
    POLL = "poll"
    SWEEP = "sweep"


class WaitReason(StrEnum):
    """What a job waits for."""

    RATE_LIMIT = "rate_limit"
    CIRCUIT_BREAKER = "circuit_breaker"
    GATEWAY_KEY = "gateway_key"
    REFUSAL = "refusal"
    ANSWER = "answer"
    CALLBACK = "callback"
    NEXT_CHECK = "next_check"


class Charged(StrEnum):
    """Whether the gateway charged for a job, as far as that is known."""

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"
