"""Simulating the loads side by side, and keeping their figures in a file."""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from pathlib import Path
from unittest.mock import patch

from bench.fleet.figures import LOOP_NAME, NAME, Figures, Load, Run, loads, row
from bench.fleet.plain_loop import PlainLoop
from bench.fleet.system import Fleet
from suno_jobs.runtime import telemetry


def simulate(run: Run) -> tuple[Run, Figures, float]:
    """With the seconds of one core that it took."""
    # The tables are large and free of cycles.
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
    began = time.process_time()
    world = PlainLoop(run.load) if run.way == LOOP_NAME else Fleet(run.load)
    telemetry.log.setLevel("ERROR")
    with patch.multiple(telemetry, count=_ignore, seconds=_ignore):
        return run, world.run(), time.process_time() - began


def _ignore(*_: object, **_named: object) -> None:
    """In place of a metric, of which each song has some."""


def runs(sizes: Iterable[int]) -> Iterator[Run]:
    """The plain loop ignores callbacks, so their loss makes no difference to it."""
    for songs in sizes:
        for load in loads(songs):
            yield Run(NAME, load)
        for load in dict.fromkeys(replace(load, loss=0.0) for load in loads(songs)):
            yield Run(LOOP_NAME, load)


def measure(wanted: list[Run], keep: Path | None) -> dict[Run, Figures]:
    """What ``keep`` contains is not simulated again. The longest runs begin first."""
    known = load_figures(keep)
    left = sorted((run for run in wanted if run not in known), key=lambda run: -run.load.songs)
    with ProcessPoolExecutor(os.cpu_count(), max_tasks_per_child=1) as pool:
        for done in as_completed([pool.submit(simulate, run) for run in left]):
            run, known[run], seconds = done.result()
            print(" ".join(row(run, known[run])), f"({seconds:.0f} s)", flush=True)
            if keep:
                save_figures(keep, known)
    return {run: known[run] for run in wanted}


def load_figures(path: Path | None) -> dict[Run, Figures]:
    if path is None or not path.exists():
        return {}
    found = json.loads(path.read_text())
    return {Run(each["way"], Load(**each["load"])): Figures(**each["figures"]) for each in found}


def save_figures(path: Path, figures: dict[Run, Figures]) -> None:
    """Of the long lists, as much as the plots show."""
    path.write_text(json.dumps([{**asdict(run), "figures": asdict(each.thin())} for run, each in figures.items()]))
