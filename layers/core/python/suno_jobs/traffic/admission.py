"""Whose turn it is to be submitted at a gateway account (I12): circuit breaker, limit on concurrent tasks, rate limit, queue.

Whatever limits the account at the moment leaves room for some number of jobs. The first so many in the queue may be
submitted. All others wait and keep their places, and ask again once a minute, or sooner near the head.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suno_jobs.errors import Fault
from suno_jobs.gateways.protocol import Rate
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.traffic.circuit_breaker import CircuitBreaker, Hold
from suno_jobs.traffic.concurrency import PROBE_SECONDS, Concurrency, Room
from suno_jobs.traffic.rate_limiter import RateLimiter
from suno_jobs.traffic.submission_queue import Queue, SubmissionQueue

if TYPE_CHECKING:
    from suno_jobs.jobs.record import Job
    from suno_jobs.traffic.calls import GatewayCalls

HORIZON_SECONDS = 60
"""A waiting job asks this often, and writes once each time. Far back in the queue it asks less often."""

EARLY_SECONDS = 5

PLENTY = 10
OFFERS = 4
"""While more than ``PLENTY`` slots are free, jobs at the head are still starting, and a slot that no job takes is lost. So each
slot beyond is offered to so many jobs. With fewer free slots, the order is strict."""

SOONEST_SECONDS = 5
"""The next job in the queue of a full account asks this often, or less often."""


@dataclass(frozen=True, slots=True)
class Turn:
    """``seconds`` until the job may ask again; 0 means that it is its turn. The rest is what ``enter`` and ``record`` need."""

    seconds: int
    queue: Queue
    hold: Hold
    room: Room


@dataclass(frozen=True, slots=True)
class Admission:
    breaker: CircuitBreaker
    queue: SubmissionQueue
    concurrency: Concurrency
    rate_limiter: RateLimiter
    clock: Callable[[], float]

    def ask(self, job: Job, max_tasks: int | None) -> Turn:
        """``max_tasks`` is the limit on concurrent tasks that the operator has set for the account."""
        now, rate = self.clock(), GATEWAYS[job.gateway].rate
        queue = self.queue.read(job, int(now))
        hold = self.breaker.read(job)
        if hold.seconds:
            return Turn(hold.seconds + min(queue.ahead, HORIZON_SECONDS), queue, hold, Room())
        room = self.concurrency.room(job, max_tasks, now=int(now))
        free = [1] if hold.probe else []
        free += [] if room.free is None else [room.free]
        if queue.ahead:
            free.append(_offered(self.rate_limiter.free(job.gateway, job.account, rate, now=now)))
        behind = queue.ahead - min(free, default=1) + 1
        return Turn(_wait(behind, room, rate) if behind > 0 else 0, queue, hold, room)

    def wait(self, job: Job, turn: Turn, back_at: int) -> str:
        """Keeps the job's place in the queue, and returns it. A job without one gets one. Raises NoPlace."""
        place = job.place or self.queue.join(job, turn.queue.head, now=int(self.clock()))
        return self.queue.keep(job, place, back_at=back_at, held=turn.hold.by_tenant)

    def comes_too_late(self, job: Job, turn: Turn) -> bool:
        """Whether the jobs that are ahead already need all slots until the job's deadline.

        How far the other tenants' jobs reach is read only where the estimate, which takes them for as many, is too long.
        """
        rate = GATEWAYS[job.gateway].rate
        most = (job.deadline_at - self.clock()) * rate.requests / rate.seconds
        return turn.queue.ahead > most and self.queue.count_ahead(job, turn.queue) > most

    def enter(self, job: Job, turn: Turn) -> bool:
        """Begins the job's turn. False: another job is the probe. The job leaves the queue when its intent is written."""
        if not self.breaker.enter(job, turn.hold):
            return False
        if not self.concurrency.begin(job, turn.room, now=int(self.clock())):
            self.breaker.withdraw(job, turn.hold)
            return False
        return True

    def withdraw(self, job: Job, turn: Turn) -> None:
        """Ends the turn of a job that was not sent, so that it holds no other job."""
        self.breaker.withdraw(job, turn.hold)
        self.concurrency.withdraw(job, turn.room)

    def record(self, job: Job, turn: Turn, fault: Fault | None, *, in_flight_until: int | None) -> None:
        """How the submission went. ``job`` is as it was before. ``in_flight_until`` is until when the account has a task of
        it, or may have one after a lost answer; None: it has none."""
        if in_flight_until is None:
            if turn.room.limit is not None:
                self.concurrency.end(job)
        elif fault is None:
            self.concurrency.accepted(job, turn.room)
        elif turn.room.limit is not None:
            self.concurrency.lost(job, until=in_flight_until)
        if fault is not None:
            self.concurrency.refused(job, fault, now=int(self.clock()))
        self.breaker.record(job, turn.hold, fault)


def make_admission(calls: GatewayCalls, failures: int, open_seconds: int) -> Admission:
    """Shares the rate limiter and the concurrent tasks of ``calls``. ``failures`` and ``open_seconds``: see CircuitBreaker."""
    items = calls.concurrency.items
    breaker = CircuitBreaker(items, failures, open_seconds, calls.clock)
    return Admission(breaker, SubmissionQueue(items), calls.concurrency, calls.rate_limiter, calls.clock)


def _offered(slots: int) -> int:
    """To how many jobs at the head of the queue so many free slots are offered."""
    return slots + (OFFERS - 1) * max(0, slots - PLENTY)


def _wait(behind: int, room: Room, rate: Rate) -> int:
    """Seconds until the turn of a job may come that is so many places too far behind."""
    if room.limit is None:
        soonest = 1 + int(behind * rate.seconds / rate.requests)
        # A little early, since functions start late. Far back, half of the shortest possible wait is early enough.
        early = max(min(soonest, HORIZON_SECONDS) - EARLY_SECONDS, soonest // 2)
        return early if soonest > EARLY_SECONDS else soonest
    if room.next_probe_in is not None:
        return min(HORIZON_SECONDS, room.next_probe_in + (behind - 1) * PROBE_SECONDS)
    if room.probe_at is not None:
        return min(HORIZON_SECONDS, behind * PROBE_SECONDS)
    return max(SOONEST_SECONDS, min(HORIZON_SECONDS, behind * HORIZON_SECONDS // room.limit))
