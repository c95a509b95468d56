"""Virtual time. Processes are greenlets, of which exactly one runs at a time. Time passes only while that one sleeps or waits.

The seed alone therefore decides the order of events. Two handlers still interleave at every call that takes time, as on Lambda.
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
    """The loop is closed: unwinds every process that still waits."""


class Process:
    """An independent thread of execution, reused for another action when its own is done.

    ``resumptions`` counts how often it was resumed, so that only the first of several scheduled resumptions takes effect.
    ``local`` is free for data that belongs to the process.
    """

    def __init__(self, fiber: greenlet) -> None:
        self.fiber = fiber
        self.resumptions = 0
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
        """Starts a process after that many seconds."""
        heapq.heappush(self._queue, (self.now + after, next(self._numbers), action, 0))

    def sleep(self, seconds: float) -> None:
        self._check_open()
        moment = self.now + seconds
        if not self._queue or self._queue[0][0] > moment:
            self.now = moment
        else:
            self._schedule(self.current, moment)
            self._switch()

    def wait(self, until: float) -> None:
        """Waits until then, or until another process calls ``wake`` for this one."""
        self._check_open()
        self._schedule(self.current, until)
        self._switch()

    def wake(self, process: Process) -> None:
        self._schedule(process, self.now)

    def has_unstarted_processes(self) -> bool:
        return any(not isinstance(following, Process) for _, _, following, _ in self._queue)

    def run(self, until: float) -> None:
        """Lets the processes run until then. Raises the first exception that one of them raised."""
        self.wait(until)

    def close(self) -> None:
        """Ends all processes."""
        self._closed = True
        for process in self._all:
            process.fiber.throw(Closed)

    def _check_open(self) -> None:
        if self._closed:
            raise Closed

    def _start(self, action: Action) -> Process:
        if self._idle:
            process = self._idle.pop()
        else:
            process = Process(greenlet(lambda: self._run_actions(process)))
            self._all.append(process)
        process.action, process.local = action, None
        return process

    def _schedule(self, process: Process, moment: float) -> None:
        heapq.heappush(self._queue, (moment, next(self._numbers), process, process.resumptions))

    def _next(self) -> Process:
        if self._failure:
            return self._main
        while True:
            moment, _, following, resumptions = heapq.heappop(self._queue)
            if not isinstance(following, Process):
                self.now = max(self.now, moment)
                return self._start(following)
            if following.resumptions == resumptions:
                self.now = max(self.now, moment)
                following.resumptions += 1
                return following

    def _switch(self) -> None:
        """Lets other processes run until this one is resumed."""
        this = self.current
        self.current = self._next()
        if self.current is not this:
            self.current.fiber.switch()
        self._check_open()
        if this is self._main and self._failure:
            raise self._failure

    def _run_actions(self, process: Process) -> None:
        """Runs one action after the other until the loop is closed."""
        with suppress(Closed):
            while True:
                try:
                    process.action()
                except Closed:
                    raise
                except BaseException as error:  # noqa: BLE001 - raised again by ``run``
                    self._failure = self._failure or error
                self._idle.append(process)
                self._switch()
