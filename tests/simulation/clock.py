"""Virtual time. Processes are greenlets, of which exactly one runs; time goes on only when that one sleeps or waits.

So everything happens in one order that the seed alone decides, and yet two handlers interleave at any call that takes time,
as they would on Lambda.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from greenlet import getcurrent, greenlet

Action = Callable[[], object]


class Closed(BaseException):
    """The world ends: unwinds whatever still waits."""


class Process:
    """Whatever sleeps and waits by itself; used again for the next action when its own is done.

    ``wakings`` counts how often it was resumed, so that of several reasons to wake only the first counts. ``local`` is for
    whoever wants to attach something to the process.
    """

    def __init__(self, fibre: greenlet) -> None:
        self.fibre = fibre
        self.wakings = 0
        self.action: Action = bool
        self.local: Any = None


class Loop:
    def __init__(self, now: float) -> None:
        self.now = now
        self.current = self._main = Process(getcurrent())
        self._queue: list[tuple[float, int, Process | Action, int]] = []
        self._numbers = itertools.count()
        self._idle: list[Process] = []
        self._all: list[Process] = []
        self._failure: BaseException | None = None
        self._closed = False

    def spawn(self, action: Action, *, after: float = 0.0) -> None:
        """Begins a process that many seconds from now."""
        heapq.heappush(self._queue, (self.now + after, next(self._numbers), action, 0))

    def sleep(self, seconds: float) -> None:
        self._check_open()
        moment = self.now + seconds
        if not self._queue or self._queue[0][0] > moment:
            self.now = moment
        else:
            self._schedule(self.current, moment)
            self._give_way()

    def wait(self, until: float) -> None:
        """Until then, or until somebody calls ``wake`` for this process."""
        self._check_open()
        self._schedule(self.current, until)
        self._give_way()

    def wake(self, process: Process) -> None:
        self._schedule(process, self.now)

    def is_something_to_begin(self) -> bool:
        return any(not isinstance(following, Process) for _, _, following, _ in self._queue)

    def run(self, until: float) -> None:
        """Lets the processes run. Raises what one of them raised."""
        self.wait(until)

    def close(self) -> None:
        """Ends all processes."""
        self._closed = True
        for process in self._all:
            process.fibre.throw(Closed)

    def _check_open(self) -> None:
        if self._closed:
            raise Closed

    def _begin(self, action: Action) -> Process:
        if self._idle:
            process = self._idle.pop()
        else:
            process = Process(greenlet(lambda: self._work(process)))
            self._all.append(process)
        process.action, process.local = action, None
        return process

    def _schedule(self, process: Process, moment: float) -> None:
        heapq.heappush(self._queue, (moment, next(self._numbers), process, process.wakings))

    def _next(self) -> Process:
        if self._failure:
            return self._main
        while True:
            moment, _, following, wakings = heapq.heappop(self._queue)
            if not isinstance(following, Process):
                self.now = max(self.now, moment)
                return self._begin(following)
            if following.wakings == wakings:
                self.now = max(self.now, moment)
                following.wakings += 1
                return following

    def _give_way(self) -> None:
        """Lets others run until it is the turn of this process again."""
        me = self.current
        self.current = self._next()
        if self.current is not me:
            self.current.fibre.switch()
        self._check_open()
        if me is self._main and self._failure:
            raise self._failure

    def _work(self, process: Process) -> None:
        """Action after action, until the loop is closed."""
        with suppress(Closed):
            while True:
                try:
                    process.action()
                except Closed:
                    raise
                except BaseException as error:  # noqa: BLE001 - raised again by ``run``
                    self._failure = self._failure or error
                self._idle.append(process)
                self._give_way()
