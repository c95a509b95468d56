"""Time as the simulator sees it."""

from __future__ import annotations

import threading
import time


class Clock:
    """The wall clock, with waiting that ends at once when the simulator stops."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._stopped = False

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def wait_until(self, moment: float) -> bool:
        """True when the moment has come, False when the simulator stops before."""
        with self._changed:
            while not self._stopped and (left := moment - self.now()) > 0:
                self._changed.wait(left)
            return not self._stopped

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


class HandClock(Clock):
    """A clock that stands still until it is moved: tests of whole task lives without waiting."""

    def __init__(self, moment: float = 1_800_000_000.0) -> None:
        super().__init__()
        self._moment = moment

    def now(self) -> float:
        return self._moment

    def wait_until(self, moment: float) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._moment >= moment)
            return not self._stopped

    def advance(self, seconds: float) -> None:
        with self._changed:
            self._moment += seconds
            self._changed.notify_all()
