"""What a process and all its descendants take: memory, processor time, and how many they are. Linux only, as it reads /proc."""

from __future__ import annotations

import contextlib
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
_SMAPS = re.compile(r"^(Rss|Pss):\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True)
class Usage:
    """Megabytes: `pss` counts a page that n processes share as the n-th part of it in each, `rss` as a whole in each."""

    processes: int
    rss: float
    pss: float


def family(root: int) -> set[int]:
    """The process and its descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    for stat in PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            children[int(_fields(stat)[1])].append(int(stat.parent.name))
    found, todo = set(), [root]
    while todo:
        found.add(pid := todo.pop())
        todo += children[pid]
    return found


def _fields(stat: Path) -> list[str]:
    """From the state on: a name may hold spaces and brackets."""
    return stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()


def usage(root: int) -> Usage:
    totals, counted = {"Rss": 0, "Pss": 0}, 0
    for pid in family(root):
        with contextlib.suppress(OSError):
            found = _SMAPS.findall((PROC / str(pid) / "smaps_rollup").read_text(encoding="utf-8"))
            counted += 1
            for name, kilobytes in found:
                totals[name] += int(kilobytes)
    return Usage(counted, totals["Rss"] / 1024, totals["Pss"] / 1024)


def cpu_seconds(root: int) -> float:
    """Of all that run, and of their children that have ended."""
    ticks = 0
    for pid in family(root):
        with contextlib.suppress(OSError):
            ticks += sum(int(field) for field in _fields(PROC / str(pid) / "stat")[11:15])
    return ticks / TICKS
