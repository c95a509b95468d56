"""The seam between the simulator and a gateway's wire: what a wire is given, what it answers, and how it checks fields."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Literal, Protocol

from local.simulator.tasks import Report, Song, Stage

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """``path`` is below the gateway's base path; header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Json:
        """Raises Refusal when the body is no JSON object."""
        try:
            value = json.loads(self.body)
        except ValueError:
            raise Refusal(Reason.INVALID, "the body is no JSON") from None
        if not isinstance(value, dict):
            raise Refusal(Reason.INVALID, "the body is no JSON object")
        return value

    def bearer(self) -> str | None:
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else None


@dataclass(frozen=True, slots=True)
class Reply:
    """``declared_length`` differs from the body's when the connection shall break off."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    declared_length: int | None = None


def json_reply(status: int, value: Any) -> Reply:
    return Reply(status, json.dumps(value, ensure_ascii=False).encode())


class Reason(Enum):
    NO_KEY = auto()
    WRONG_KEY = auto()
    INVALID = auto()
    TOO_LONG = auto()
    NOT_SIMULATED = auto()
    NO_CREDITS = auto()
    TOO_FREQUENT = auto()
    SERVER_ERROR = auto()
    NO_SUCH_TASK = auto()
    NO_SUCH_ROUTE = auto()


class Refusal(Exception):
    """A request that the gateway does not accept; each wire has its own envelope for it."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


Purpose = Literal["submit", "status"]

Find = Callable[[str], Report | None]
"""Reads the task with that id, None when there is none; it counts as a poll."""


class Wire(Protocol):
    """One gateway. To add a gateway: write one of these and add it to ``WIRES`` in ``studio.py``."""

    @property
    def name(self) -> str: ...

    @property
    def callback_stages(self) -> Sequence[Stage]:
        """The stages at which the gateway calls back."""

    def key(self, request: Request) -> str | None:
        """The API key that a request carries."""

    def purpose(self, request: Request) -> Purpose | None:
        """None for a path that is not simulated."""

    def song(self, request: Request) -> Song:
        """Raises Refusal, as the gateway would, for a submission that breaks its documented rules."""

    def accepted(self, report: Report) -> Reply: ...

    def refused(self, refusal: Refusal) -> Reply: ...

    def status(self, request: Request, find: Find) -> Reply:
        """Raises Refusal, also for an unknown task if the gateway answers that with an error."""

    def callback(self, report: Report) -> Json | None:
        """None when the gateway documents no callback for what happened."""


class Fields:
    """The fields of a request, checked one by one. Every method raises Refusal for a value of the wrong type or size."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def flag(self, name: str, *, required: bool = False) -> bool:
        return bool(self._value(name, bool, required=required))

    def text(self, name: str, *, required: bool = False, longest: int | None = None) -> str:
        """An empty text stands for none, and is refused where one is required."""
        value = str(self._value(name, str, required=required) or "")
        if required and not value.strip():
            raise Refusal(Reason.INVALID, f"{name} is required")
        if longest is not None and len(value) > longest:
            raise Refusal(Reason.TOO_LONG, f"{name} is longer than {longest} characters")
        return value

    def word(self, name: str, allowed: Collection[str], *, required: bool = False) -> str:
        value = self.text(name, required=required)
        if value and value not in allowed:
            raise Refusal(Reason.INVALID, f"{name} must be one of {', '.join(sorted(allowed))}")
        return value

    def number(self, name: str, lowest: float, highest: float) -> None:
        value = self.values.get(name)
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
            raise Refusal(Reason.INVALID, f"{name} must be a number from {lowest:g} to {highest:g}")

    def url(self, name: str, *, required: bool = False) -> str | None:
        value = self.text(name, required=required)
        if value and not value.startswith(("http://", "https://")):
            raise Refusal(Reason.INVALID, f"{name} must be an http or https URL")
        return value or None

    def others(self, documented: Collection[str]) -> tuple[str, ...]:
        return tuple(sorted(self.values.keys() - set(documented)))

    def _value(self, name: str, kind: type, *, required: bool) -> object:
        value: object = self.values.get(name)
        if value is None:
            if required:
                raise Refusal(Reason.INVALID, f"{name} is required")
            return None
        if not isinstance(value, kind):
            raise Refusal(Reason.INVALID, f"{name} must be a {kind.__name__}")
        return value
