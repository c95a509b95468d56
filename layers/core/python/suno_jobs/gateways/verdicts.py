"""What a gateway's refusal means for us: each adapter brings its table, the judgement is the same for all (I1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways.base import Accepted, Ambiguous, Done, GatewayReply, Refused, Submission, TaskReport, Unread
from suno_jobs.gateways.replies import clean_message, pause

_MENDS_ITSELF = frozenset({ErrorCode.RATE_LIMITED, ErrorCode.MAINTENANCE, ErrorCode.GENERATION_FAILED, ErrorCode.NO_AUDIO})


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one error code of one gateway means.

    ``refused``: a submission answered so has certainly created nothing. ``again``: and the same one may be sent once more.
    ``reread``: a reading answered so may be repeated.
    """

    code: ErrorCode
    refused: bool = True
    again: bool = False
    reread: bool = False


Meanings = Mapping[str, Meaning]

INVALID = Meaning(ErrorCode.INVALID_REQUEST)
DENIED = Meaning(ErrorCode.AUTHENTICATION)
QUOTA = Meaning(ErrorCode.QUOTA)
CONTENT = Meaning(ErrorCode.CONTENT_REJECTED)
RATE = Meaning(ErrorCode.RATE_LIMITED, again=True, reread=True)
LATER = Meaning(ErrorCode.MAINTENANCE, again=True, reread=True)
NOT_FOUND = Meaning(ErrorCode.NOT_FOUND)
UNKNOWN = Meaning(ErrorCode.GATEWAY_ERROR, refused=False, reread=True)
"""A code that says nothing certain: a server's own trouble, a timeout, or a code in no table."""
BROKEN = Meaning(ErrorCode.GENERATION_FAILED, refused=False)


@dataclass(frozen=True, slots=True)
class Complaint:
    """An answer that is not the one we asked for: its codes, the most trusted first, and the gateway's own words."""

    codes: tuple[str | None, ...]
    message: str | None = None
    trace_id: str | None = None

    def meaning(self, meanings: Meanings) -> Meaning:
        return next((meanings[code] for code in self.codes if code is not None and code in meanings), UNKNOWN)

    def fault(self, code: ErrorCode) -> Fault:
        first = clean_message(next((each for each in self.codes if each), None))
        words = clean_message(self.message) or f"the gateway gave no reason (code {first})"
        return fault(code, words, gateway_code=first, trace_id=self.trace_id)


def fault(code: ErrorCode, message: str, *, gateway_code: str | None = None, trace_id: str | None = None) -> Fault:
    return Fault(code, message, retryable=code in _MENDS_ITSELF, gateway_code=gateway_code, trace_id=trace_id)


def settle(
    reply: GatewayReply,
    meanings: Meanings,
    complaint: Complaint | None,
    task_id: str | None,
    report: TaskReport | None = None,
) -> Submission:
    """What became of a submission.

    Without a complaint it is Done if the answer holds the ``report`` of a synchronous operation, Accepted if it names a task.
    A refusal must be one that the table calls certain, and must not name a task all the same. Everything else is Ambiguous,
    because a wrong guess pays twice.
    """
    if complaint is None:
        if report is not None:
            return Done(report, task_id)
        if task_id:
            return Accepted(task_id)
        lost = "the gateway said yes, but named no task and gave no result"
        return Ambiguous(fault(ErrorCode.AMBIGUOUS, lost, gateway_code=str(reply.status)))
    meaning = complaint.meaning(meanings)
    if meaning.refused and not task_id:
        return Refused(complaint.fault(meaning.code), again=meaning.again, retry_after_seconds=pause(reply))
    return Ambiguous(complaint.fault(ErrorCode.AMBIGUOUS))


def unread(reply: GatewayReply, meanings: Meanings, complaint: Complaint) -> Unread:
    meaning = complaint.meaning(meanings)
    return Unread(complaint.fault(meaning.code), again=meaning.reread, retry_after_seconds=pause(reply))


def shapeless(reply: GatewayReply) -> Complaint:
    """For an answer in which nothing that we know was found."""
    return Complaint((http_code(reply),), f"the gateway's answer has no known shape (HTTP {reply.status})")


def http_code(reply: GatewayReply) -> str:
    return str(reply.status)


def is_ok(reply: GatewayReply) -> bool:
    """Of the HTTP status only, which on no gateway means success by itself."""
    return 200 <= reply.status < 300
