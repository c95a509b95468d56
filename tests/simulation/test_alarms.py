"""Each outage makes the metric appear that its alarm watches, and a calm world makes none appear."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.simulation.crashes import CrashInjector
from tests.simulation.network import KEYS
from tests.simulation.test_crashes import ALWAYS, LOST, JobPath, run
from tests.simulation.world import World
from tests.unit.project.test_metrics import watched
from tests.unit.project.test_template import of_type

OUTAGES: Mapping[str, JobPath] = {
    "AmbiguousEndsAlarm": JobPath("TIMED_OUT", faults={"garbled_answer": ALWAYS, **LOST}, deadline=400),
    "UnsuccessfulJobsAlarm": JobPath("FAILED", faults={"failed_task": ALWAYS}),
    "AccountEmptyAlarm": JobPath("FAILED", "anyint", faults={"quota_exhausted": ALWAYS}),
    "BreakerOpenedAlarm": JobPath("TIMED_OUT", faults={"dropped_connection": ALWAYS}, at=(0.0,) * 6, deadline=400),
    "UnknownStatusWordAlarm": JobPath("SUCCEEDED", faults={"unknown_status": 2, **LOST}),
    "CallbacksMissingAlarm": JobPath("SUCCEEDED", faults=LOST),
    "QuarantineAlarm": JobPath("TIMED_OUT", faults={"damaged_audio": ALWAYS}, deadline=400),
}


def counted(world: World) -> dict[str, float]:
    """The sum of each metric in the output of all functions."""
    sums: dict[str, float] = {}
    for line in world.logs.getvalue().splitlines():
        found = json.loads(line) if line.startswith("{") else {}
        for each in found.get("_aws", {}).get("CloudWatchMetrics", ()):
            for metric in each["Metrics"]:
                sums[metric["Name"]] = sums.get(metric["Name"], 0) + sum(found[metric["Name"]])
    return sums


def metric_of(alarm: str) -> str:
    [(name, _)] = watched(of_type("AWS::CloudWatch::Alarm")[alarm])
    return name


@pytest.mark.parametrize("alarm", OUTAGES)
def test_an_outage_makes_the_metric_of_its_alarm_appear(alarm: str) -> None:
    assert counted(run(OUTAGES[alarm], CrashInjector()))[metric_of(alarm)] > 0


def test_a_revoked_key_makes_the_metric_of_its_alarm_appear() -> None:
    world = JobPath("FAILED").world(CrashInjector())
    with world.open():
        world.network.keys.revoke("ttapi", KEYS["ttapi"])
        world.run()
    assert counted(world)[metric_of("KeyRefusedAlarm")] > 0


def test_a_calm_world_raises_none_of_them() -> None:
    sums = counted(run(JobPath("SUCCEEDED"), CrashInjector()))
    assert {alarm: sums[metric] for alarm in OUTAGES if sums.get(metric := metric_of(alarm))} == {}
    assert sums["JobsUnsuccessful"] == sums["FoundByPolling"] == 0
