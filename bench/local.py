"""`make bench-local`: what the local stack stands, beside its targets and, if one is given, beside another checkout.

`python -m bench.local --against FOLDER` runs the same on that checkout, with its own .venv, afterwards and on the same machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench import burst, processes, results
from bench.burst import Burst, Running
from bench.processes import Usage
from bench.shipped import ROOT

FEW, MANY = 40, 200
PATIENCE_SECONDS = 420
# Surplus environments are ended after a minute, by something that looks every half.
IDLE_AFTER_SECONDS = 100


@dataclass
class Measured:
    """One checkout's figures."""

    running: Running
    few: Burst
    many: Burst
    idle: Usage


@dataclass(frozen=True)
class Row:
    """A figure and the bound that it shall keep; without one it is only told."""

    name: str
    value: Callable[[Measured], float]
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    def met(self, value: float) -> bool:
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)

    @property
    def target(self) -> str:
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return f"≥ {self.at_least:g}" if self.at_least is not None else ""


ROWS = (
    Row("start", lambda found: found.running.start_seconds, "s", at_most=5),
    Row(f"{FEW} jobs at once: answers 5xx", lambda found: found.few.server_errors, at_most=0),
    Row(f"{FEW} jobs at once: slowest POST", lambda found: found.few.slowest_post, "s", at_most=2),
    Row(f"{FEW} jobs at once: not SUCCEEDED", lambda found: found.few.lost, at_most=0),
    Row(f"{FEW} jobs at once: last end", lambda found: found.few.last_end, "s", at_most=30),
    Row(f"{FEW} jobs at once: CPU per job", lambda found: found.few.cpu_per_job, "s"),
    Row("idle: memory (summed RSS)", lambda found: found.idle.rss, "MB", at_most=700),
    Row("idle: memory (PSS)", lambda found: found.idle.pss, "MB"),
    Row("idle: processes", lambda found: found.idle.processes),
    Row(f"{MANY} jobs at once: answers 5xx", lambda found: found.many.server_errors, at_most=0),
    Row(f"{MANY} jobs at once: not SUCCEEDED", lambda found: found.many.lost, at_most=0),
    Row(f"{MANY} jobs at once: rate", lambda found: found.many.rate, "jobs/s", at_least=3),
    Row(f"{MANY} jobs at once: CPU per job", lambda found: found.many.cpu_per_job, "s"),
    Row("stop", lambda found: found.running.stop_seconds, "s", at_most=3),
    Row("processes left behind", lambda found: found.running.left_behind, at_most=0),
)


def measure(checkout: Path) -> Measured:
    with burst.stack_of(checkout) as running:
        burst.run(running, 1, PATIENCE_SECONDS)
        few = burst.run(running, FEW, PATIENCE_SECONDS)
        time.sleep(IDLE_AFTER_SECONDS)
        idle = processes.usage(running.pid)
        many = burst.run(running, MANY, PATIENCE_SECONDS)
    return Measured(running, few, many, idle)


def show(found: Measured, other: Measured | None, console: Console) -> bool:
    """Prints the table; true when every target is met."""
    table = Table("Local stack", "Target", "This", *(["Other"] if other else []), "Unit", "", box=SIMPLE_HEAD, pad_edge=False)
    for row in ROWS:
        verdict = "" if not row.target else "[green]met[/]" if row.met(row.value(found)) else "[red]missed[/]"
        values = [f"{row.value(each):.3g}" for each in (found, other) if each]
        table.add_row(row.name, row.target, *values, row.unit, verdict)
    console.print(table)
    return all(row.met(row.value(found)) for row in ROWS)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.local", description="What the local stack stands.")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout, with its .venv, to compare with")
    against: Path | None = parser.parse_args(arguments).against
    console = Console()
    results.warn_if_busy(console)
    with console.status("Measuring the local stack ..."):
        found = measure(ROOT)
    other = None
    if against:
        # Second, since it may take so much memory that files have to be read from the disk again afterwards.
        with console.status(f"Measuring {against} ..."):
            other = measure(against.resolve())
    return 0 if show(found, other, console) else 1


if __name__ == "__main__":
    raise SystemExit(main())
