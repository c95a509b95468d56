# ruff: noqa: S311 - arrivals and delays, no secrets
"""The bundle as a fleet: the real queue, rate limiter, circuit breaker, polling schedule, sweep and recovery, on the table in
memory.

The state machine is reduced to its waits. A function takes no time except when it sleeps; meanwhile others run.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Any, cast

from botocore.exceptions import ClientError

from bench.fleet.aws import FleetItems, FleetTable
from bench.fleet.figures import DEADLINE_SECONDS, FOREVER, GATEWAY, START, Figures, Load
from bench.fleet.gateway import FleetCalls, Gateway
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Result
from suno_jobs.jobs.record import Job, JobView
from suno_jobs.jobs.schedule import NextStep, PollingSchedule
from suno_jobs.jobs.states import Cause, JobState
from suno_jobs.lifecycle.erasure import JobEraser
from suno_jobs.lifecycle.recovery import next_recovery_at, recoverable_until
from suno_jobs.lifecycle.repeats import Repeats
from suno_jobs.lifecycle.resuming import resume_job
from suno_jobs.runtime.executions import Executions as RealExecutions
from suno_jobs.runtime.executions import ExecutionState
from suno_jobs.runtime.secrets import Secret
from suno_jobs.steps.check_task import make_task_checker
from suno_jobs.steps.create_task import TaskCreator
from suno_jobs.steps.reconcile_jobs import JobReconciler
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import ReceiptStore
from suno_jobs.storage.sent_requests import SentRequests
from suno_jobs.storage.table import jittered
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

PASSED_SECONDS = PAUSE_SECONDS + 30
"""A job is out of order if one that is behind it in the queue was submitted this much earlier: longer than an execution waits
after a function that failed, and functions take to start."""

FIXED_TRANSITIONS = 1 + 1 + 1
"""Outside this model: the start, Store Track and Finish Job."""


class Executions:
    """No execution dies. That of a job that rests in recovery has ended."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def wake(self, task_token: str) -> bool:
        return self._fleet.wake(task_token)

    def start(self, job_id: str, _number: int) -> None:
        """An execution that hands its job over has not ended yet; the fleet starts the next one."""
        if job_id in self._fleet.resting:
            self._fleet.recover(job_id)

    def state(self, job_id: str, _number: int) -> ExecutionState:
        return ExecutionState.ENDED if job_id in self._fleet.resting else ExecutionState.RUNNING


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
        self.settled = self.in_flight = 0
        self.resting: set[str] = set()
        self.places: dict[str, tuple[str, float]] = {}
        self.served: dict[str, float] = {}
        self._deploy()

    def _time(self) -> float:
        return self.loop.now

    def _deploy(self) -> None:
        client: Any = self.table
        none: Any = None
        fixed: Any = FixedSecret(ACCOUNTS)
        secret = Secret(lambda: fixed, "accounts", self._time)
        self.executions = executions = cast("RealExecutions", Executions(self))
        schedule = PollingSchedule(first_check=150, interval=20, longest=PAUSE_SECONDS)
        self.jobs = JobStore(client, TABLE, jittered(self.loop.sleep, self.random.random))
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
        figures.unfinished = self.load.songs - self.settled
        figures.out_of_order = passed((*each, self.served.get(job_id, math.inf)) for job_id, each in self.places.items())
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
            self.figures.failed_creations += 1
            step = NextStep(job_id, "wait", PAUSE_SECONDS)
        self._await(step)

    def _await(self, step: NextStep) -> None:
        """The state Await Signal."""
        self.figures.transitions += 1
        self.table.writes += 1
        job_id = step.job_id
        item = self._item(job_id)
        if "place" in item:
            self.places.setdefault(job_id, (item["place"]["S"], float(item["deadline_at"]["N"])))
        self.waits[job_id] += 1
        number = self.waiting[job_id] = self.waits[job_id]
        if "signalled" in item:
            self.wake(job_id)
            return
        self.table.jobs.put({**item, "task_token": {"S": job_id}})
        self.loop.spawn(partial(self.wake, job_id, number), after=step.wait_seconds)

    def _item(self, job_id: str) -> Item:
        return self.table.jobs.items[f"JOB#{job_id}"]["JOB"]

    def wake(self, job_id: str, number: int | None = None) -> bool:
        """Ends the wait with that number, or the current one. False: the job does not wait."""
        if job_id not in self.waiting or number not in (None, self.waiting[job_id]):
            return False
        del self.waiting[job_id]
        self._start(job_id, self._check)
        return True

    def recover(self, job_id: str) -> None:
        """The next execution of a job in recovery. Its first states find nothing to submit."""
        self.figures.transitions += 3
        self.resting.remove(job_id)
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
        elif step.next == "store":
            self._succeed(self._job(job_id))
        else:
            self._time_out(self._job(job_id))

    def _job(self, job_id: str) -> Job:
        job = self.jobs.get(job_id)
        if job is None:
            raise LookupError(job_id)
        return job

    def _succeed(self, job: Job) -> None:
        """The states Store Track and Finish Job. A job in recovery has ended before."""
        self.figures.recovered += job.terminal
        self.in_flight -= not job.terminal
        self.figures.delays.append(self.loop.now - self.gateway.done_at[str(job.task_id)])
        self.figures.known.append(self.loop.now - START)
        self._settle(self.jobs.finish(job, JobState.SUCCEEDED, None, now=int(self.loop.now)))

    def _time_out(self, job: Job) -> None:
        """The state Finish Job. A job whose task may still end stays in recovery, and its execution is over."""
        now = int(self.loop.now)
        self.in_flight -= bool(job.event_pending and job.task_id)
        until = recoverable_until(JobView(job), job.state, now)
        if until:
            self.resting.add(job.job_id)
            due_at = next_recovery_at(job, now, until=until)
            self.jobs.mark_announced(job, recoverable_until=until, due_at=due_at, now=now)
            return
        self.figures.lost += bool(job.task_id)
        if not job.task_id:
            self.figures.late += 1
            self.figures.told.append(job.deadline_at - now)
        self._settle(job)

    def _settle(self, job: Job) -> None:
        """Nothing happens to the job any more."""
        self.jobs.mark_announced(job, recoverable_until=None, due_at=None, now=int(self.loop.now))
        self.settled += 1
        self.table.jobs.forget(f"JOB#{job.job_id}")

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
        signals = self.jobs.signals
        signalled = signals.signal(job_id, Cause.CALLBACK)
        if signalled and not (signalled.task_token and self.wake(signalled.task_token)) and signalled.in_recovery:
            due_at = int(self.loop.now) + 2 * PAUSE_SECONDS
            resume_job(signals, self.executions, job_id, signalled.execution, Cause.CALLBACK, due_at=due_at)

    def _sweep(self) -> None:
        self.reconciler.reconcile_jobs(lambda: True)
        if self.settled < self.load.songs:
            self.loop.spawn(self._sweep, after=SWEEP_SECONDS)


def passed(jobs: Iterable[tuple[str, float, float]]) -> int:
    """How many jobs were submitted long after one that is behind them, or not at all although there was time for it.

    ``jobs``: place in the queue, deadline, and time of the submission or infinity.
    """
    count, first = 0, math.inf
    for _, deadline, served in sorted(jobs, reverse=True):
        count += min(served, deadline) - first > PASSED_SECONDS
        first = min(first, served)
    return count
