"""The seam between the simulator and a gateway's wire: what a wire is given, what it answers, and how it checks fields."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Literal, Protocol, runtime_checkable

from local.simulator.archive import Archive
from local.simulator.tasks import Report, Source, Stage, Work

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


def with_json_in_strings(reply: Reply) -> Reply:
    """The same reply, in which each object and each list inside an object is a string with JSON. A page stays as it is."""
    return reply if reply.content_type != "application/json" else json_reply(reply.status, _encoded(json.loads(reply.body)))


def _encoded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: json.dumps(_encoded(each)) if isinstance(each, dict | list) else each for name, each in value.items()}
    return [_encoded(each) for each in value] if isinstance(value, list) else value


class Reason(Enum):
    NO_KEY = auto()
    WRONG_KEY = auto()
    INVALID = auto()
    TOO_LONG = auto()
    NO_SUCH_SOURCE = auto()
    EXISTS = auto()
    COVER_EXISTS = auto()
    FAILED = auto()
    NOT_SIMULATED = auto()
    MAINTENANCE = auto()
    NO_CREDITS = auto()
    RETIRED_MODEL = auto()
    TOO_FREQUENT = auto()
    SERVER_ERROR = auto()
    NO_SUCH_TASK = auto()
    NO_SUCH_ROUTE = auto()
    KEY_CONFLICT = auto()
    OUTCOME_UNKNOWN = auto()


class Refusal(Exception):
    """A request that the gateway does not accept; each wire has its own envelope for it. ``existing`` is the task that was
    given the same to do before, or that was created all the same, if the gateway tells it. ``retry_after`` is in seconds, for
    a request that is too frequent."""

    def __init__(self, reason: Reason, message: str, *, existing: str | None = None, retry_after: float = 1) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.existing = existing
        self.retry_after = retry_after


Purpose = Literal["submit", "status"]

Find = Callable[[str], Report | None]
"""Reads the task with that id, None when there is none; it counts as a poll."""


class Wire(Protocol):
    """One gateway. To add a gateway: write one of these and add it to ``WIRES`` in ``gateways.py``."""

    @property
    def name(self) -> str: ...

    @property
    def renews_links(self) -> bool:
        """Whether a status reply has new links once the old ones have expired; elsewhere recovery gives them."""

    def callback_stages(self, work: Work) -> Sequence[Stage]:
        """The stages at which the gateway calls back."""

    def key(self, request: Request) -> str | None:
        """The API key that a request carries."""

    def purpose(self, request: Request) -> Purpose | None:
        """None for a path that is not simulated."""

    def work(self, request: Request, archive: Archive) -> Work:
        """What a submission asks for. Raises Refusal, as the gateway would, when it breaks the documented rules or refers to
        work that is not in the archive."""

    def accepted(self, report: Report) -> Reply:
        """The answer to a submission that was taken. Raises Refusal for a synchronous operation that failed."""

    def refused(self, refusal: Refusal) -> Reply: ...

    def status(self, request: Request, find: Find) -> Reply:
        """Raises Refusal, also for an unknown task if the gateway answers that with an error."""

    def callback(self, report: Report) -> Json | None:
        """None when the gateway documents no callback for what happened."""


@dataclass(frozen=True, slots=True)
class Credits:
    """Of one account. Every task costs as much as any other here."""

    left: int
    used: int


@runtime_checkable
class Billing(Protocol):
    """A wire whose gateway tells what is left on an account."""

    @property
    def balance_paths(self) -> Collection[str]: ...

    def balance(self, path: str, account: Credits) -> Json: ...


@runtime_checkable
class Signing(Protocol):
    """A wire whose gateway signs its callbacks when a key is set."""

    def signature(self, task_id: str, key: str, moment: float) -> Mapping[str, str]:
        """The headers to add."""


@runtime_checkable
class Idempotent(Protocol):
    """A wire whose gateway carries out a submission once, however often it arrives with the same key."""

    def idempotency_key(self, request: Request) -> str | None:
        """Raises Refusal for a malformed key."""

    def replayed(self, reply: Reply) -> Reply:
        """The reply to a repetition."""


def known(source: Source | None, what: str) -> Source:
    """Raises Refusal when there is no such source."""
    if source is None:
        raise Refusal(Reason.NO_SUCH_SOURCE, f"{what} not found")
    return source


class Fields:
    """The fields of a request, checked one by one. Every method raises Refusal for a value of the wrong type or size.

    A field that no method was asked for is one that the gateway does not document: see ``others``.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self._asked: set[str] = set()

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

    def texts(self, *names: str) -> None:
        for name in names:
            self.text(name)

    def word(self, name: str, allowed: Collection[str], *, required: bool = False) -> str:
        value = self.text(name, required=required)
        if value and value not in allowed:
            raise Refusal(Reason.INVALID, f"{name} must be one of {', '.join(sorted(allowed))}")
        return value

    def number(self, name: str, lowest: float = 0.0, highest: float = math.inf, *, required: bool = False) -> float | None:
        self._asked.add(name)
        value = self.values.get(name)
        if value is None and not required:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
            raise Refusal(Reason.INVALID, f"{name} must be a number from {lowest:g} to {highest:g}")
        return value

    def shares(self, *names: str) -> None:
        """Numbers from 0 to 1."""
        for name in names:
            self.number(name, 0, 1)

    def span(self, start: str, end: str, *, required: bool = False) -> None:
        """Two moments, the second after the first."""
        first, last = self.number(start, required=required), self.number(end, required=required)
        if first is not None and last is not None and first >= last:
            raise Refusal(Reason.INVALID, f"{end} must be greater than {start}")

    def url(self, name: str, *, required: bool = False) -> str | None:
        """A callback's address."""
        value = self.text(name, required=required)
        if value and not value.startswith(("http://", "https://")):
            raise Refusal(Reason.INVALID, f"{name} must be an http or https URL")
        return value or None

    def media_url(self, name: str) -> str:
        """The address of audio that is brought along; nothing is fetched from it."""
        return _media_url(name, self.text(name, required=True))

    def media_urls(self, name: str, fewest: int, most: int) -> Sequence[str]:
        return [_media_url(name, value) for value in self.ids(name, fewest, most)]

    def nested(self, name: str) -> Fields:
        """The fields of an object inside the request; those that are not asked for are no others of this one."""
        value = self._value(name, dict, required=True)
        return Fields(value if isinstance(value, dict) else {})

    def ids(self, name: str, fewest: int, most: int) -> Sequence[str]:
        self._asked.add(name)
        values = self.values.get(name)
        if not isinstance(values, list) or not fewest <= len(values) <= most:
            raise Refusal(Reason.INVALID, f"{name} must be a list of {fewest} to {most}")
        if not all(isinstance(value, str) and value for value in values):
            raise Refusal(Reason.INVALID, f"{name} must be a list of texts")
        return values

    def others(self) -> tuple[str, ...]:
        return tuple(sorted(self.values.keys() - self._asked))

    def _value(self, name: str, kind: type, *, required: bool) -> object:
        self._asked.add(name)
        value: object = self.values.get(name)
        if value is None:
            if required:
                raise Refusal(Reason.INVALID, f"{name} is required")
            return None
        if not isinstance(value, kind):
            raise Refusal(Reason.INVALID, f"{name} must be a {kind.__name__}")
        return value


def _media_url(name: str, value: str) -> str:
    if not value.startswith(("https://", "http://127.0.0.1:")):
        raise Refusal(Reason.INVALID, f"{name} must be a public https URL")
    return value
