"""How a job of the soak may end: what the invariants of docs/architecture.md leave open for its fault, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Json = dict[str, Any]

ENDS = ("SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED")
# A result that arrives late may change an end; nothing else may.
LATER_ENDS = {("TIMED_OUT", "SUCCEEDED"), ("TIMED_OUT", "FAILED"), ("FAILED", "SUCCEEDED")}
AMBIGUOUS = "ambiguous"
# The faults of the simulator that the soak asks for, and the end of a job that meets them.
FAULTS = {
    "lost_callback": "SUCCEEDED",
    "doubled_callback": "SUCCEEDED",
    "callback_before_answer": "SUCCEEDED",
    "early_callback": "SUCCEEDED",
    "late_callback=2": "SUCCEEDED",
    "disordered_callbacks": "SUCCEEDED",
    "garbage_callback": "SUCCEEDED",
    "slow_task=6": "SUCCEEDED",
    "unknown_status": "SUCCEEDED",
    "poll_server_error": "SUCCEEDED",
    "poll_not_found": "SUCCEEDED",
    "garbled_poll": "SUCCEEDED",
    "audio_404_first": "SUCCEEDED",
    "truncated_audio=1": "SUCCEEDED",
    "html_audio=1": "SUCCEEDED",
    "damaged_audio=1": "SUCCEEDED",
    "wrong_length=60": "SUCCEEDED",
    "rate_limited=2": "SUCCEEDED",
    "server_error_after_create": "SUCCEEDED",
    "timeout_on_submit=2": "SUCCEEDED",
    "garbled_answer": "SUCCEEDED",
    "one_track_failed": "SUCCEEDED",
    "failed_task": "FAILED",
    "quota_exhausted": "FAILED",
    # Its audio may still come until the deadline.
    "success_without_audio": "TIMED_OUT",
    "server_error_on_submit": "TIMED_OUT",
    "dropped_connection": "TIMED_OUT",
    "slow_task=600": "TIMED_OUT",
}


@dataclass(frozen=True)
class Ended:
    """A job as its client last saw it. `damaged` are files whose bytes are not those that the job names."""

    fault: str
    job: Json
    events: Sequence[str]
    paid: int
    damaged: Sequence[str] = ()

    @property
    def state(self) -> str:
        return str(self.job["state"])

    @property
    def unexpected(self) -> bool:
        """Neither what its fault leads to nor a success, which may come late and is never wrong."""
        return self.state not in ("SUCCEEDED", FAULTS.get(self.fault))

    @property
    def ambiguous(self) -> bool:
        """Given up because nobody can say whether its submission arrived, though its fault alone does not explain that."""
        return self.unexpected and (self.job.get("error") or {}).get("code") == AMBIGUOUS


def broken(ended: Ended) -> Iterator[str]:
    """The invariants that one job breaks, by what is wrong."""
    if ended.state not in ENDS:
        yield f"I6: it is still {ended.state}"
    if ended.paid > 1:
        yield f"I1: {ended.paid} tasks were paid for"
    ends = [state for state in ended.events if state in ENDS]
    for pair in pairwise(ends):
        if pair not in LATER_ENDS:
            yield f"I2: {pair[1]} after {pair[0]}"
    for file in ended.damaged:
        yield f"I4: the bytes of {file}"
    if ended.unexpected and not ended.ambiguous:
        error = ended.job.get("error") or {}
        yield f"{ended.state} ({error.get('code')}) with fault {ended.fault or 'none'}"


def unexplained(all_ended: Sequence[Ended], killed_submissions: int) -> int:
    """Ambiguous jobs beyond the environments that were killed while they might have been submitting."""
    return max(0, sum(each.ambiguous for each in all_ended) - killed_submissions)
