"""Every entry of the accounts secret is checked at no cost, with one line that says what to do."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from local.simulator import Simulator
from suno_jobs.cli.account_checks import check_accounts
from suno_jobs.cli.checks import Check
from suno_jobs.cli.main import main
from suno_jobs.cli.problems import CommandError, ExitCode
from suno_jobs.gateways.protocol import BalanceReading
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.network.http import httpx
from suno_jobs.traffic.account_items import AccountId
from tests.builders import Denied, use_accounts, use_all_slots
from tests.simulated_gateways import simulated
from tests.world import ACCOUNTS, TABLE, FixedSecret, World


def check(world: World, accounts: Any) -> list[Check]:
    use_accounts(world, FixedSecret(accounts))
    return [*check_accounts(world.calls())]


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_key_that_its_gateway_accepts_is_ok_and_nothing_is_ordered(world: World, gateway: str) -> None:
    entry = ACCOUNTS[f"{gateway}/default"]
    simulator = Simulator(keys={gateway: entry["api_key"]})
    world.wire.answers = [simulated(simulator)]
    [found] = check(world, {f"{gateway}/default": entry})
    assert found.describe().split()[:2] == [f"{gateway}/default", "ok"]
    assert ("reports no balance" in found.finding) != isinstance(GATEWAYS[gateway], BalanceReading)
    assert simulator.orders() == []


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_key_that_its_gateway_refuses_is_named_with_the_remedy(world: World, gateway: str) -> None:
    world.wire.answers = [simulated(Simulator())]
    [found] = check(world, {f"{gateway}/default": ACCOUNTS[f"{gateway}/default"]})
    assert found.finding.startswith("authentication: ")
    assert found.describe().endswith("Correct its api_key in the accounts secret.")


@pytest.mark.parametrize(
    ("name", "entry", "words"),
    [
        ("suno/default", {"api_key": "k"}, "there is no gateway suno. The names are ttapi, "),
        ("kie/Acme", {"api_key": "k"}, "no tenant can be named 'Acme'. Use kie/default"),
        ("kie/default", {"api_key": ""}, "Correct the entry in the accounts secret."),
        ("kie/default", {"api_key": "k", "low_balance": True}, "the low_balance of kie/default is not a number."),
        ("newapi/default", {"api_key": "k"}, "has no base_url"),
    ],
)
def test_an_entry_that_cannot_work_is_found_without_a_request(world: World, name: str, entry: Any, words: str) -> None:
    [found] = check(world, {name: entry})
    assert found.remedy
    assert words in found.describe()
    assert world.wire.requests == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.ConnectError("refused"), "no answer: kie: ConnectError. Check its base_url"),
        (httpx.Response(200, json={"code": 402, "msg": "no credits"}), "quota: no credits. Add credit at the gateway."),
        (httpx.Response(200, json={"code": 455, "msg": "later"}), "maintenance: later. Try again later."),
        (httpx.Response(200, json={"code": 200, "data": 99}), "99 credits, less than 100. Add credit at the gateway."),
    ],
    ids=["unreachable", "empty", "maintenance", "low"],
)
def test_the_line_says_what_to_do(world: World, answer: Any, words: str) -> None:
    world.wire.answers = [answer]
    [found] = check(world, {"kie/default": {"api_key": "k", "low_balance": 100}})
    assert "FAILED" in found.describe()
    assert words in found.describe()


def test_the_check_takes_a_slot_of_the_rate_limit(world: World) -> None:
    use_all_slots(world, AccountId("kie", "default"))
    [found] = check(world, {"kie/default": {"api_key": "k"}})
    assert (found.remedy, world.wire.requests) == ("Try again later.", [])


def test_accounts_that_cannot_be_read_are_one_problem(world: World) -> None:
    use_accounts(world, Denied())
    with pytest.raises(CommandError, match="could not be read"):
        [*check_accounts(world.calls())]


def test_the_command_prints_a_line_for_each_entry(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="accounts", SecretString='{"suno/default": {}, "kie/Acme": {}}')
    assert main(["doctor", "--secret", "accounts", "--table", TABLE]) == ExitCode.NOT_DONE
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [
        ["suno/default", "FAILED"],
        ["kie/Acme", "FAILED"],
    ]


@pytest.mark.parametrize(
    ("secret", "table", "words"),
    [("accounts", TABLE, "has no entry"), ("nowhere", TABLE, "could not be read"), ("kie", "nowhere", "ResourceNotFound")],
)
def test_accounts_that_cannot_be_checked_are_one_line(
    world: World, capsys: pytest.CaptureFixture[str], secret: str, table: str, words: str
) -> None:
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="accounts", SecretString="{}")
    secrets.create_secret(Name="kie", SecretString='{"kie/default": {"api_key": "k"}}')
    assert main(["doctor", "--secret", secret, "--table", table]) == ExitCode.NOT_DONE
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("accounts                 FAILED  cannot be checked: ")
    assert words in line
