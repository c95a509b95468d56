"""What a person sees of the demo: a table that lives while jobs run, or plain lines where there is no terminal."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

Json = dict[str, Any]

STEPS = ("queued", "text", "first", "complete")
STYLES = {"SUCCEEDED": "bold green", "FAILED": "bold red", "TIMED_OUT": "bold red", "CANCELLED": "bold red"}


@dataclass
class Row:
    """One job on its way; `job` is the API's last answer."""

    gateway: str
    note: str
    started: float
    job: Json = field(default_factory=dict)
    ended: float | None = None

    @property
    def state(self) -> str:
        return str(self.job.get("state", "SENDING"))

    @property
    def done(self) -> bool:
        return self.state in STYLES

    def update(self, job: Json, now: float) -> None:
        self.job = job
        self.ended = now if self.done else None

    def seconds(self, now: float) -> float:
        return (self.ended if self.ended is not None else now) - self.started


@dataclass
class Saved:
    """One track of a finished job and where its audio lies; `size` in bytes."""

    row: Row
    title: str
    seconds: float
    size: int
    key: str
    path: Path


class Screen:
    """Draws rows; a terminal gets one living table, anything else a line per change."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self._live = Live(console=console, refresh_per_second=8, transient=True) if console.is_terminal else None
        self._seen: dict[str, tuple[str, str]] = {}

    def watching(self) -> AbstractContextManager[object]:
        return self._live or nullcontext()

    def show(self, rows: Sequence[Row]) -> None:
        if self._live:
            self._live.update(self._table(rows))
            return
        for row in rows:
            current = (row.state, progress_word(row.job))
            if self._seen.get(row.gateway) != current:
                self._seen[row.gateway] = current
                seconds = self._clock() - rows[0].started
                self._console.print(f"{seconds:6.1f} s  {row.gateway:<8} {row.state:<14} {current[1]}", highlight=False)

    def _table(self, rows: Sequence[Row]) -> RenderableType:
        table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
        for name in ("", "gateway", "state", "progress", "time", ""):
            table.add_column(name, justify="right" if name == "time" else "left")
        for row in rows:
            seconds = f"{row.seconds(self._clock()):.0f} s"
            state = Text(row.state, style=STYLES.get(row.state, "cyan"))
            table.add_row(mark(row), row.gateway, state, progress_bar(row.job), seconds, Text(row.note, style="dim"))
        return Group(Text(), table)

    def summary(self, rows: Sequence[Row], saved: Sequence[Saved], bucket: str) -> None:
        table = Table(header_style="dim")
        for name in ("gateway", "state", "time", "track", "length", "size"):
            table.add_column(name, justify="right" if name in {"time", "length", "size"} else "left")
        for row in rows:
            cells = [
                (track.title, f"{track.seconds:.1f} s", f"{track.size / 1000:.0f} kB") for track in saved if track.row is row
            ]
            state = Text(row.state, style=STYLES.get(row.state, "yellow"))
            for number, cell in enumerate(cells or [("", "", "")]):
                head = ("", "", "") if number else (row.gateway, state, f"{row.seconds(self._clock()):.0f} s")
                table.add_row(*head, *cell)
        self._console.print(table)
        for track in saved:
            self._console.print(f"{track.path}\n    s3://{bucket}/{track.key}", highlight=False, soft_wrap=True)


def mark(row: Row) -> RenderableType:
    if not row.done:
        return Spinner("dots", style="cyan")
    return Text("✓", style="green") if row.state == "SUCCEEDED" else Text("✗", style="red")


def progress_word(job: Json) -> str:
    return str(job.get("progress", ""))


def progress_bar(job: Json) -> Text:
    word = progress_word(job)
    filled = STEPS.index(word) + 1 if word in STEPS else 0
    return Text("●" * filled, style="green") + Text("○" * (len(STEPS) - filled), style="dim") + Text(f" {word}", style="dim")
