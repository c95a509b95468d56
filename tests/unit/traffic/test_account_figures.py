"""What ``GET /v1/gateways`` shows of the accounts: counted by the sweep, and of no other tenant."""

from __future__ import annotations

import json
from typing import Any

import pytest

from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.steps.read_gateways import read_gateways
from suno_jobs.traffic.balances import Balances
from suno_jobs.traffic.submission_queue import LIVE_SECONDS
from tests.builders import ACCEPTED, Denied, always, use_accounts
from tests.world import ACCOUNTS, TABLE, FixedSecret, World

SWEEP = 300
RATE = GATEWAYS["ttapi"].rate


def accounts(world: World, tenant: str = "acme", gateway: str = "ttapi") -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = [
        dict(account)
        for each in read_gateways(world.calls().health, Balances(world.dynamodb, TABLE), tenant, operator=False)["gateways"]
        if each["name"] == gateway
        for account in each["health"]["accounts"]
    ]
    return shown


def submit(world: World, number: int) -> None:
    job_id = world.accept(key=f"key-{number}")
    world.wire.answers = [ACCEPTED]
    world.task_creator().create_task(job_id)


def count(world: World) -> None:
    world.account_figures().count(always)


def test_the_sweep_counts_requests_tasks_and_waiting_jobs_of_an_account(world: World) -> None:
    count(world)
    assert accounts(world) == []
    submit(world, 0)
    world.job_reconciler().reconcile_jobs(always)
    first = {"account": "default", "requests_per_second": None, "tasks_in_flight": 1, "queue_length": 0}
    assert accounts(world) == [{**first, "counted_at": "2027-01-15T08:00:00Z"}]
    world.clock.sleep(SWEEP / 2)
    for number in range(1, 4):
        submit(world, number)
    waiting = world.accept(key="waiting")
    world.use_up_slots(waiting, 60)
    world.task_creator().create_task(waiting)
    world.clock.sleep(SWEEP / 2 - 120)
    count(world)
    [found] = accounts(world)
    assert (found["requests_per_second"], found["tasks_in_flight"], found["queue_length"]) == (
        pytest.approx(3 / 180, abs=0.1),
        4,
        1,
    )
    world.clock.sleep(60 + LIVE_SECONDS + SWEEP)
    count(world)
    assert accounts(world)[0]["queue_length"] == 0


def test_the_dashboard_gets_the_same_figures_and_nothing_of_an_account_at_rest(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def emitted() -> dict[str, float]:
        capsys.readouterr()
        count(world)
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return {name: line[name][0] for line in lines for name in ("RateInUse", "TasksInFlight", "JobsQueued") if name in line}

    submit(world, 0)
    assert emitted() == {"TasksInFlight": 1}
    world.clock.sleep(SWEEP)
    for _ in range(3):
        world.calls().rate_limiter.take("ttapi", "default", RATE, now=world.clock())
    waiting = world.accept(key="waiting")
    world.use_up_slots(waiting, 60)
    world.task_creator().create_task(waiting)
    in_use = pytest.approx(3 / SWEEP * RATE.seconds / RATE.requests)
    assert emitted() == {"RateInUse": in_use, "TasksInFlight": 1, "JobsQueued": 1}
    world.clock.sleep(86_400)
    assert emitted() == {}


def test_a_tenant_sees_the_shared_account_and_its_own_only(world: World) -> None:
    names = ("default", "acme", "other")
    use_accounts(world, FixedSecret({**ACCOUNTS, **{f"ttapi/{name}": {"api_key": "k"} for name in names}, "unknown/x": {}}))
    for name in names:
        world.calls().rate_limiter.take("ttapi", name, RATE, now=world.clock())
    count(world)
    assert [each["account"] for each in accounts(world)] == ["acme", "default"]
    assert [each["account"] for each in accounts(world, "third")] == ["default"]
    assert accounts(world, gateway="crun") == []


def test_accounts_that_cannot_be_counted_do_no_harm(world: World) -> None:
    submit(world, 0)
    world.account_figures().count(lambda: False)
    use_accounts(world, FixedSecret("no object"))
    count(world)
    use_accounts(world, Denied())
    count(world)
    assert accounts(world) == []
