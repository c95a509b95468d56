"""I12: every job gets its turn, whatever other jobs and other tenants do. Calm worlds with the default settings."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import combinations
from typing import Literal

import pytest

from bench.fleet.figures import Load
from bench.fleet.system import Fleet
from suno_jobs.catalog.kinds import Kind
from suno_jobs.traffic.admission import HORIZON_SECONDS
from tests.simulation.crashes import Boundary, Crash, CrashInjector
from tests.simulation.faults import Order, Plan
from tests.simulation.invariants import violations
from tests.simulation.world import START, World

pytestmark = pytest.mark.usefixtures("deep_stack")

ALWAYS = 10**6
GATEWAY = "crun"
NOISY = "noisy"
"""Its requests fail, and its own circuit breaker holds them."""


def songs(
    tenant: str,
    number: int,
    faults: Mapping[str, float] | None = None,
    *,
    every: float = 0.0,
    begin: float = 0.0,
    gateway: str = GATEWAY,
    seed: int = 1,
) -> list[tuple[str, Order]]:
    """The orders of one tenant, which come ``every`` so many seconds."""
    first = zlib.crc32(f"{tenant}{sorted((faults or {}).items())}".encode()) * 1000
    return [
        (
            tenant,
            Order(begin + each * every, f"order-{seed}-{first + each}-", (gateway,), Kind.MUSIC, faults or {}, tenant=tenant),
        )
        for each in range(number)
    ]


class Shared(World):
    """A world with several tenants."""

    def __init__(
        self,
        orders: Sequence[tuple[str, Order]],
        seed: int = 1,
        faults: CrashInjector | None = None,
        own_accounts: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        self.tenants = {order.token: tenant for tenant, order in orders}
        super().__init__(Plan(seed, tuple(order for _, order in orders), own_accounts=own_accounts), faults)

    def states(self, orders: Sequence[tuple[str, Order]]) -> Counter[str]:
        jobs = self.jobs()
        return Counter(jobs[self.job_ids[order.token]]["state"]["S"] for _, order in orders)

    def limit_account(self, gateway: str, most_tasks: int | None) -> None:
        [accounts] = [secret for secret in self.secrets.values.values() if f"{gateway}/default" in secret]
        accounts[f"{gateway}/default"]["max_tasks"] = most_tasks

    def tries(self, order: Order) -> int:
        """How often the order was submitted to its gateway."""
        return sum(subject == self.job_ids[order.token] and " POST " in text for _, subject, text in self.timeline)

    def accepted(self) -> list[tuple[str, str]]:
        """Tenant and token of each task, in the order of their creation."""
        tokens = {job_id: token for token, job_id in self.job_ids.items()}
        by_time = sorted(self.studio.tasks(), key=lambda task: task["created_at"])
        found = [tokens[self.courier.submitters[task["task_id"]]] for task in by_time]
        return [(self.tenants[token], token) for token in found]

    def accepted_at(self, order: Order) -> float:
        """When the order's task was created."""
        [moment] = [
            task["created_at"]
            for task in self.studio.tasks()
            if self.courier.submitters[task["task_id"]] == self.job_ids[order.token]
        ]
        return float(moment)

    def refusals(self) -> int:
        # An id of a task may contain any digits.
        refused = re.compile(r" POST answers (429|.*\"code\": \"?429|.*too many)")
        return sum(bool(refused.search(text)) for _, _, text in self.timeline)


@contextmanager
def world(
    *groups: Sequence[tuple[str, Order]], seed: int = 1, most_tasks: int | None = None, known: bool = False
) -> Iterator[Shared]:
    """A world that has run to its end, and in which no invariant was violated. ``known``: the operator has set the limit."""
    shared = Shared([each for group in groups for each in group], seed)
    with shared.open():
        if most_tasks:
            for gateway in ("crun", "ttapi"):
                shared.studio.limit_tasks(gateway, most_tasks)
        if known:
            shared.limit_account(GATEWAY, most_tasks)
        shared.run()
        jobs = shared.jobs()
        assert [each for each in violations(shared) if jobs[each[0]]["tenant"] != {"S": NOISY}] == []
        yield shared


def test_one_request_that_is_always_refused_starves_no_song_at_a_full_gateway() -> None:
    good, bad = songs("acme", 40), songs("acme", 1, {"rate_limited": ALWAYS})
    with world(good, bad, most_tasks=5) as shared:
        assert shared.states(good) == {"SUCCEEDED": 40}
        assert shared.tries(bad[0][1]) >= 4


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("refused", "good"), [(2, 10), (5, 10), (20, 20)])
def test_jobs_that_are_always_refused_do_not_starve_those_that_are_refused_twice(refused: int, good: int, seed: int) -> None:
    bad = songs("acme", refused, {"rate_limited": ALWAYS}, every=0.1, seed=seed)
    twice = songs("acme", good, {"rate_limited": 2}, every=0.1, seed=seed)
    with world(bad, twice, seed=seed) as shared:
        assert shared.states(twice) == {"SUCCEEDED": good}
        assert all(shared.tries(order) == 3 for _, order in twice)
        tries = [shared.tries(order) for _, order in bad]
        assert min(tries) >= 1200 // 75
        assert max(tries) - min(tries) <= 5


@pytest.mark.parametrize("every", [5, 2])
def test_requests_of_one_tenant_that_a_gateway_answers_with_500_hold_no_other_tenant(every: int) -> None:
    bad = songs(NOISY, 500 // every, {"server_error_on_submit": ALWAYS}, every=every)
    good = songs("acme", 20, every=20, begin=50)
    with world(bad, good) as shared:
        assert shared.states(good) == {"SUCCEEDED": 20}
        assert all(shared.tries(order) == 1 for _, order in good)
        assert sum(shared.tries(order) for _, order in bad) <= 5 + 2 * 1800 / 60


def test_tenants_share_a_full_gateway_equally_and_each_is_served_in_order() -> None:
    many, few = songs("many", 40, every=0.1), songs("few", 8, every=0.1, begin=30)
    with world(many, few, most_tasks=5, known=True) as shared:
        accepted = shared.accepted()
        for orders in (many, few):
            times = [shared.accepted_at(order) for _, order in orders]
            # Of two jobs whose places are free, the one behind may ask first.
            assert all(earlier - later <= HORIZON_SECONDS // 5 for earlier, later in combinations(times, 2))
        # After the first five the tenants take turns, until all jobs of one are submitted.
        for end in range(6, 22):
            shares = Counter(tenant for tenant, _ in accepted[5:end])
            assert abs(shares["many"] - shares["few"]) <= 2
        assert shared.refusals() == 0


@pytest.mark.parametrize(("gateway", "most_tasks", "later"), [("sunoapi", None, 15), (GATEWAY, 10, 300)], ids=["rate", "full"])
def test_i12_tenants_take_turns_while_more_jobs_than_a_page_are_held(
    monkeypatch: pytest.MonkeyPatch, gateway: str, most_tasks: int | None, later: int
) -> None:
    """Also while the first of those that are held is awaited as the probe."""
    monkeypatch.setattr("suno_jobs.traffic.submission_queue.PAGE", 10)
    held = songs(NOISY, 30, {"server_error_on_submit": ALWAYS}, gateway=gateway)
    many = songs("many", 60, every=0.05, begin=10, gateway=gateway)
    few = songs("few", 10, every=0.05, begin=later, gateway=gateway)
    with world(held, many, few, most_tasks=most_tasks, known=most_tasks is not None) as shared:
        assert shared.states([*many, *few]) == {"SUCCEEDED": 70}
        tenants = [tenant for tenant, _ in shared.accepted()]
        first = tenants.index("few")
        # Of two jobs whose places are free, the one behind may ask first.
        for end in range(first, first + 20):
            shares = Counter(tenants[first:end])
            assert abs(shares["many"] - shares["few"]) <= 6


def test_tenants_share_a_gateway_whose_limit_was_learned() -> None:
    many, few = songs("many", 40, every=0.1), songs("few", 8, every=0.1, begin=60)
    with world(many, few, most_tasks=5) as shared:
        assert shared.states([*many, *few]) == {"SUCCEEDED": 48}
        from_few = [number for number, (tenant, _) in enumerate(shared.accepted()) if tenant == "few"]
        assert from_few[-1] <= 5 + 2 * 8 + 5


def test_a_full_gateway_is_not_asked_in_vain() -> None:
    good = songs("acme", 40)
    with world(good, most_tasks=5) as shared:
        assert shared.states(good) == {"SUCCEEDED": 40}
        # Each learns once that the gateway is full, and then one probe is sent every 20 s.
        ended = max(moment for moment, _ in (shared.monitor.ends[job_id][0] for job_id in shared.job_ids.values()))
        assert shared.refusals() <= 40 + (ended - START) / 20


def test_every_job_of_a_burst_is_submitted_in_time_without_a_refusal() -> None:
    burst = songs("acme", 60, gateway="ttapi")
    with world(burst) as shared:
        assert shared.states(burst) == {"SUCCEEDED": 60}
        assert all(shared.tries(order) == 1 for _, order in burst)


def test_i12_no_job_is_passed_while_thousands_begin_to_wait_and_the_table_throttles_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A tenth of the writes that a partition takes, and none of the jobs fails for want of one."""
    monkeypatch.setattr("bench.fleet.aws.WRITES_PER_SECOND", 100)
    figures = Fleet(Load(1500, loss=0.02)).run()
    assert (figures.partition, figures.out_of_order, figures.refusals, figures.late) == (100, 0, 0, 0)
    assert figures.failed_creations == 0


def test_a_tenant_with_an_account_of_its_own_waits_for_no_other_tenant() -> None:
    many, few = songs("many", 60, gateway="sunoapi"), songs("few", 3, gateway="sunoapi", begin=1)
    shared = Shared([*many, *few], own_accounts=frozenset({("sunoapi", "few")}))
    with shared.open():
        shared.run()
        assert violations(shared) == []
        times = shared.network.request_times
    assert times["sunoapi", "few"][2] < START + 5
    assert times["sunoapi", "default"][59] > START + 20


@pytest.mark.parametrize("call", range(1, 9))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_leaks_no_task_in_flight(call: int, when: Literal["before", "after"]) -> None:
    good = songs("acme", 4)
    crashes = tuple(Crash(Boundary("CheckTaskFunction", number, call, ""), when) for number in range(1, 20))
    shared = Shared(good, faults=CrashInjector(crashes))
    with shared.open():
        shared.run()
        assert violations(shared) == []
        partitions = (shared.jobs_table.items.get(f"{each}#{GATEWAY}#default", {}) for each in ("BUDGET", "QUEUE"))
        assert not [sort for each in partitions for sort in each if sort.startswith(("TASK#", "QUEUE#"))]
