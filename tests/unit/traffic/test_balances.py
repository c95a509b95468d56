"""The balance of each account is read once an hour, by one sweep, within the rate limit, and never disturbs a sweep."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from local.simulator import Simulator
from local.simulator.studio import FIRST_CREDITS
from suno_jobs.gateways.protocol import BalanceReading
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.network.http import httpx
from suno_jobs.traffic.account_items import AccountId
from suno_jobs.traffic.balances import EVERY_SECONDS, BalanceReader, Balances
from tests.builders import Denied, always, use_accounts, use_all_slots
from tests.simulated_gateways import simulated
from tests.world import ACCOUNTS, TABLE, FixedSecret, World

KIE = {"kie/default": {"api_key": "k"}}
THRESHOLD = {"kie/default": {"api_key": "k", "low_balance": 100}}


def reader(world: World, accounts: Any) -> BalanceReader:
    use_accounts(world, FixedSecret(accounts))
    return BalanceReader(world.calls(), Balances(world.dynamodb, TABLE))


def credit(amount: Any) -> httpx.Response:
    return httpx.Response(200, json={"code": 200, "msg": "success", "data": amount})


def read(world: World) -> list[Any]:
    return Balances(world.dynamodb, TABLE).read(lambda _: True).get("kie", [])


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    named = [(line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"], line) for line in lines]
    return {name: line[name] for name, line in named}


def test_a_balance_is_read_at_most_once_an_hour(world: World) -> None:
    balances = reader(world, KIE)
    world.wire.answers = [credit(5)]
    for _ in range(3):
        balances.read_balances(always)
        world.clock.sleep(EVERY_SECONDS / 3)
    assert len(world.wire.requests) == 1
    balances.read_balances(always)
    assert len(world.wire.requests) == 2
    assert [(each["account"], each["amount"], each["unit"], each["low"]) for each in read(world)] == [
        ("default", 5, "credits", False)
    ]


def test_of_two_sweeps_at_the_same_time_one_reads(world: World) -> None:
    balances = Balances(world.dynamodb, TABLE)
    assert [balances.claim(AccountId("kie", "default"), world.now) for _ in range(2)] == [True, False]


@pytest.mark.parametrize(("amount", "low"), [(99.5, 1), (100, 0)])
def test_the_alarm_follows_the_threshold_of_the_account(
    world: World, capsys: pytest.CaptureFixture[str], amount: float, low: int
) -> None:
    world.wire.answers = [credit(amount)]
    reader(world, THRESHOLD).read_balances(always)
    assert metrics(capsys) == {"Balance": [amount], "LowBalances": [low]}
    assert [each["low"] for each in read(world)] == [bool(low)]


def test_without_a_threshold_there_is_no_alarm(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.wire.answers = [credit(0)]
    reader(world, KIE).read_balances(always)
    assert metrics(capsys) == {"Balance": [0]}


def test_a_threshold_that_is_no_number_raises_no_alarm_and_loses_no_balance(world: World) -> None:
    world.wire.answers = [credit(3)]
    reader(world, {"kie/default": {"api_key": "k", "low_balance": "a lot"}}).read_balances(always)
    assert [(each["amount"], each["low"]) for each in read(world)] == [(3, False)]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ReadTimeout("lost"),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"code": 401, "msg": "no"}),
        credit("?"),
    ],
    ids=["lost", "page", "refused", "no number"],
)
def test_a_balance_that_cannot_be_read_keeps_the_last_one(world: World, answer: Any) -> None:
    balances = reader(world, KIE)
    world.wire.answers = [credit(8)]
    balances.read_balances(always)
    world.clock.sleep(EVERY_SECONDS)
    world.wire.answers = [answer]
    balances.read_balances(always)
    assert [each["amount"] for each in read(world)] == [8]


def test_no_balance_is_read_without_a_slot(world: World) -> None:
    balances = reader(world, KIE)
    use_all_slots(world, AccountId("kie", "default"))
    balances.read_balances(always)
    assert world.wire.requests == []


@pytest.mark.parametrize("gateway", [name for name, each in GATEWAYS.items() if isinstance(each, BalanceReading)])
def test_the_simulated_gateways_report_what_the_tasks_left(world: World, gateway: str) -> None:
    simulator = Simulator(keys={gateway: ACCOUNTS[f"{gateway}/default"]["api_key"]})
    world.wire.answers = [simulated(simulator)]
    balances = reader(world, {f"{gateway}/default": ACCOUNTS[f"{gateway}/default"]})
    balances.read_balances(always)
    assert [each["amount"] for each in balances.balances.read(lambda _: True)[gateway]] == [FIRST_CREDITS]


def test_gateways_without_a_balance_and_unusable_entries_are_not_asked(world: World) -> None:
    entries = {"ttapi/default": {"api_key": "k"}, "nowhere/default": {"api_key": "k"}, "kie/default": {"api_key": ""}}
    reader(world, entries).read_balances(always)
    assert (world.wire.requests, read(world)) == ([], [])


def test_without_the_accounts_nothing_is_read(world: World) -> None:
    use_accounts(world, Denied())
    BalanceReader(world.calls(), Balances(world.dynamodb, TABLE)).read_balances(always)
    assert world.wire.requests == []


def test_no_request_begins_when_no_time_is_left(world: World) -> None:
    balances = reader(world, {"newapi/default": {"api_key": "k", "base_url": "https://relay.example"}, **KIE})
    balances.read_balances(lambda: False)
    assert world.wire.requests == []
    left = iter([True, True, False, False])
    world.wire.answers = [httpx.Response(404, json={})]
    balances.read_balances(lambda: next(left))
    assert len(world.wire.requests) == 1


def test_a_table_that_cannot_be_written_does_not_fail_the_sweep(world: World) -> None:
    use_accounts(world, FixedSecret(KIE))
    balances: Any = SimpleNamespace(claim=lambda *_: Denied().update_item())
    BalanceReader(world.calls(), balances).read_balances(always)
    assert world.wire.requests == []
