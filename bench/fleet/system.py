# ruff: noqa: S311 - arrivals and delays, no secrets
"""The bundle as a fleet: the real queue, rate limiter, circuit breaker, polling schedule and sweep, on the table in memory.

The state machine is reduced to its waits. A function takes no time except when it sleeps; meanwhile others run.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from bench.fleet.aws import FleetItems, FleetTable
from bench.fleet.figures import DEADLINE_SECONDS, FOREVER, GATEWAY, START, Figures, Load
from bench.fleet.gateway import FleetCalls, Gateway
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Result
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.schedule import NextStep, PollingSchedule
from suno_jobs.jobs.states import Cause, JobState
from suno_jobs.lifecycle.erasure import JobEraser
from suno_jobs.lifecycle.repeats import Repeats
from suno_jobs.runtime.executions import ExecutionState
from suno_jobs.runtime.secrets import Secret
from suno_jobs.steps.check_task import make_task_checker
from suno_jobs.steps.create_task import TaskCreator
from suno_jobs.steps.reconcile_jobs import JobReconciler
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import ReceiptStore
from suno_jobs.storage.sent_requests import SentRequests
from suno_jobs.traffic.account_figures import AccountFigures
from suno_jobs.traffic.admission import make_admission
from suno_jobs.traffic.batch_reads import BatchReader
from suno_jobs.traffic.concurrency import Concurrency
from suno_jobs.traffic.health import Health
from suno_jobs.traffic.rate_limiter import RateLimiter
from tests.simulation.clock import Loop
from tests.simulation.expressions import Item
from tests.world import ACCOUNTS, TABLE, FixedSecret

SWEEP_SECONDS = 300.0

PAUSE_SECONDS = 60
"""The longest polling interval. An execution waits as long after a function that failed."""

PASSED_SECONDS = 60
"""A job is out of order if one that is behind it in the queue was submitted this much earlier."""

FIXED_TRANSITIONS = 1 + 1 + 1
"""Outside this model: the start, Store Track and Finish Job."""


class Executions:
    """All executions run, and a wake-up reaches the one that waits."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        self._wake = wake

    def wake(self, task_token: str) -> bool:
        self._wake(task_token)
        return True

    def start(self, job_id: str, number: int) -> None:
        """The fleet starts it."""

    def state(self, _job_id: str, _number: int) -> ExecutionState:
        return ExecutionState.RUNNING


class Fleet:
    def __init__(self, load: Load, seed: int = 1) -> None:
        self.load = load
        self.random = Random(seed)
        self.loop = Loop(START)
        self.table = FleetTable(self._time, self.loop.sleep, self.random)
        self.gateway = Gateway(self._time, self.random)
        self.gateway.on_task = self._accept
        self.figures = Figures()
        self.waiting: dict[str, int] = {}
        self.waits: Counter[str] = Counter()
        self.ended = self.in_flight = 0
        self.places: dict[str, str] = {}
        self.served: dict[str, float] = {}
        self._deploy()

    def _time(self) -> float:
        return self.loop.now

    def _deploy(self) -> None:
        client: Any = self.table
        none: Any = None
        fixed: Any = FixedSecret(ACCOUNTS)
        secret = Secret(lambda: fixed, "accounts", self._time)
        executions: Any = Executions(self._wake)
        schedule = PollingSchedule(first_check=150, interval=20, longest=PAUSE_SECONDS)
        self.jobs = JobStore(client, TABLE)
        receipts = ReceiptStore(client, TABLE, none, "receipts", ttl_days=30)
        calls = FleetCalls(
            client=none,
            accounts=secret,
            rate_limiter=RateLimiter(client, TABLE),
            concurrency=Concurrency(FleetItems(client, TABLE, self.table.jobs)),
            health=Health(client, TABLE, self._time),
            clock=self._time,
            sleep=self.loop.sleep,
            gateway=self.gateway,
        )
        self.creator = TaskCreator(
            jobs=self.jobs,
            receipts=receipts,
            calls=calls,
            admission=make_admission(calls, 5, 60),
            callback_url=lambda _gateway, job_id: f"https://us.example/{job_id}",
            schedule=schedule,
            grace_seconds=900,
            clock=self._time,
            random_bytes=self.random.randbytes,
            repeats=Repeats(SentRequests(client, TABLE)),
        )
        self.checker = make_task_checker(
            jobs=self.jobs,
            receipts=receipts,
            calls=calls,
            schedule=schedule,
            grace_seconds=900,
            executions=executions,
            on_progress=lambda *_: None,
            clock=self._time,
        )
        self.reconciler = JobReconciler(
            jobs=self.jobs,
            executions=executions,
            eraser=JobEraser(deletions=self.jobs.deletions, s3=none, assets_bucket="", receipts_bucket=""),
            send_webhooks=lambda _: None,
            find_running=BatchReader(calls).find_running,
            count_accounts=AccountFigures(calls.concurrency.items, secret, self._time).count,
            read_balances=lambda _: None,
            slack_seconds=schedule.slack,
            clock=self._time,
            sleep=self.loop.sleep,
        )

    def run(self) -> Figures:
        for number in range(self.load.songs):
            self.loop.spawn(partial(self._arrive, number), after=self.load.arrive_seconds * number / self.load.songs)
        self.loop.spawn(self._sweep, after=SWEEP_SECONDS)
        # A fiber begins at the depth of the one that was running, and a thousand may wait at once.
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(10**6)
        try:
            self.loop.run(FOREVER)
            self.loop.close()
        finally:
            sys.setrecursionlimit(before)
        figures = self.figures
        figures.refusals, figures.reads = self.gateway.exceeded(), self.gateway.reads
        figures.used = self.gateway.used()
        figures.submissions = len(self.gateway.done_at)
        figures.unfinished = self.load.songs - self.ended
        figures.out_of_order = passed([(place, self.served[job_id]) for job_id, place in self.places.items()])
        figures.writes = self.table.writes
        figures.hottest, figures.partition = self.table.hottest, self.table.partition
        figures.transitions += FIXED_TRANSITIONS * self.load.songs
        return figures

    def _arrive(self, number: int) -> None:
        now = int(self.loop.now)
        job = Job(
            job_id=f"job_{number:026}",
            tenant=f"tenant-{number % self.load.tenants}",
            gateway=GATEWAY,
            kind=Kind.MUSIC,
            expects=Result.TRACKS,
            state=JobState.ACCEPTED,
            created_at=now,
            updated_at=now,
            deadline_at=now + DEADLINE_SECONDS,
            fingerprint="f",
        )
        request = {"input": {"prompt": "rain"}, "sources": [], "gateways": [GATEWAY]}
        self.jobs.submissions.create(job, request, due_at=now + 120)
        self.table.writes += 4
        self._start(job.job_id, self._create)

    def _start(self, job_id: str, function: Callable[[str], None]) -> None:
        self.loop.spawn(partial(function, job_id), after=self.random.uniform(0, self.load.start_seconds))

    def _create(self, job_id: str) -> None:
        """The state Create Task, which waits after a function that failed."""
        self.figures.transitions += 1
        try:
            step = self.creator.create_task(job_id)
        except ClientError:
            step = NextStep(job_id, "wait", PAUSE_SECONDS)
        self._await(step)

    def _await(self, step: NextStep) -> None:
        """The state Await Signal."""
        self.figures.transitions += 1
        self.table.writes += 1
        job_id = step.job_id
        item = self._item(job_id)
        if "place" in item:
            self.places.setdefault(job_id, item["place"]["S"])
        self.waits[job_id] += 1
        number = self.waiting[job_id] = self.waits[job_id]
        if "signalled" in item:
            self._wake(job_id)
            return
        self.table.jobs.put({**item, "task_token": {"S": job_id}})
        self.loop.spawn(partial(self._wake, job_id, number), after=step.wait_seconds)

    def _item(self, job_id: str) -> Item:
        return self.table.jobs.items[f"JOB#{job_id}"]["JOB"]

    def _wake(self, job_id: str, number: int | None = None) -> None:
        """Ends the wait with that number, or the current one."""
        if job_id in self.waiting and number in (None, self.waiting[job_id]):
            del self.waiting[job_id]
            self._start(job_id, self._check)

    def _check(self, job_id: str, tried: int = 0) -> None:
        """The state Check Task, which is retried."""
        self.figures.transitions += 1
        try:
            step = self.checker.check_task(job_id)
        except ClientError:
            pause = self.random.uniform(0, min(60, 2 ** (tried + 1)))
            self.loop.spawn(partial(self._check, job_id, tried + 1), after=pause)
            return
        if step.next in ("submit", "leave"):
            # The end of this execution and the start of the next one.
            self.figures.transitions += 2 * (step.next == "leave")
            self._start(job_id, self._create)
        elif step.next == "wait":
            self._await(step)
        else:
            self._end(job_id)

    def _end(self, job_id: str) -> None:
        job = self.jobs.get(job_id)
        if job is None:
            raise LookupError(job_id)
        now = int(self.loop.now)
        end = JobState.SUCCEEDED if job.state is JobState.STORING else JobState.TIMED_OUT
        if job.task_id:
            self.figures.lost += end is JobState.TIMED_OUT
            self.figures.delays.append(self.loop.now - self.gateway.done_at[job.task_id])
            self.figures.known.append(self.loop.now - START)
        else:
            self.figures.late += 1
            self.figures.told.append(job.deadline_at - now)
        if not job.terminal:
            job = self.jobs.finish(job, end, job.fault if end is JobState.TIMED_OUT else None, now=now)
        self.jobs.mark_announced(job, recoverable_until=None, due_at=None, now=now)
        self.served.setdefault(job_id, self.loop.now)
        self.ended += 1
        self.in_flight -= bool(job.task_id)
        self.table.jobs.forget(f"JOB#{job_id}")

    def _accept(self, url: str, done_at: float) -> None:
        """The gateway has accepted a task, and calls back at its end unless the callback is lost."""
        job_id = url.rpartition("/")[2]
        self.served[job_id] = self.loop.now
        self.in_flight += 1
        self.figures.in_flight = max(self.figures.in_flight, self.in_flight)
        if self.random.random() >= self.load.loss:
            self.loop.spawn(partial(self._signal, job_id), after=done_at - self.loop.now)

    def _signal(self, job_id: str) -> None:
        self.table.writes += 1
        signalled = self.jobs.signals.signal(job_id, Cause.CALLBACK)
        if signalled and signalled.task_token:
            self._wake(signalled.task_token)

    def _sweep(self) -> None:
        self.reconciler.reconcile_jobs(lambda: True)
        if self.ended < self.load.songs:
            self.loop.spawn(self._sweep, after=SWEEP_SECONDS)


def passed(served: Iterable[tuple[str, float]]) -> int:
    """``served``: place in the queue, and time of the submission or of the end without one."""
    count, first = 0, math.inf
    for _, moment in sorted(served, reverse=True):
        count += moment - first > PASSED_SECONDS
        first = min(first, moment)
    return count
