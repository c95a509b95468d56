"""The figures of a fleet as pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.fleet.figures import DEADLINE_SECONDS, LOOP_NAME, LOSSES, NAME, RATE, Figures, Load, Run, dollars

Found = Mapping[Run, Figures]

PROGRESS, FIGURES = "fleet-progress.png", "fleet-figures.png"
SHOWN_LOSS = 0.02

PANELS: Mapping[str, Callable[[Load, Figures], float]] = {
    "seconds from the end of a task to its job, p99": lambda _load, figures: figures.delay(0.99),
    "requests that the gateway refused (429)": lambda _load, figures: figures.refusals,
    "songs without a slot or lost, in percent": lambda load, figures: 100 * (figures.late + figures.lost) / load.songs,
    "USD per 1,000 jobs": dollars,
}


def draw(found: Found, folder: Path) -> None:
    _draw_progress(found, folder / PROGRESS)
    _draw_figures(found, folder / FIGURES)


def _draw_progress(found: Found, path: Path) -> None:
    """How many songs are known over time, if all arrive at once."""
    sizes = sorted({run.load.songs for run in found})
    picture = _picture(5 * len(sizes), 4)
    for songs, axis in zip(sizes, picture.subplots(1, len(sizes), squeeze=False)[0], strict=True):
        shown = {run: each for run, each in found.items() if run.load.songs == songs and not run.load.arrive_seconds}
        end = DEADLINE_SECONDS
        for run, figures in shown.items():
            if run.way == LOOP_NAME or run.load.loss == SHOWN_LOSS:
                moments, delivered = sorted(figures.known), figures.submissions - figures.lost
                counts = [delivered * number / len(moments) for number in range(1, len(moments) + 1)]
                axis.plot([moment / 60 for moment in moments], counts, label=run.way)
                end = max(end, int(figures.seconds))
        limit = [min(songs, seconds * RATE.requests / RATE.seconds / 2) for seconds in range(end)]
        axis.plot(
            [seconds / 60 for seconds in range(end)], limit, "--", color="grey", label="two requests a song, at the full rate"
        )
        axis.axvline(DEADLINE_SECONDS / 60, color="black", linewidth=0.8, linestyle=":", label="deadline")
        axis.set(title=f"{songs:,} songs at once", xlabel="minutes", ylabel="songs known")
        axis.legend(fontsize="small")
    picture.savefig(path, dpi=80)


def _draw_figures(found: Found, path: Path) -> None:
    """One group of bars for each number of songs and way to arrive."""
    groups = list(dict.fromkeys((run.load.songs, run.load.arrival) for run in sorted(found, key=lambda run: run.load.songs)))
    bars = [(NAME, loss) for loss in LOSSES] + [(LOOP_NAME, 0.0)]
    picture = _picture(12, 8)
    for (title, value), axis in zip(PANELS.items(), picture.subplots(2, 2).flat, strict=True):
        for number, (way, loss) in enumerate(bars):
            of_bar = {
                (run.load.songs, run.load.arrival): value(run.load, each)
                for run, each in found.items()
                if (run.way, run.load.loss) == (way, loss)
            }
            label = way if way == LOOP_NAME else f"{way}, {loss:.0%} of the callbacks lost"
            axis.bar(
                [position + 0.16 * (number - 2) for position in range(len(groups))],
                [of_bar.get(group, 0) for group in groups],
                width=0.16,
                label=label,
            )
        axis.set_xticks(range(len(groups)), [f"{songs:,}\n{arrival}" for songs, arrival in groups], fontsize="small")
        axis.set_title(title)
        if "429" in title:
            axis.set_yscale("symlog")
        axis.set_ylim(bottom=0)
    picture.legend(*picture.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    picture.savefig(path, dpi=80)


def _picture(width: float, height: float) -> Any:
    picture = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(picture)
    return picture
