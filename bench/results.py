"""The figures: as a table to read, and as JSON for later comparison."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table

HEADINGS: dict[str, JustifyMethod] = {"Value": "right", "Reference": "right", "Unit": "left", "Ratio": "right"}


@dataclass(frozen=True)
class Figure:
    """`reference` is the value of the floor or rival, in the same unit. A target limits the ratio, or the value itself."""

    name: str
    value: float
    unit: str
    reference: float
    max_ratio: float | None = None
    max_value: float | None = None
    min_ratio: float | None = None

    @property
    def ratio(self) -> float:
        return self.value / self.reference

    @property
    def promise(self) -> str | None:
        """The target and whether it was met; None without one."""
        if self.max_ratio is not None:
            return _verdict(f"{self.name}: ratio at most {self.max_ratio:g}", met=self.ratio <= self.max_ratio)
        if self.min_ratio is not None:
            return _verdict(f"{self.name}: ratio at least {self.min_ratio:g}", met=self.ratio >= self.min_ratio)
        if self.max_value is not None:
            return _verdict(f"{self.name}: value at most {self.max_value:g}", met=self.value <= self.max_value)
        return None

    def row(self) -> tuple[str, ...]:
        return (self.name, f"{self.value:.4g}", f"{self.reference:.4g}", self.unit, f"{self.ratio:.2f}")


def _verdict(target: str, *, met: bool) -> str:
    return f"[green]met[/]     {target}" if met else f"[red]missed[/]  {target}"


def show(figures: Sequence[Figure], console: Console) -> None:
    table = Table("Figure / reference", box=SIMPLE_HEAD, pad_edge=False)
    for heading, justify in HEADINGS.items():
        table.add_column(heading, justify=justify)
    for figure in figures:
        table.add_row(*figure.row())
    console.print(table)
    for figure in figures:
        if figure.promise:
            console.print(figure.promise, highlight=False)


def warn_if_busy(console: Console) -> None:
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores:
        console.print(f"The machine is busy (load {load:.1f} on {cores} cores): its times are unreliable.", style="yellow")


def write(figures: Iterable[Figure], file: Path) -> None:
    rows = [
        {
            "name": figure.name,
            "value": round(figure.value, 1),
            "unit": figure.unit,
            "reference": round(figure.reference, 1),
            "ratio": round(figure.ratio, 3),
        }
        for figure in figures
    ]
    file.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
