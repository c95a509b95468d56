"""Checks every write of a job's record, so that no change of state is missed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulation.clock import Loop
from tests.simulation.expressions import Item

ENDS = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED"})
FORWARD = ("", "ACCEPTED", "SUBMITTING", "SUBMIT_UNKNOWN", "GENERATING", "STORING")
LATE_RESULTS = frozenset({("TIMED_OUT", "SUCCEEDED"), ("TIMED_OUT", "FAILED"), ("FAILED", "SUCCEEDED")})


@dataclass(eq=False, slots=True)
class StateMonitor:
    """``ends`` has the terminal states of each job and when it reached them; ``broken`` has the illegal changes."""

    loop: Loop
    note: Callable[[str, str], None]
    ends: defaultdict[str, list[tuple[float, str]]] = field(default_factory=lambda: defaultdict(list))
    broken: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, old: Item, new: Item) -> None:
        if new["sk"] != {"S": "JOB"} or "deleted_at" in new:
            return
        job_id, before, after = new["job_id"]["S"], old.get("state", {}).get("S", ""), new["state"]["S"]
        if before == after:
            return
        self.note(job_id, f"state {before or 'none'} -> {after}")
        if after in ENDS:
            self.ends[job_id].append((self.loop.now, after))
        legal = (
            (before, after) in LATE_RESULTS if before in ENDS else after in ENDS or after in FORWARD[FORWARD.index(before) :]
        )
        if not legal:
            self.broken.append((job_id, f"I2: changed from {before} to {after}"))
