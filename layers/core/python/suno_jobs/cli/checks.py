"""One line of ``suno-jobs doctor``."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "FAILED"


class Check(NamedTuple):
    """``remedy`` is empty if nothing is wrong. A warning is something that may be as intended, or that is not known."""

    subject: str
    finding: str
    remedy: str = ""
    warning: bool = False

    @property
    def state(self) -> State:
        if not self.remedy:
            return State.OK
        return State.WARNING if self.warning else State.FAILED

    def view(self) -> dict[str, str]:
        return {"subject": self.subject, "state": self.state.lower(), "finding": self.finding, "remedy": self.remedy}

    def describe(self) -> str:
        return f"{self.subject:<24} {self.state:<7} {self.finding} {self.remedy}".rstrip()
