"""Crashes and throttled calls at chosen boundaries, and no other faults. Every boundary is recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tests.simulation.faults import busy
from tests.simulation.lambdas import Invocation

READS = {"dynamodb.get_item", "dynamodb.query", "secretsmanager.get_secret_value", "stepfunctions.describe_execution"}
"""Calls that change nothing in the world. Requests to gateways and their files are none of them: the simulator counts them."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """The n-th call of the n-th invocation of a function; both count from 1.

    ``moment`` is its virtual time, and how often its process had been resumed: between two calls at one, nothing happened.
    """

    function: str
    invocation: int
    call: int
    label: str
    moment: tuple[float, int] = field(default=(0.0, 0), compare=False)

    @property
    def is_aws(self) -> bool:
        return not self.label.startswith(("gateway", "cdn"))


@dataclass(slots=True)
class Crash:
    """A crash at a boundary, ``before`` or ``after`` its call takes effect; or its call to AWS is ``throttled``, and nothing
    crashes. The next ``repeats`` invocations of the function that reach the same call fare the same. ``count`` is the number of
    crashes, or throttled calls, so far."""

    at: Boundary
    when: Literal["before", "after", "throttled"]
    repeats: int = 0
    count: int = 0

    def applies_to(self, invocation: Invocation, when: str) -> bool:
        at = self.at
        if (when, invocation.function, invocation.calls) != (self.when, at.function, at.call):
            return False
        if invocation.number == at.invocation or (invocation.number > at.invocation and 0 < self.count <= self.repeats):
            self.count += 1
            return True
        return False


@dataclass(slots=True)
class CrashInjector:
    crashes: tuple[Crash, ...] = ()
    boundaries: list[Boundary] = field(default_factory=list)

    def begin(self, _invocation: Invocation) -> bool:
        return True

    def before(self, invocation: Invocation, label: str) -> None:
        loop = invocation.lambdas.loop
        moment = loop.now, loop.current.resumptions
        self.boundaries.append(Boundary(invocation.function, invocation.number, invocation.calls, label, moment))
        self._kill(invocation, "before")
        if self._applies(invocation, "throttled"):
            invocation.refused = True
            raise busy(label)

    def after(self, invocation: Invocation, _label: str) -> None:
        self._kill(invocation, "after")

    def repeats(self, _label: str) -> bool:
        return False

    def start_seconds(self) -> float:
        return 0.0

    def overrun_seconds(self) -> float:
        return 0.0

    def _kill(self, invocation: Invocation, when: str) -> None:
        if self._applies(invocation, when):
            invocation.kill()

    def _applies(self, invocation: Invocation, when: str) -> bool:
        applies = bool([crash for crash in self.crashes if crash.applies_to(invocation, when)])
        invocation.disturbed |= applies
        return applies
