"""The bench of the fleet: small fleets meet its targets, and it sees what misses them."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bench.fleet.aws import PAGE, WRITES_PER_SECOND, FleetItems, FleetTable
from bench.fleet.figures import LOOP_NAME, Figures, Load, row, violations
from bench.fleet.measure import load_figures, runs, save_figures
from bench.fleet.plain_loop import PlainLoop
from bench.fleet.plots import FIGURES, PROGRESS, draw
from bench.fleet.system import PASSED_SECONDS, Fleet, passed
from suno_jobs.gateways.protocol import Rate
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.update_expressions import Change
from suno_jobs.traffic.account_items import AccountItems, account_key
from suno_jobs.traffic.rate_limiter import RateLimiter
from suno_jobs.traffic.submission_queue import queue_key
from tests.simulation.aws_table import DynamoDb
from tests.simulation.clock import Loop
from tests.world import JOBS_TABLE, START, TABLE, a_job

RATE = Rate(15, 1.0)
RANDOM = Random(1)  # noqa: S311 - no secret


def table(loop: Loop) -> Any:
    return FleetTable(lambda: loop.now, loop.sleep, RANDOM)


@pytest.mark.parametrize("loss", [0.0, 0.02, 1.0])
def test_a_small_fleet_meets_its_targets(loss: float) -> None:
    """The queue, the rate limiter and the sweep keep the rate, and no job is late."""
    load = Load(60, loss=loss, tenants=3)
    figures = Fleet(load).run()
    assert violations(load, figures) == []
    assert (figures.submissions, len(figures.delays), figures.in_flight) == (60, 60, 60)


def test_what_a_fleet_misses_is_named() -> None:
    load = Load(100, loss=0.02)
    rival = PlainLoop(load).run()
    assert len(rival.delays) == 100
    assert len(violations(load, rival)) == 2
    missed = violations(load, Figures(late=1, unfinished=2, lost=3, out_of_order=4))
    assert [int(each.rpartition("): ")[2].split()[0]) for each in missed] == [2, 3, 4, 1]
    assert violations(Load(100_000), Figures(late=1, used=14.1)) == []
    assert len(violations(Load(10_000), Figures(used=13.9))) == 1


def test_songs_beyond_the_physical_limit_are_told_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a deadline this near, the rate permits only some of them."""
    monkeypatch.setattr("bench.fleet.system.DEADLINE_SECONDS", 20)
    figures = Fleet(Load(400, start_seconds=1.0)).run()
    assert figures.late + figures.submissions == 400
    assert figures.late > 50
    assert sorted(figures.told)[figures.late // 2] > 3
    assert (figures.refusals, figures.unfinished, figures.out_of_order) == (0, 0, 0)


@pytest.mark.parametrize(("loss", "longest"), [(0.0, 20), (1.0, 700)])
def test_songs_whose_tasks_end_after_the_deadline_are_known_by_recovery(
    monkeypatch: pytest.MonkeyPatch, loss: float, longest: int
) -> None:
    """By their callbacks, or otherwise by a sweep."""
    monkeypatch.setattr("bench.fleet.system.DEADLINE_SECONDS", 100)
    figures = Fleet(Load(60, loss=loss)).run()
    assert (figures.submissions, len(figures.delays), figures.lost, figures.late, figures.unfinished) == (60, 60, 0, 0, 0)
    assert 10 < figures.recovered < 60
    assert max(figures.delays) < longest


def test_a_job_is_passed_if_one_behind_it_was_submitted_much_earlier() -> None:
    first, late, deadline = 100.0, 100.0 + PASSED_SECONDS, 1000.0
    assert passed([("1", deadline, first), ("2", deadline, late + 1), ("3", deadline, late)]) == 0
    assert passed([("1", deadline, late + 1), ("2", deadline, late), ("3", deadline, first)]) == 1
    assert passed([("1", deadline, first), ("2", deadline, late + 9), ("3", deadline, first)]) == 1


def test_a_job_that_was_not_submitted_is_passed_if_there_was_time_for_it() -> None:
    first, late, never = 100.0, 100.0 + PASSED_SECONDS, math.inf
    assert passed([("1", late + 1, never), ("2", late, never), ("3", late, first)]) == 1
    assert passed([("1", late + 1, first), ("2", late + 1, never), ("3", late + 1, never)]) == 0


def test_a_throttled_write_is_sent_again_and_fails_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.fleet.aws.WRITES_PER_SECOND", 3)
    assert WRITES_PER_SECOND == 1000
    loop = Loop(START)
    awake, asleep = table(loop), FleetTable(lambda: START, lambda _: None, RANDOM)
    clients: list[Any] = [awake, asleep]
    awake_limiter, asleep_limiter = (RateLimiter(client, TABLE) for client in clients)
    for _ in range(3):
        awake_limiter.take("crun", "a", RATE, now=START)
        asleep_limiter.take("crun", "a", RATE, now=START)
    assert loop.now == START
    awake_limiter.take("crun", "a", RATE, now=START)
    assert loop.now >= START + 1
    with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
        asleep_limiter.take("crun", "a", RATE, now=START)


def test_the_index_of_due_work_is_that_of_the_table_of_the_simulation() -> None:
    tables: list[Any] = [table(Loop(START)), DynamoDb({TABLE: JOBS_TABLE})]
    stores = [JobStore(table, TABLE) for table in tables]
    for number in range(300):
        due_at = START + RANDOM.randrange(100)
        for store in stores:
            store.submissions.create(a_job(job_id=f"job_{number:03}"), {}, due_at=due_at)
            store.signals.postpone(f"job_{number // 2:03}", due_at=due_at + 5)
    for now in (START, START + 50, START + 200):
        found, expected = ([*store.due_index.due_jobs(now)] for store in stores)
        assert found == expected
        assert len(found) == 300 or now < START + 200


def test_the_items_of_an_account_are_those_of_the_table_of_the_simulation() -> None:
    fleet: Any = table(Loop(START))
    plain: Any = DynamoDb({TABLE: JOBS_TABLE})
    both = [FleetItems(fleet, TABLE, fleet.jobs), AccountItems(plain, TABLE)]
    job = a_job()
    for items in both:
        for number in range(2 * PAGE + 1):
            items.change_at(queue_key(job, f"QUEUE#{number:03}"), Change(sets={"back_at": number}))
        items.change(job, "RATE", Change(sets={"arrival": 1}))
    for begin in (
        queue_key(job, "QUEUE#"),
        account_key(job.gateway, job.account, "TASK#"),
        account_key(job.gateway, job.account, "RATE"),
    ):
        found, expected = ([*items.find_at(begin)] for items in both)
        assert found == expected
    for items in both:
        items.change_at(queue_key(job, "QUEUE#150"), Change(sets={"back_at": 0}))
        items.delete_at(queue_key(job, "QUEUE#007"))
        items.delete_at(queue_key(job, "QUEUE#999"))
    found, expected = ([*items.find_at(queue_key(job, "QUEUE#"))] for items in both)
    assert (found, len(found)) == (expected, 2 * PAGE)


def test_figures_that_were_kept_are_not_simulated_again(tmp_path: Path) -> None:
    found = {run: (PlainLoop if run.way == LOOP_NAME else Fleet)(run.load).run() for run in runs([20])}
    save_figures(tmp_path / "kept.json", found)
    kept = load_figures(tmp_path / "kept.json")
    assert [row(run, each) for run, each in kept.items()] == [row(run, each) for run, each in found.items()]
    assert load_figures(tmp_path / "none.json") == {}
    draw(kept, tmp_path)
    for name in (PROGRESS, FIGURES):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_a_plot_needs_only_some_of_the_delays() -> None:
    thin = Figures(delays=[float(number) for number in range(5000, -1, -1)]).thin()
    assert (len(thin.delays), thin.delays[0], thin.delay(0.5), thin.delays[-1]) == (1001, 0, 2500, 5000)
