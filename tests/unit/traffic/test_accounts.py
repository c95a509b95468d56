from __future__ import annotations

from typing import Any

import pytest

from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.network import local_origins
from suno_jobs.runtime.secrets import Secret
from suno_jobs.traffic.accounts import AccountUnusable, find_account
from tests.world import Clock, FixedSecret

TTAPI = GATEWAYS["ttapi"]


def secret(**entry: Any) -> Secret:
    client: Any = FixedSecret({"ttapi/default": entry} if entry else {})
    return Secret(lambda: client, "accounts", Clock())


def test_an_account_is_found_by_gateway_and_name() -> None:
    account = find_account(secret(api_key="k-123"), TTAPI, "default")
    assert (account.api_key, account.base_url) == ("k-123", TTAPI.base_url)
    assert "k-123" not in repr(account)


def test_an_account_may_have_a_limit_on_concurrent_tasks() -> None:
    limits = [find_account(secret(api_key="k", **given), TTAPI, "default").max_tasks for given in ({}, {"max_tasks": 5})]
    assert limits == [None, 5]


def test_a_gateway_may_have_another_base_url() -> None:
    account = find_account(secret(api_key="k", base_url="https://api.ttapi.org"), TTAPI, "default")
    assert account.base_url == "https://api.ttapi.org"


def test_a_gateway_with_many_instances_needs_the_address_of_one() -> None:
    client: Any = FixedSecret(
        {"newapi/default": {"api_key": "k"}, "newapi/other": {"api_key": "k", "base_url": "https://x.example"}}
    )
    accounts = Secret(lambda: client, "accounts", Clock())
    with pytest.raises(AccountUnusable, match="newapi/default has no base_url"):
        find_account(accounts, GATEWAYS["newapi"], "default")
    assert find_account(accounts, GATEWAYS["newapi"], "other").base_url == "https://x.example"


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({}, "no entry ttapi/default"),
        ({"base_url": "https://x.example"}, "api_key"),
        ({"api_key": ""}, "api_key"),
        ({"api_key": "line\nbreak"}, "api_key"),
        ({"api_key": "k", "base_url": "http://x.example"}, "not https"),
        ({"api_key": "k", "base_url": "http://127.0.0.1:1"}, "not https"),
        ({"api_key": "k", "max_tasks": 0}, "max_tasks"),
        ({"api_key": "k", "max_tasks": "5"}, "max_tasks"),
    ],
)
def test_an_unusable_account_is_named_without_its_key(entry: dict[str, Any], reason: str) -> None:
    with pytest.raises(AccountUnusable, match=reason) as error:
        find_account(secret(**entry), TTAPI, "default")
    assert "line" not in str(error.value)


def test_only_the_local_stack_may_omit_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_origins, "LOCAL_ORIGINS", frozenset({"http://127.0.0.1:1"}))
    local = find_account(secret(api_key="k", base_url="http://127.0.0.1:1/ttapi"), TTAPI, "default")
    assert local.base_url == "http://127.0.0.1:1/ttapi"
    with pytest.raises(AccountUnusable):
        find_account(secret(api_key="k", base_url="http://127.0.0.1:2/ttapi"), TTAPI, "default")
