"""How much runs at once, as on a small AWS account: what exceeds it waits a little for its turn, and then is throttled.

More at once would not be faster on a few cores, only hungrier: each concurrent invocation is an environment of its own. The
shares keep the parts of the stack from taking each other's place, so that a client of the API never sees a throttle.

On AWS an execution is throttled at once. Here it waits first: its retries are meant for an account whose limit is far away, and
would be used up while it could only have waited for two cores.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")

API_REQUESTS = 4
EXECUTIONS = 6
QUEUE_BATCHES = 4
# The rest of it is for schedules, retries of events, and functions that are invoked directly.
ACCOUNT_CONCURRENCY = 32
WARM_SECONDS = 60
API_PATIENCE_SECONDS = 29
EXECUTION_PATIENCE_SECONDS = 20


class Busy(Exception):
    """No turn came in time."""


class Turns(Generic[T]):
    """Lends each of some things to one borrower at a time, in the order in which they ask."""

    def __init__(self, things: list[T]) -> None:
        self._lock = threading.Lock()
        self._free = deque(things)
        self._waiting: deque[Waiter[T]] = deque()

    @contextmanager
    def turn(self, seconds: float) -> Iterator[T]:
        """Raises Busy after so many seconds."""
        thing = self._take(seconds)
        try:
            yield thing
        finally:
            self._give_back(thing)

    def _take(self, seconds: float) -> T:
        with self._lock:
            if self._free:
                return self._free.popleft()
            waiter: Waiter[T] = Waiter()
            self._waiting.append(waiter)
        waiter.served.wait(seconds)
        with self._lock:
            if not waiter.served.is_set():
                self._waiting.remove(waiter)
                raise Busy(f"no turn within {seconds:g} s")
        return waiter.thing

    def _give_back(self, thing: T) -> None:
        with self._lock:
            if not self._waiting:
                self._free.appendleft(thing)
                return
            waiter = self._waiting.popleft()
            waiter.thing = thing
            waiter.served.set()


class Waiter(Generic[T]):
    """One that waits; it has its thing once it is served."""

    thing: T

    def __init__(self) -> None:
        self.served = threading.Event()
