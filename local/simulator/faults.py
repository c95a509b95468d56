# ruff: noqa: S311 - chance makes melodies and mishaps here, no secrets
"""What can go wrong, by name: the one table of faults, and the ways to ask for them.

A fault is written ``name`` or ``name=number``, and is asked for

* in the request: a marker ``[fault:name]`` or ``[fault:name=number]`` anywhere in its texts or URLs, several if wanted;
* ahead of the request: ``POST /_simulator/faults`` or ``Simulator.fail_next``, for the next new submission at a gateway;
* by chance: ``draw``, from a seed.

Faults belong to an order (all submissions with one callback URL; without one, the same request again until it was taken), so
that a repeated submission meets the same faults. ``FAILURES`` are those that end a task without a result.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random

EVERY = 1_000_000.0

Faults = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FaultKind:
    """``default`` is the number when none is given; EVERY means each time."""

    default: float
    meaning: str


FAULTS: dict[str, FaultKind] = {
    "rate_limited": FaultKind(1, "the first n submissions are refused as too frequent"),
    "retry_after": FaultKind(200, "requests that are refused as too frequent get Retry-After: n, otherwise 1"),
    "quota_exhausted": FaultKind(EVERY, "the first n submissions are refused because the account is empty"),
    "maintenance": FaultKind(1, "the first n submissions are refused because the gateway is under maintenance"),
    "retired_model": FaultKind(EVERY, "the first n submissions are refused because Suno has retired the model"),
    "server_error_on_submit": FaultKind(EVERY, "the first n submissions are answered with code 500, nothing is created"),
    "dropped_connection": FaultKind(EVERY, "the first n submissions are cut off without an answer, nothing is created"),
    "refused_after_create": FaultKind(
        1, "the first n submissions are refused as too frequent, but create tasks that call back"
    ),
    "rejected_after_create": FaultKind(
        EVERY, "the first n submissions are refused because the account is empty, but create tasks that call back"
    ),
    "server_error_after_create": FaultKind(EVERY, "the task is created and will call back, the answer is code 500"),
    "error_names_task": FaultKind(EVERY, "the task is created and will call back, the answer is code 500 and names the task"),
    "timeout_on_submit": FaultKind(30, "the task is created, the answer is held for n seconds, then the connection is cut"),
    "garbled_answer": FaultKind(EVERY, "the task is created, the answer is an HTML page with status 200"),
    "outcome_unknown": FaultKind(1, "the first n repetitions with a key are refused as undecided, where keys are known"),
    "repetition_rate_limited": FaultKind(1, "the first n repetitions with a key are refused as too frequent"),
    "lost_callback": FaultKind(EVERY, "no callback is sent"),
    "doubled_callback": FaultKind(EVERY, "every callback is sent twice"),
    "callback_before_answer": FaultKind(EVERY, "the task is done at once; its callbacks are answered before the submission is"),
    "early_callback": FaultKind(EVERY, "the final callback comes while the task has barely begun"),
    "late_callback": FaultKind(5, "callbacks come n seconds late"),
    "disordered_callbacks": FaultKind(EVERY, "callbacks come last stage first, all when the task is done"),
    "garbage_callback": FaultKind(EVERY, "the body of a callback is no JSON"),
    "wrong_signature": FaultKind(EVERY, "callbacks of a gateway that signs them are signed with another key"),
    "slow_task": FaultKind(30, "the task takes n seconds"),
    "failed_task": FaultKind(EVERY, "the task fails and makes nothing"),
    "creation_failed": FaultKind(EVERY, "the task fails as soon as it begins"),
    "content_rejected": FaultKind(EVERY, "the task fails because of its words"),
    "cancelled_task": FaultKind(EVERY, "the task fails with an undocumented final status, where clients have seen one"),
    "rejected_artist": FaultKind(EVERY, "the task fails because its style names an artist"),
    "refunded_task": FaultKind(EVERY, "the task fails and its credits are returned, where a gateway reports that"),
    "success_without_audio": FaultKind(EVERY, "the task succeeds, but what it should have made is missing"),
    "stream_first": FaultKind(3, "callbacks and the first n status replies have the link of a stream instead of a file"),
    "failed_then_success": FaultKind(600, "the task is reported as failed, and n seconds later as succeeded with its files"),
    "late_links": FaultKind(5, "the task succeeds, but the links to its files come n seconds later"),
    "late_second_link": FaultKind(5, "the same for the second file only"),
    "one_file_for_both": FaultKind(
        30, "for n seconds after the task is done, the link to the second song leads to the first one"
    ),
    "late_first_file": FaultKind(30, "for n seconds after the task is done, the link to the first song is answered with 404"),
    "one_track_failed": FaultKind(EVERY, "the second of the things that the task makes is missing"),
    "callback_exception": FaultKind(
        EVERY, "a finished task has the status CALLBACK_EXCEPTION, where a gateway knows that word"
    ),
    "unknown_status": FaultKind(2, "the first n status replies use a status word that nobody documented"),
    "json_in_strings": FaultKind(EVERY, "objects and lists inside a status reply are strings with JSON"),
    "poll_server_error": FaultKind(2, "the first n status requests are answered with code 500"),
    "poll_rate_limited": FaultKind(2, "the first n status requests are refused as too frequent"),
    "poll_not_found": FaultKind(2, "the first n status requests do not find the task"),
    "garbled_poll": FaultKind(2, "the first n status requests are answered with an HTML page with status 200"),
    "audio_404_first": FaultKind(2, "the first n downloads of each file are answered with 404"),
    "truncated_audio": FaultKind(EVERY, "the first n downloads of each file break off half way"),
    "html_audio": FaultKind(EVERY, "the first n downloads of each file are an HTML page with status 200"),
    "image_audio": FaultKind(EVERY, "the first n downloads of each file are a picture with status 200"),
    "damaged_audio": FaultKind(EVERY, "the first n downloads of each file are whole, but the file is damaged inside"),
    "wrong_song": FaultKind(EVERY, "the files name another clip in their tag, as if they were another song"),
    "wrong_length": FaultKind(60, "the length of each song is reported as n seconds"),
    "cdn_status": FaultKind(403, "the first downloads of each file are answered with HTTP status n"),
    "cdn_times": FaultKind(2, "cdn_status concerns the first n downloads"),
    "expired_links": FaultKind(403, "the links have expired: status n, until recovery or a later status reply gives new ones"),
    "dying_links": FaultKind(60, "the links work for n seconds, then as expired_links"),
    "stale_links": FaultKind(60, "status replies repeat expired links for n seconds after a download was refused"),
    "recovered_as_m4a": FaultKind(EVERY, "a recovery gives .m4a files"),
}

FAILURES = frozenset(
    ("failed_task", "creation_failed", "content_rejected", "cancelled_task", "rejected_artist", "refunded_task")
)

_MARKER = re.compile(r"\[fault:([^\]]*)\]")


class UnknownFault(ValueError):
    """The text names no fault of the table, or its number is none."""


def parse_fault(text: str) -> tuple[str, float]:
    """Raises UnknownFault."""
    name, _, number = text.strip().partition("=")
    kind = FAULTS.get(name)
    if kind is None or (number and not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", number)):
        raise UnknownFault(f"unknown fault: {text!r}")
    return name, float(number) if number else kind.default


def parse_faults(texts: Iterable[str]) -> Faults:
    """Raises UnknownFault."""
    return dict(parse_fault(text) for text in texts)


def marked_faults(text: str) -> Faults:
    """The faults that the markers in a text ask for. Raises UnknownFault, so that a misspelt marker is not ignored."""
    return parse_faults(_MARKER.findall(text))


def without_markers(text: str) -> str:
    return _MARKER.sub("", text).strip()


def draw(seed: int, gateway: str, number: int) -> Faults:
    """The faults that chance holds for a gateway's n-th order: none in two of five orders, else one or two."""
    chance = Random(f"{seed}/{gateway}/{number}")
    count = chance.choices((0, 1, 2), weights=(2, 2, 1))[0]
    return {name: FAULTS[name].default for name in chance.sample(sorted(FAULTS), count)}


def strikes(faults: Faults, name: str, attempt: int) -> bool:
    """Whether a fault that concerns the first n attempts hits this one; attempts count from 1."""
    return attempt <= faults.get(name, 0)


def fault_help() -> str:
    width = max(map(len, FAULTS))
    return "\n".join(f"  {name:<{width}}  {_number(kind.default):>6}  {kind.meaning}" for name, kind in FAULTS.items())


def _number(default: float) -> str:
    return "" if default == EVERY else f"n={default:g}"
