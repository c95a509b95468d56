"""What a fleet is given, what is measured of it, and the targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from suno_jobs.gateways.protocol import Rate
from suno_jobs.gateways.registry import GATEWAYS

START = 1_800_000_000.0
FOREVER = START + 1e9
GATEWAY = "crun"
RATE: Rate = GATEWAYS[GATEWAY].rate
TASK_SECONDS = (60.0, 140.0)
DEADLINE_SECONDS = 1800
LOSSES = (0.0, 0.02, 0.2, 1.0)
NAME, LOOP_NAME = "suno-jobs", "plain loop"
USD_PER_TRANSITION, USD_PER_WRITE = 25e-6, 0.625e-6


@dataclass(frozen=True, slots=True)
class Load:
    """``arrive_seconds``: the songs arrive evenly within this time. ``loss`` of callbacks is a share. Functions start up to
    ``start_seconds`` late. The songs belong to ``tenants`` in turn."""

    songs: int
    arrive_seconds: float = 0.0
    loss: float = 0.0
    start_seconds: float = 10.0
    tenants: int = 1

    @property
    def arrival(self) -> str:
        if not self.arrive_seconds:
            return "at once"
        return f"in {_duration(self.arrive_seconds)}"

    @property
    def possible(self) -> bool:
        """Whether the rate permits all songs before their deadlines."""
        return physical_seconds(self) - self.arrive_seconds + TASK_SECONDS[1] < DEADLINE_SECONDS


@dataclass(frozen=True, slots=True)
class Run:
    """One way to generate the songs of a load."""

    way: str
    load: Load


@dataclass(slots=True)
class Figures:
    """``late`` jobs missed their deadline for want of a slot; ``told`` is how long before it each ended, in seconds.

    ``used`` are the requests per second in the middle of the run. ``recovered`` songs were known only after the deadlines of
    their jobs, and ``lost`` ones never. ``out_of_order`` jobs were passed by others behind them. ``delays`` are from the end of
    a task at the gateway to its job, ``known`` the seconds since the start at which jobs had their songs. ``hottest`` are the
    most writes to one item within a second, ``partition`` those to one partition. ``failed_creations`` are the runs of Create
    Task that failed.
    """

    refusals: int = 0
    late: int = 0
    told: list[float] = field(default_factory=list)
    used: float = 0.0
    recovered: int = 0
    lost: int = 0
    out_of_order: int = 0
    unfinished: int = 0
    delays: list[float] = field(default_factory=list)
    known: list[float] = field(default_factory=list)
    in_flight: int = 0
    reads: int = 0
    submissions: int = 0
    writes: int = 0
    hottest: int = 0
    partition: int = 0
    transitions: int = 0
    failed_creations: int = 0

    def delay(self, share: float) -> float:
        return _quantile(self.delays, share)

    @property
    def seconds(self) -> float:
        return max(self.known, default=0.0)

    def thin(self) -> Figures:
        """With as many delays and times as a plot can show."""
        return replace(self, delays=_thin(self.delays), known=_thin(self.known), told=_thin(self.told))


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def _thin(values: Sequence[float]) -> list[float]:
    """At most 1001 of them, at equal distances, with the first and the last one."""
    ordered = sorted(values)
    steps = min(1000, len(ordered) - 1)
    return [round(ordered[number * (len(ordered) - 1) // steps], 1) for number in range(steps + 1)] if steps > 0 else ordered


def dollars(load: Load, figures: Figures) -> float:
    """Per 1,000 jobs, for the state machine and writes in us-east-1."""
    return 1000 / load.songs * (figures.transitions * USD_PER_TRANSITION + figures.writes * USD_PER_WRITE)


def physical_seconds(load: Load) -> float:
    """A song needs two requests, and its task takes its time."""
    first = load.songs * RATE.seconds / RATE.requests
    return max(2 * first, first + TASK_SECONDS[0], load.arrive_seconds + TASK_SECONDS[0])


def loads(songs: int) -> list[Load]:
    """At once, and as fast as the rate permits. Of more than 10,000 songs, only some losses are simulated, to save time."""
    steady = 2.2 * songs * RATE.seconds / (RATE.requests - 1)
    at_once, steadily = (LOSSES, LOSSES) if songs <= 10_000 else (LOSSES[1:2], LOSSES[1::2])
    return [Load(songs, loss=loss) for loss in at_once] + [Load(songs, steady, loss) for loss in steadily]


def violations(load: Load, figures: Figures) -> list[str]:
    """The targets that were missed."""
    missed = [] if not figures.refusals else [f"{figures.refusals} requests above the rate"]
    missed += [f"{figures.unfinished} jobs did not end"] if figures.unfinished else []
    missed += [f"{figures.lost} songs were paid for and lost"] if figures.lost else []
    missed += [f"{figures.out_of_order} jobs were passed by others behind them"] if figures.out_of_order else []
    if load.possible:
        missed += [f"{figures.late} jobs came too late"] if figures.late else []
    if not load.arrive_seconds and load.songs >= 10_000 and figures.used < RATE.requests - 1:
        missed.append(f"only {figures.used:.1f} requests a second were used")
    if load.loss == 0.02 and figures.reads > 1.1 * figures.submissions:
        missed.append(f"{figures.reads / figures.submissions:.2f} reads per job")
    return [f"{load}: {each}" for each in missed]


HEADER = [
    *("songs", "arrive", "callbacks lost", "", "429", "requests/s", "late", "told before the deadline", "recovered", "lost"),
    *("in flight", "delay p50", "p99", "reads per job", "writes/s, hottest item", "partition", "transitions per 1000"),
    *("USD per 1000", "took", "physical limit"),
]


def row(run: Run, figures: Figures) -> list[str]:
    load = run.load
    return [
        *(f"{load.songs:,}", load.arrival, "any" if run.way == LOOP_NAME else f"{load.loss:.0%}", run.way),
        *(
            f"{figures.refusals:,}",
            f"{figures.used:.1f}" if figures.used else "-",
            f"{figures.late:,}",
            _told(figures),
            f"{figures.recovered:,}",
            f"{figures.lost:,}",
            f"{figures.in_flight:,}",
        ),
        *(f"{figures.delay(0.5):.0f} s", f"{figures.delay(0.99):.0f} s"),
        f"{figures.reads / max(1, figures.submissions):.2f}",
        *((f"{figures.hottest:,}", f"{figures.partition:,}") if figures.writes else ("-", "-")),
        *(f"{1000 * figures.transitions / load.songs:,.0f}", f"{dollars(load, figures):.2f}"),
        *(_duration(figures.seconds), _duration(physical_seconds(load))),
    ]


def _told(figures: Figures) -> str:
    return _duration(_quantile(figures.told, 0.5)) if figures.told else "-"


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def table(rows: Sequence[Sequence[str]]) -> str:
    lines = [HEADER, ["---"] * len(HEADER), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
