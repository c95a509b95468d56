"""An operator releases what the checks refused: the normal course of the job does the rest, whatever its state was."""

from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.catalog.kinds import Kind
from suno_jobs.cli.quarantine import QuarantineReleaser
from suno_jobs.storage.jobs import JobStore
from tests.simulation.aws_table import DynamoDb, Paginator
from tests.simulation.faults import Order, Plan
from tests.simulation.invariants import violations
from tests.simulation.test_crashes import ALWAYS
from tests.simulation.world import World

DAYS = 20.0


class Client:
    """boto3's client, outside any function."""

    def __init__(self, dynamodb: DynamoDb) -> None:
        self._dynamodb = dynamodb

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dynamodb, name)

    def get_paginator(self, operation: str) -> Paginator:
        return Paginator(getattr(self._dynamodb, operation))


@pytest.mark.parametrize(
    ("days", "cancel", "ends"),
    [
        (0.0, False, ["TIMED_OUT", "SUCCEEDED"]),
        (DAYS, False, ["TIMED_OUT", "SUCCEEDED"]),
        (0.0, True, ["CANCELLED"]),
    ],
    ids=["in recovery", "after recovery", "cancelled"],
)
def test_i11_a_released_song_completes_its_job(days: float, cancel: bool, ends: list[str]) -> None:
    faults = {"damaged_audio": ALWAYS}
    actions = ((300.0, "cancel"),) if cancel else ()
    order = Order(0.0, "order-0-0-", ("crun",), Kind.MUSIC, faults, actions=actions)
    world = World(Plan(0, (order,), days=days))
    with world.open():
        world.run()
        [job_id] = world.jobs()
        jobs: Any = JobStore(Client(world.dynamodb), "JobsTable")  # type: ignore[arg-type]
        releaser = QuarantineReleaser(jobs=jobs, s3=world.s3, bucket="AssetsBucket", clock=lambda: world.loop.now)  # type: ignore[arg-type]
        refused = jobs.view(job_id).quarantine
        assert [file.kind for file in refused] == ["audio", "audio"]
        for file in refused:
            releaser.release_file(job_id, file.sha256, None)
        world.loop.run(world.loop.now + 100_000)
        view = jobs.view(job_id)
        assert [asset.released for track in view.tracks for asset in track.assets if asset.kind == "audio"] == [True, True]
        assert (view.partial, "due_at" in world.jobs()[job_id]) == (False, False)
        taken = [event["Detail"]["state"] for event in world.events.taken if event["DetailType"] != "job.progress"]
        assert taken == ends
        assert not violations(world)
