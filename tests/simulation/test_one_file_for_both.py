"""A CDN that serves the file of the first song for both songs of a task, until the second one is ready."""

from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.catalog.kinds import Kind
from suno_jobs.jobs.answers import JobAnswer
from suno_jobs.jobs.record import Job, JobView, Track
from suno_jobs.jobs.views import job_view
from suno_jobs.storage.attribute_values import unpack
from tests.simulation.faults import Order, Plan
from tests.simulation.invariants import violations
from tests.simulation.report import timeline
from tests.simulation.world import START, World

MINUTES_AFTER = 90.0


@pytest.mark.parametrize(
    ("gateway", "seconds", "ended_within", "others", "identical"),
    [
        ("ttapi", 60, 300, {}, False),
        ("crun", 60, 300, {"audio_404_first": 3}, False),
        ("acedata", 700, 600, {}, False),
        ("sunoapi", 20_000, 600, {}, False),
        ("acedata", 10**6, 600, {}, True),
        ("kie", 200, 500, {"audio_404_first": 10}, False),
        ("acedata", 1300, 1100, {"late_first_file": 900, "wrong_song": 10**6}, False),
        ("acedata", 20_000, 1300, {"late_first_file": 15_000, "wrong_song": 10**6}, False),
    ],
)
def test_the_second_song_is_not_lost(
    gateway: str, seconds: float, ended_within: float, others: dict[str, float], identical: bool
) -> None:
    order = Order(0.0, "order-0-0-", (gateway,), Kind.MUSIC, {"one_file_for_both": seconds, **others})
    world = World(Plan(0, (order,), days=5.0))
    with world.open():
        world.run()
    [(job_id, item)] = world.jobs().items()
    broken = violations(world)
    assert not broken, "\n".join([*map(str, broken), *timeline(world, job_id)])
    assert world.monitor.ends[job_id][0][0] < START + MINUTES_AFTER + ended_within
    shown = _shown(world, item)
    assert [track["state"] for track in shown["tracks"]] == ["stored", "stored"]
    assert (shown["tracks"][1]["identical_to"] is not None) is identical
    assert not shown["partial"]


def _shown(world: World, item: Any) -> JobAnswer:
    job = Job.from_item(unpack(item))
    partition = world.jobs_table.items[f"JOB#{job.job_id}"]
    tracks = [Track.from_item(unpack(each)) for sort, each in partition.items() if sort.startswith("JOB#TRACK#")]
    return job_view(JobView(job, tuple(sorted(tracks, key=lambda track: track.position))))
