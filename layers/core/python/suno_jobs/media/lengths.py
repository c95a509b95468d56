"""The measured length of audio next to the one that a gateway reports. Figures are rounded, and silence is trimmed."""

from __future__ import annotations

SHORTER_SHARE = 0.05
SHORTER_SECONDS = 2.0
LONGER_SHARE = 0.5
LONGER_SECONDS = 10.0
SAME_SECONDS = 1.0


def is_shorter(measured: float | None, reported: float | None) -> bool:
    """A missing figure, or zero, says nothing."""
    if not measured or not reported:
        return False
    return measured < reported * (1 - SHORTER_SHARE) - SHORTER_SECONDS


def contradicts(measured: float | None, reported: float | None) -> bool:
    """Whether at least one of the two figures is wrong."""
    if not measured or not reported:
        return False
    return is_shorter(measured, reported) or measured > reported * (1 + LONGER_SHARE) + LONGER_SECONDS


def is_about(measured: float, reported: float | None) -> bool:
    """Whether the two figures are those of one song. A missing figure, or zero, says nothing."""
    return bool(reported) and abs(measured - (reported or 0.0)) <= SAME_SECONDS


def are_distinct(reported: float | None, other: float | None) -> bool:
    """Whether no file has about the length of both songs."""
    return bool(reported and other) and abs((reported or 0.0) - (other or 0.0)) > 2 * SAME_SECONDS
