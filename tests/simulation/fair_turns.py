"""I12: every job gets its turn, as far as a world shows it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tests.simulation.job_evidence import JobEvidence
from tests.simulation.troubles import Troubles
from tests.simulation.world import START

LONGEST_PAUSE_SECONDS = 300
"""Between two tries of a job that is refused for now: the longest backoff with its jitter, the end of an open circuit breaker
and its probe, and two minutes in the queue."""


def fair_turns(job: JobEvidence) -> Iterator[str]:
    """In a world without faults and troubles of the environment, a job that was never accepted was tried until its deadline."""
    plan = job.world.plan
    if job.state != "TIMED_OUT" or job.item["attempts"] or plan.faults_until or plan.troubles != Troubles():
        return
    tries = [moment for moment, subject, text in job.world.timeline if subject == job.job_id and " POST answers " in text]
    moments = [float(job.item["created_at"]), *tries, float(job.item["deadline_at"])]
    if (pause := max(after - before for before, after in pairwise(moments))) > LONGEST_PAUSE_SECONDS:
        yield f"I12: {len(tries)} tries, and {pause:.0f} s without one (from {moments[0] - START:.0f} s on)"
