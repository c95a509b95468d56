from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways.protocol import Balance
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.steps.read_gateways import read_gateways
from suno_jobs.traffic.account_items import AccountId
from suno_jobs.traffic.balances import Balances
from tests.builders import event, handler
from tests.world import TABLE, World


def test_every_gateway_is_listed_with_its_kinds_and_its_health(world: World) -> None:
    health = world.calls().health
    health.record("ttapi", None)
    health.record("crun", Fault(ErrorCode.MAINTENANCE, "later"))
    gateways = {
        each["name"]: each
        for each in read_gateways(health, Balances(world.dynamodb, TABLE), "acme", operator=False)["gateways"]
    }
    assert list(gateways) == list(GATEWAYS)
    assert "music" in gateways["kie"]["kinds"]
    assert {name: gateways[name]["health"]["status"] for name in ("ttapi", "crun", "kie")} == {
        "ttapi": "ok",
        "crun": "failing",
        "kie": "unknown",
    }
    assert gateways["crun"]["health"]["last_error"] == "maintenance"


def test_the_handler_answers_with_the_gateways_as_json(deployed: SimpleNamespace, world: World) -> None:
    answer = handler("read_gateways")(event("read_gateways/gateways"))
    assert answer["statusCode"] == 200
    balances = Balances(world.dynamodb, TABLE)
    assert json.loads(answer["body"]) == read_gateways(world.calls().health, balances, "acme", operator=False)


@pytest.mark.parametrize(
    ("caller", "seen"),
    [("acme", {"acme"}), ("zenith", set())],
)
def test_a_tenant_sees_the_balance_of_its_own_account_only(
    deployed: SimpleNamespace, world: World, caller: str, seen: set[str]
) -> None:
    assert {each["account"] for each in shown_balances(world, caller, operator=False)} == seen


def test_a_test_key_sees_no_balance(deployed: SimpleNamespace, world: World) -> None:
    assert shown_balances(world, "acme.test", operator=True) == []


def test_an_operator_sees_every_balance_that_was_read(deployed: SimpleNamespace, world: World) -> None:
    found = {each["account"]: each for each in shown_balances(world, "zenith", operator=True)}
    assert found["default"] == {
        "account": "default",
        "amount": 7.25,
        "unit": "credits",
        "low": True,
        "read_at": "2027-01-15T08:00:00Z",
    }
    assert found.keys() == {"default", "acme"}


def shown_balances(world: World, caller: str, *, operator: bool) -> list[dict[str, Any]]:
    balances = Balances(world.dynamodb, TABLE)
    balances.record(AccountId("kie", "default"), Balance(7.25, "credits"), low=True, now=world.now)
    balances.record(AccountId("kie", "acme"), Balance(1, "credits"), low=False, now=world.now)
    balances.claim(AccountId("kie", "zenith"), world.now)
    request = event("read_gateways/gateways")
    request["requestContext"]["authorizer"]["lambda"] = {
        "tenant": caller,
        "scopes": "jobs:read operate" if operator else "jobs:read",
    }
    gateways = {each["name"]: each for each in json.loads(handler("read_gateways")(request)["body"])["gateways"]}
    assert all(each["balances"] == [] for name, each in gateways.items() if name != "kie")
    found: list[dict[str, Any]] = gateways["kie"]["balances"]
    return found
