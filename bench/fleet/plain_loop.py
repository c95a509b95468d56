# ruff: noqa: S311 - arrivals and delays, no secrets
"""The rival of a fleet: a plain loop that submits each song when it arrives and reads its task every 20 s."""

from __future__ import annotations

from collections import deque
from functools import partial
from random import Random

from bench.fleet.figures import DEADLINE_SECONDS, FOREVER, RATE, START, TASK_SECONDS, Figures, Load
from bench.fleet.system import FIXED_TRANSITIONS
from tests.simulation.clock import Loop

LOOP_SECONDS = 20.0


class PlainLoop:
    """Submits each song when it arrives and reads its task every 20 s. A refused request is sent again 20 s later."""

    def __init__(self, load: Load, seed: int = 1) -> None:
        self.load = load
        self.random = Random(seed)
        self.loop = Loop(START)
        self.figures = Figures()
        self.in_flight = 0
        self.recent: deque[float] = deque()

    def run(self) -> Figures:
        for number in range(self.load.songs):
            born = START + self.load.arrive_seconds * number / self.load.songs
            self._after(born - START, born, None)
        self.loop.run(FOREVER)
        self.figures.transitions += FIXED_TRANSITIONS * self.load.songs
        return self.figures

    def _after(self, seconds: float, born: float, done_at: float | None) -> None:
        late = self.random.uniform(0, self.load.start_seconds)
        self.loop.spawn(partial(self._step, born, done_at), after=seconds + late)

    def _step(self, born: float, done_at: float | None) -> None:
        figures, now = self.figures, self.loop.now
        figures.transitions += 3
        if now - born > DEADLINE_SECONDS:
            figures.late += done_at is None
            figures.lost += done_at is not None
            self.in_flight -= done_at is not None
            return
        if self._refused():
            figures.refusals += 1
        elif done_at is None:
            figures.submissions += 1
            self.in_flight += 1
            figures.in_flight = max(figures.in_flight, self.in_flight)
            done_at = now + self.random.uniform(*TASK_SECONDS)
        else:
            figures.reads += 1
            if done_at <= now:
                figures.delays.append(now - done_at)
                figures.known.append(now - START)
                self.in_flight -= 1
                return
        self._after(LOOP_SECONDS, born, done_at)

    def _refused(self) -> bool:
        """The gateway counts what it has taken in the last window."""
        while self.recent and self.recent[0] <= self.loop.now - RATE.seconds:
            self.recent.popleft()
        if len(self.recent) >= RATE.requests:
            return True
        self.recent.append(self.loop.now)
        return False
