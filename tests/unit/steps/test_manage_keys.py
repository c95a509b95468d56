"""A tenant manages its own keys, and no key makes another one that may do more than itself."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.errors import InvalidRequest, KeyNotFound, ScopeMissing, TooManyKeys
from suno_jobs.steps.manage_keys import MAX_KEYS, KeyManager
from suno_jobs.tenants.api_keys import Scope, is_well_formed
from suno_jobs.tenants.key_ring import KeyRing
from suno_jobs.tenants.key_table import KeyTable
from tests.api_keys import API_KEY, an_api_key
from tests.builders import event, handler
from tests.world import Clock

ALL = frozenset(Scope)
OWN = an_api_key().key_id


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def manager(deployed: SimpleNamespace, clock: Clock) -> KeyManager:
    number = itertools.count(1000)
    table = KeyTable(deployed.dynamodb, "keys")
    return KeyManager(KeyRing(table=table, clock=clock, random_bytes=lambda size: next(number).to_bytes(size)))


def ids(manager: KeyManager, tenant: str = "acme") -> set[str]:
    return {key["key_id"] for key in manager.list_keys(tenant)["keys"]}


def test_a_created_key_is_shown_once_and_listed(deployed: SimpleNamespace) -> None:
    handle = handler("manage_keys")
    created = handle(event("manage_keys/create"))
    key = json.loads(created["body"])
    secret = key.pop("key")
    assert (created["statusCode"], is_well_formed(secret), key["hint"]) == (201, True, secret[:12])
    assert (key["name"], key["scopes"], key["expires_at"], key["revoked_at"]) == ("web shop", ["jobs:read"], None, None)
    listed = handle(event("manage_keys/list"))["body"]
    assert key in json.loads(listed)["keys"]
    assert secret not in listed


def test_a_key_that_rotates_and_revokes_itself(deployed: SimpleNamespace) -> None:
    handle = handler("manage_keys")
    rotated = handle(event("manage_keys/rotate"))
    assert rotated["statusCode"] == 201
    new = json.loads(rotated["body"])
    [old] = (key for key in json.loads(handle(event("manage_keys/list"))["body"])["keys"] if key["key_id"] == OWN)
    assert (new["name"], new["scopes"], new["expires_at"]) == (old["name"], old["scopes"], None)
    assert old["expires_at"]
    assert [handle(event("manage_keys/revoke"))["statusCode"] for _ in range(2)] == [204, 204]
    assert handle(event("manage_keys/rotate"))["statusCode"] == 404


def test_a_key_without_wishes_has_the_scopes_of_a_tenant_and_lasts(manager: KeyManager) -> None:
    created = manager.create_key("acme", ALL, {})
    assert (created["name"], created["scopes"], created["expires_at"]) == ("", ["jobs:read", "jobs:write"], None)


def test_a_key_ends_after_the_days_that_were_asked_for(manager: KeyManager) -> None:
    created = manager.create_key("acme", ALL, {"days": 1})
    assert (created["created_at"], created["expires_at"]) == ("2027-01-15T08:00:00Z", "2027-01-16T08:00:00Z")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ([], {""}),
        ({"name": "x" * 65, "days": 0}, {"/name", "/days"}),
        ({"name": "a\0b"}, {"/name"}),
        ({"scopes": []}, {"/scopes"}),
        ({"scopes": ["jobs:read", "jobs:delete"]}, {"/scopes/1"}),
        ({"scopes": ["keys"] * 9}, {"/scopes"}),
        ({"days": 1.5, "tenant": "zenith"}, {"/days", "/tenant"}),
    ],
)
def test_everything_that_is_wrong_is_listed_and_nothing_is_created(manager: KeyManager, body: Any, pointers: set[str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        manager.create_key("acme", ALL, body)
    assert {each["pointer"] for each in refused.value.members["errors"]} == pointers
    assert ids(manager) == {OWN}


def test_an_overlap_has_bounds(manager: KeyManager) -> None:
    for hours in (-1, 721):
        with pytest.raises(InvalidRequest):
            manager.rotate_key("acme", ALL, OWN, {"overlap_hours": hours})


@pytest.mark.parametrize("scope", Scope)
def test_no_key_makes_another_one_that_may_do_more_than_itself(manager: KeyManager, scope: Scope) -> None:
    with pytest.raises(ScopeMissing, match=scope):
        manager.create_key("acme", ALL - {scope}, {"scopes": list(Scope)})
    mighty = manager.create_key("acme", ALL, {"scopes": list(Scope)})
    with pytest.raises(ScopeMissing, match=scope):
        manager.rotate_key("acme", ALL - {scope}, mighty["key_id"], {})
    assert ids(manager) == {OWN, mighty["key_id"]}


def test_a_key_of_another_tenant_is_no_key(manager: KeyManager) -> None:
    for key_id in (OWN, "key_vvvvvvvvvvvvvvvv"):
        with pytest.raises(KeyNotFound):
            manager.revoke_key("zenith", key_id)
        with pytest.raises(KeyNotFound):
            manager.rotate_key("zenith", ALL, key_id, {})
    assert manager.list_keys("zenith") == {"keys": []}
    found = manager.ring.table.find(API_KEY)
    assert found == an_api_key()


def test_only_keys_that_work_count_towards_the_limit(manager: KeyManager, clock: Clock) -> None:
    for number in range(MAX_KEYS - 1):
        manager.ring.table.add(an_api_key(f"another {number}", key_id=f"key_{number}", expires_at=int(clock.now) + 1))
    with pytest.raises(TooManyKeys):
        manager.create_key("acme", ALL, {})
    with pytest.raises(TooManyKeys):
        manager.rotate_key("acme", ALL, OWN, {})
    clock.now += 1
    assert manager.create_key("acme", ALL, {})["key"]


def test_test_keys_keep_no_live_key_from_being_created_or_replaced(manager: KeyManager) -> None:
    for number in range(MAX_KEYS):
        manager.ring.table.add(an_api_key(f"test {number}", key_id=f"key_{number}", tenant="acme.test"))
    with pytest.raises(TooManyKeys):
        manager.create_key("acme", ALL, {"mode": "test"})
    with pytest.raises(TooManyKeys):
        manager.rotate_key("acme.test", ALL, "key_0", {})
    assert manager.create_key("acme", ALL, {})["mode"] == "live"
    assert manager.rotate_key("acme", ALL, OWN, {})["mode"] == "live"


def test_a_live_key_creates_and_sees_keys_of_both_modes(manager: KeyManager) -> None:
    live, test = (manager.create_key("acme", ALL, {"mode": mode}) for mode in ("live", "test"))
    assert [(key["mode"], key["hint"]) for key in (live, test)] == [("live", live["key"][:12]), ("test", test["key"][:12])]
    assert test["key"].startswith("sj_test_")
    assert ids(manager) == {OWN, live["key_id"], test["key_id"]}
    assert manager.rotate_key("acme", ALL, test["key_id"], {})["key"].startswith("sj_test_")


def test_a_test_key_creates_and_sees_test_keys_only(manager: KeyManager) -> None:
    mine = manager.create_key("acme.test", ALL, {})
    assert (mine["mode"], mine["key"][:8]) == ("test", "sj_test_")
    assert manager.create_key("acme.test", ALL, {"mode": "test"})["mode"] == "test"
    with pytest.raises(ScopeMissing, match="test keys only"):
        manager.create_key("acme.test", ALL, {"mode": "live"})
    assert OWN not in ids(manager, "acme.test")
    with pytest.raises(KeyNotFound):
        manager.rotate_key("acme.test", ALL, OWN, {})
    with pytest.raises(KeyNotFound):
        manager.revoke_key("acme.test", OWN)


def test_there_is_no_third_mode(manager: KeyManager) -> None:
    with pytest.raises(InvalidRequest) as refused:
        manager.create_key("acme", ALL, {"mode": "demo"})
    assert [each["pointer"] for each in refused.value.members["errors"]] == ["/mode"]
