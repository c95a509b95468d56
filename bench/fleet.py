# ruff: noqa: S311 - arrivals and delays, no secrets
"""`make fleet`: many songs on one gateway account, in virtual time.

The queue, the rate limiter, the circuit breaker, the polling schedule and the sweep are the real ones, on the table in memory.
The state machine is reduced to its waits, and a function runs at one moment: it only advances its own clock when it sleeps. The
rival is a plain loop that submits each job when it arrives and reads its task every 20 s.
"""

from __future__ import annotations

import argparse
import bisect
import heapq
import itertools
import json
import math
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Result
from suno_jobs.gateways.protocol import Rate
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.schedule import NextStep, PollingSchedule
from suno_jobs.jobs.states import Cause, JobState
from suno_jobs.lifecycle.erasure import JobEraser
from suno_jobs.lifecycle.repeats import Repeats
from suno_jobs.network.http import httpx
from suno_jobs.runtime.executions import ExecutionState
from suno_jobs.runtime.secrets import Secret
from suno_jobs.steps.check_task import make_task_checker
from suno_jobs.steps.create_task import TaskCreator
from suno_jobs.steps.reconcile_jobs import JobReconciler
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.receipts import ReceiptStore
from suno_jobs.storage.sent_requests import SentRequests
from suno_jobs.traffic.account_items import AccountItems
from suno_jobs.traffic.admission import make_admission
from suno_jobs.traffic.batch_reads import BatchReader
from suno_jobs.traffic.calls import GatewayCalls
from suno_jobs.traffic.client import http_client
from suno_jobs.traffic.concurrency import Concurrency
from suno_jobs.traffic.health import Health
from suno_jobs.traffic.rate_limiter import RateLimiter
from tests.simulation.aws_table import DynamoDb, Index, Table
from tests.simulation.expressions import Item
from tests.world import ACCOUNTS, JOBS_TABLE, TABLE, FixedSecret

START = 1_800_000_000.0
GATEWAY = "crun"
RATE: Rate = GATEWAYS[GATEWAY].rate
TASK_SECONDS = (60.0, 140.0)
DEADLINE_SECONDS = 1800
SWEEP_SECONDS = 300.0
LOOP_SECONDS = 20.0
USD_PER_TRANSITION, USD_PER_WRITE = 25e-6, 0.625e-6
FIXED_TRANSITIONS = 1 + 1 + 1
"""Outside this model: the start, Store Track and Finish Job."""


@dataclass(frozen=True, slots=True)
class Load:
    """``arrive_seconds``: the songs arrive evenly within this time. ``loss`` of callbacks is a share. Functions start up to
    ``start_seconds`` late. The songs belong to ``tenants`` in turn."""

    songs: int
    arrive_seconds: float = 0.0
    loss: float = 0.0
    start_seconds: float = 10.0
    tenants: int = 1


@dataclass(slots=True)
class Figures:
    """``late`` jobs missed their deadline for want of a slot; ``told_early`` is how long before it they ended, in seconds.
    ``delays`` are from the end of a task at the gateway to its job."""

    refusals: int = 0
    late: int = 0
    told_early: float = math.inf
    unfinished: int = 0
    delays: list[float] = field(default_factory=list)
    reads: int = 0
    submissions: int = 0
    writes: int = 0
    hottest: int = 0
    transitions: int = 0
    seconds: float = 0.0

    def row(self, load: Load, name: str) -> list[str]:
        known = sorted(self.delays) or [0.0]
        dollars = 1000 / load.songs * (self.transitions * USD_PER_TRANSITION + self.writes * USD_PER_WRITE)
        arrival = "at once" if not load.arrive_seconds else f"in {load.arrive_seconds / 60:.0f} min"
        figures = [f"{load.songs:,}", arrival, f"{load.loss:.0%}", name, f"{self.refusals:,}", f"{self.late:,}"]
        figures += [f"{known[len(known) // 2]:.0f} s", f"{known[int(len(known) * 0.99)]:.0f} s"]
        figures += [
            f"{self.reads / max(1, self.submissions):.2f}",
            f"{self.hottest}",
            f"{1000 * self.transitions / load.songs:,.0f}",
        ]
        return [*figures, f"{dollars:.2f}", f"{self.seconds / 60:.1f} min", f"{physical(load) / 60:.1f} min"]


HEADER = [
    *("songs", "arrive", "callbacks lost", "", "429", "late", "delay p50", "p99", "reads per job", "writes/s, hottest item"),
    *("transitions per 1000", "USD per 1000", "took", "physical limit"),
]


def physical(load: Load) -> float:
    """A song needs two requests, and its task takes its time."""
    return max(2 * load.songs * RATE.seconds / RATE.requests, load.arrive_seconds) + TASK_SECONDS[1]


class Loop:
    """Events in virtual time. ``ahead`` is how far a function that runs now has slept."""

    def __init__(self) -> None:
        self.now = START
        self.ahead = 0.0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def __call__(self) -> float:
        return self.now + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += seconds

    def at(self, moment: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (moment, next(self._numbers), act))

    def run(self) -> None:
        while self._queue:
            moment, _, act = heapq.heappop(self._queue)
            self.now, self.ahead = max(self.now, moment), 0.0
            act()


class SortedTable(Table):
    """Keeps the keys of each partition in order, since the queue of an account is long."""

    def __init__(self, keys: Index, indexes: Mapping[str, Index]) -> None:
        Table.__init__(self, keys, indexes)
        self.order: dict[str, list[Any]] = {}

    def put(self, item: Item) -> None:
        first, second = self.key(item)
        if second not in self.items.get(first, {}):
            bisect.insort(self.order.setdefault(first, []), second)
        Table.put(self, item)

    def delete(self, key: tuple[str, Any]) -> None:
        if key[1] in self.items.get(key[0], {}):
            keys = self.order[key[0]]
            del keys[bisect.bisect_left(keys, key[1])]
        Table.delete(self, key)


class FleetTable(DynamoDb):
    """Counts writes, by item and second. Queries of a prefix read only what they return."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__({})
        plain = Table.of(JOBS_TABLE)
        self.jobs = SortedTable(plain.keys, plain.indexes)
        self.tables[TABLE] = self.jobs
        self.writes = 0
        self.by_second: Counter[tuple[str, str, int]] = Counter()
        self._clock = clock

    def update_item(self, *, TableName: str, Key: Item, ReturnValues: str = "NONE", **arguments: Any) -> dict[str, Any]:  # noqa: N803
        self.writes += 1
        self.by_second[Key["pk"]["S"], Key["sk"]["S"], int(self._clock())] += 1
        return super().update_item(TableName=TableName, Key=Key, ReturnValues=ReturnValues, **arguments)

    def delete_item(self, *, TableName: str, Key: Item) -> dict[str, Any]:  # noqa: N803
        self.writes += 1
        return super().delete_item(TableName=TableName, Key=Key)

    def query(self, *, TableName: str, KeyConditionExpression: str, **arguments: Any) -> dict[str, Any]:  # noqa: N803
        values = arguments["ExpressionAttributeValues"]
        if ":prefix" not in values:
            return super().query(TableName=TableName, KeyConditionExpression=KeyConditionExpression, **arguments)
        partition, prefix = values[":pk"]["S"], values[":prefix"]["S"]
        start = arguments.get("ExclusiveStartKey", {}).get("sk", {"S": prefix})["S"]
        keys = self.jobs.order.get(partition, [])
        first = bisect.bisect_left(keys, start) if start == prefix else bisect.bisect_right(keys, start)
        most = arguments.get("Limit", len(keys))
        found = list(itertools.takewhile(lambda key: key.startswith(prefix), keys[first : first + most]))
        items = [dict(self.jobs.items[partition][key]) for key in found]
        more = {"LastEvaluatedKey": {"sk": {"S": found[-1]}}} if len(found) == most and found else {}
        return {"Items": items, "Count": len(items), **more}


class Gateway:
    """Counts requests, and refuses those above the rate as the gateway would."""

    def __init__(self, clock: Callable[[], float], random: Random) -> None:
        self.clock = clock
        self.random = random
        self.done_at: dict[str, float] = {}
        self.times: list[float] = []
        self.reads = 0
        self.on_task: Callable[[str, float], None] = lambda _url, _moment: None

    def exceeded(self) -> int:
        """Requests at which more than the permitted number had left within the window, whatever the order of this model."""
        times = sorted(self.times)
        return sum(1 for first, last in zip(times, times[RATE.requests :], strict=False) if last - first < RATE.seconds - 1e-6)

    def answer(self, request: httpx.Request) -> httpx.Response:
        now = self.clock()
        self.times.append(now)
        if request.method == "POST":
            task_id = f"T{len(self.done_at)}"
            self.done_at[task_id] = now + self.random.uniform(*TASK_SECONDS)
            self.on_task(json.loads(request.content)["callback_url"], self.done_at[task_id])
            return httpx.Response(200, json={"code": 200, "message": "success", "data": {"task_id": task_id}})
        self.reads += 1
        task_id = request.url.params["task_id"]
        done = self.done_at[task_id] <= now
        result = {"media_urls": [f"https://cdn.example.com/{task_id}.mp3"]} if done else None
        data = {"task_id": task_id, "status": "success" if done else "running", "result": result}
        return httpx.Response(200, json={"code": 200, "message": "success", "data": data})


class Executions:
    """All executions run, and a wake-up reaches the one that waits."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        self._wake = wake

    def wake(self, task_token: str) -> bool:
        self._wake(task_token)
        return True

    def state(self, _job_id: str, _number: int) -> ExecutionState:
        return ExecutionState.RUNNING


class Fleet:
    def __init__(self, load: Load, seed: int = 1) -> None:
        self.load = load
        self.random = Random(seed)
        self.loop = Loop()
        self.table = FleetTable(self.loop)
        self.gateway = Gateway(self.loop, self.random)
        self.gateway.on_task = self._call_back
        self.figures = Figures()
        self.waiting: dict[str, int] = {}
        self.waits: Counter[str] = Counter()
        self.ended: set[str] = set()
        self._deploy()

    def _deploy(self) -> None:
        client: Any = self.table
        none: Any = None
        fixed: Any = FixedSecret(ACCOUNTS)
        secret = Secret(lambda: fixed, "accounts", self.loop)
        executions: Any = Executions(self._wake)
        schedule = PollingSchedule(first_check=150, interval=20, longest=60)
        self.jobs = JobStore(client, TABLE)
        receipts = ReceiptStore(client, TABLE, none, "receipts", ttl_days=30)
        calls = GatewayCalls(
            http_client(httpx.MockTransport(self.gateway.answer)),
            secret,
            RateLimiter(client, TABLE),
            Concurrency(AccountItems(client, TABLE)),
            Health(client, TABLE, self.loop),
            self.loop,
            self.loop.sleep,
        )
        self.creator = TaskCreator(
            jobs=self.jobs,
            receipts=receipts,
            calls=calls,
            admission=make_admission(calls, 5, 60),
            callback_url=lambda _gateway, job_id: f"https://us.example/{job_id}",
            schedule=schedule,
            grace_seconds=900,
            clock=self.loop,
            random_bytes=self.random.randbytes,
            repeats=Repeats(SentRequests(client, TABLE)),
        )
        self.checker = make_task_checker(
            jobs=self.jobs, receipts=receipts, calls=calls, schedule=schedule, grace_seconds=900, clock=self.loop
        )
        self.reconciler = JobReconciler(
            jobs=self.jobs,
            executions=executions,
            eraser=JobEraser(deletions=self.jobs.deletions, s3=none, assets_bucket="", receipts_bucket=""),
            find_running=BatchReader(calls).find_running,
            slack_seconds=schedule.slack,
            clock=self.loop,
            sleep=self.loop.sleep,
        )

    def run(self) -> Figures:
        for number in range(self.load.songs):
            moment = START + self.load.arrive_seconds * number / self.load.songs
            self.loop.at(moment, partial(self._arrive, number))
        self.loop.at(START + SWEEP_SECONDS, self._sweep)
        self.loop.run()
        figures = self.figures
        figures.refusals, figures.reads = self.gateway.exceeded(), self.gateway.reads
        figures.submissions = len(self.gateway.done_at)
        figures.unfinished = self.load.songs - len(self.ended)
        figures.writes = self.table.writes
        figures.hottest = max(self.table.by_second.values())
        figures.transitions += FIXED_TRANSITIONS * self.load.songs
        return figures

    def _arrive(self, number: int) -> None:
        now = int(self.loop())
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
        self.loop.at(self.loop() + self.random.uniform(0, self.load.start_seconds), lambda: function(job_id))

    def _create(self, job_id: str) -> None:
        self.figures.transitions += 1
        self._await(self.creator.create_task(job_id))

    def _await(self, step: NextStep) -> None:
        """The state Await Signal."""
        self.figures.transitions += 1
        self.table.writes += 1
        job_id = step.job_id
        item = self.table.jobs.items[f"JOB#{job_id}"]["JOB"]
        self.waits[job_id] += 1
        number = self.waiting[job_id] = self.waits[job_id]
        if "signalled" in item:
            self._wake(job_id)
            return
        self.table.jobs.put({**item, "task_token": {"S": job_id}})
        self.loop.at(self.loop() + step.wait_seconds, lambda: self._wake(job_id, number))

    def _wake(self, job_id: str, number: int | None = None) -> None:
        """Ends the wait with that number, or the current one."""
        if job_id in self.waiting and number in (None, self.waiting[job_id]):
            del self.waiting[job_id]
            self._start(job_id, self._check)

    def _check(self, job_id: str) -> None:
        self.figures.transitions += 1
        step = self.checker.check_task(job_id)
        if step.next == "submit":
            self._start(job_id, self._create)
        elif step.next == "wait":
            self._await(step)
        else:
            self._end(job_id)

    def _end(self, job_id: str) -> None:
        job = self.jobs.get(job_id)
        if job is None:
            raise LookupError(job_id)
        now = int(self.loop())
        if job.task_id:
            self.figures.delays.append(self.loop() - self.gateway.done_at[job.task_id])
        else:
            self.figures.late += 1
            self.figures.told_early = min(self.figures.told_early, job.deadline_at - now)
        end = JobState.SUCCEEDED if job.state is JobState.STORING else JobState.TIMED_OUT
        ended = self.jobs.finish(job, end, job.fault if end is JobState.TIMED_OUT else None, now=now)
        self.jobs.mark_announced(ended, recoverable_until=None, due_at=None, now=now)
        self.ended.add(job_id)
        self.figures.seconds = max(self.figures.seconds, self.loop() - START)

    def _call_back(self, url: str, moment: float) -> None:
        if self.random.random() >= self.load.loss:
            self.loop.at(moment, lambda: self._signal(url.rpartition("/")[2]))

    def _signal(self, job_id: str) -> None:
        self.table.writes += 1
        signalled = self.jobs.signals.signal(job_id, Cause.CALLBACK)
        if signalled and signalled.task_token:
            self._wake(signalled.task_token)

    def _sweep(self) -> None:
        self.reconciler.reconcile_jobs(lambda: True)
        if len(self.ended) < self.load.songs:
            self.loop.at(self.loop.now + SWEEP_SECONDS, self._sweep)


class PlainLoop:
    """Submits each song when it arrives and reads its task every 20 s. A refused request is sent again 20 s later."""

    def __init__(self, load: Load, seed: int = 1) -> None:
        self.load = load
        self.random = Random(seed)
        self.loop = Loop()
        self.figures = Figures()
        self.recent: deque[float] = deque()

    def run(self) -> Figures:
        for number in range(self.load.songs):
            born = START + self.load.arrive_seconds * number / self.load.songs
            self._after(0.0, born, None, at=born)
        self.loop.run()
        self.figures.transitions += FIXED_TRANSITIONS * self.load.songs
        return self.figures

    def _after(self, seconds: float, born: float, done_at: float | None, at: float | None = None) -> None:
        moment = (self.loop.now if at is None else at) + seconds + self.random.uniform(0, self.load.start_seconds)
        self.loop.at(moment, lambda: self._step(born, done_at))

    def _step(self, born: float, done_at: float | None) -> None:
        figures, now = self.figures, self.loop.now
        figures.transitions += 3
        if now - born > DEADLINE_SECONDS:
            figures.late += done_at is None
            return
        if self._refused():
            figures.refusals += 1
        elif done_at is None:
            figures.submissions += 1
            done_at = now + self.random.uniform(*TASK_SECONDS)
        else:
            figures.reads += 1
            if done_at <= now:
                figures.delays.append(now - done_at)
                figures.seconds = max(figures.seconds, now - START)
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


LOSSES = (0.0, 0.02, 0.2, 1.0)


def loads(songs: int) -> list[Load]:
    """At once, and as fast as the rate permits."""
    steady = 2.2 * songs * RATE.seconds / (RATE.requests - 1)
    return [Load(songs, arrive, loss) for arrive in (0.0, steady) for loss in LOSSES]


def violations(load: Load, figures: Figures) -> list[str]:
    """The targets that were missed."""
    missed = [] if not figures.refusals else [f"{figures.refusals} requests above the rate"]
    missed += [f"{figures.unfinished} jobs did not end"] if figures.unfinished else []
    if physical(load) < DEADLINE_SECONDS and load.loss <= 0.02:
        missed += [f"{figures.late} jobs came too late"] if figures.late else []
    if load.loss == 0.02 and figures.reads > 1.1 * figures.submissions:
        missed.append(f"{figures.reads / figures.submissions:.2f} reads per job")
    return [f"{load}: {each}" for each in missed]


def table(rows: Sequence[Sequence[str]]) -> str:
    lines = [HEADER, ["---"] * len(HEADER), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    parser.add_argument("--songs", type=int, nargs="+", default=[1000], help="how many (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="a file for the table")
    arguments = parser.parse_args()
    rows, missed = [], []
    began = time.perf_counter()
    for load in itertools.chain.from_iterable(map(loads, arguments.songs)):
        figures = Fleet(load).run()
        missed += violations(load, figures)
        rows += [figures.row(load, "suno-jobs"), PlainLoop(load).run().row(load, "plain loop")]
        print(" ".join(rows[-2]), f"({time.perf_counter() - began:.0f} s)", flush=True)
    print(table(rows))
    if arguments.output:
        arguments.output.write_text(table(rows) + "\n")
    print(*missed, sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
