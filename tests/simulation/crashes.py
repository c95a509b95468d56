"""Weather in which nothing happens but deaths at chosen boundaries, and in which every boundary is written down."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.simulation.lambdas import Invocation


@dataclass(frozen=True, slots=True)
class Boundary:
    """The n-th call of the n-th invocation of a function; both count from 1."""

    function: str
    invocation: int
    call: int
    label: str


@dataclass(slots=True)
class Death:
    """At a boundary, ``before`` or ``after`` its call takes effect; and then of ``more`` later invocations of the same function
    when they come to the same call. ``struck`` counts the deaths."""

    at: Boundary
    when: str
    more: int = 0
    struck: int = 0

    def befalls(self, invocation: Invocation, when: str) -> bool:
        at = self.at
        if (when, invocation.function, invocation.calls) != (self.when, at.function, at.call):
            return False
        if invocation.number == at.invocation or (invocation.number > at.invocation and 0 < self.struck <= self.more):
            self.struck += 1
            return True
        return False


@dataclass(slots=True)
class Deadly:
    deaths: tuple[Death, ...] = ()
    boundaries: list[Boundary] = field(default_factory=list)

    def begin(self, _invocation: Invocation) -> bool:
        return True

    def before(self, invocation: Invocation, label: str) -> None:
        self.boundaries.append(Boundary(invocation.function, invocation.number, invocation.calls, label))
        self._kill(invocation, "before")

    def after(self, invocation: Invocation, _label: str) -> None:
        self._kill(invocation, "after")

    def repeats(self, _label: str) -> bool:
        return False

    def _kill(self, invocation: Invocation, when: str) -> None:
        if [death for death in self.deaths if death.befalls(invocation, when)]:
            invocation.kill()
