from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from suno_jobs.errors import Conflict
from suno_jobs.jobs.identifiers import Mode, is_tenant_name
from suno_jobs.steps.authorize import KeyFinder
from suno_jobs.tenants.api_keys import ApiKey, is_well_formed, new_key_id, new_secret
from suno_jobs.tenants.key_table import KeyTable
from tests.api_keys import API_KEY, an_api_key
from tests.builders import event, handler
from tests.world import Clock

DAY = 24 * 3600


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(deployed: SimpleNamespace) -> KeyTable:
    return KeyTable(deployed.dynamodb, "keys")


@pytest.fixture
def finder(table: KeyTable, clock: Clock) -> KeyFinder:
    return KeyFinder(keys=table, notes=lambda: table, clock=clock)


def replace_key(deployed: SimpleNamespace, **changes: Any) -> None:
    deployed.dynamodb.delete_item(TableName="keys", Key={"key_hash": {"S": an_api_key().key_hash}})
    KeyTable(deployed.dynamodb, "keys").add(an_api_key(**changes))


def test_a_known_key_authorizes_its_tenant_for_its_scopes(deployed: SimpleNamespace) -> None:
    context = {"tenant": "acme", "scopes": "jobs:read jobs:write", "key_id": "key_0000000000000001"}
    assert handler("authorize")(event("authorize/bearer")) == {"isAuthorized": True, "context": context}


def test_an_unknown_key_is_not_authorized(deployed: SimpleNamespace) -> None:
    answer = handler("authorize")(event("authorize/unknown_key"))
    assert answer == {"isAuthorized": False, "context": {"tenant": ""}}


def test_a_request_without_the_header_is_not_authorized(deployed: SimpleNamespace) -> None:
    assert handler("authorize")({"headers": {}})["isAuthorized"] is False


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_key_belongs_to_its_tenant_in_either_spelling_of_the_scheme(finder: KeyFinder, scheme: str) -> None:
    found = finder.find_key(f"{scheme} {API_KEY}")
    assert found is not None
    assert found.tenant == "acme"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Basic {API_KEY}",
        API_KEY,
        f"Bearer {API_KEY} ",
        f"Bearer {API_KEY}\n",
        f"Bearer {API_KEY[:-1]}x",
    ],
)
def test_a_malformed_key_costs_no_read(header: str, clock: Clock) -> None:
    unread: Any = None
    assert KeyFinder(keys=unread, notes=unread, clock=clock).find_key(header) is None


def test_a_key_that_nobody_made_is_not_authorized(finder: KeyFinder) -> None:
    assert finder.find_key(f"Bearer {new_secret(bytes)}") is None


def test_a_revoked_key_is_not_authorized(deployed: SimpleNamespace, finder: KeyFinder) -> None:
    replace_key(deployed, revoked_at=5)
    assert finder.find_key(f"Bearer {API_KEY}") is None
    assert handler("authorize")(event("authorize/bearer"))["isAuthorized"] is False


def test_a_key_is_authorized_until_it_ends(deployed: SimpleNamespace, finder: KeyFinder, clock: Clock) -> None:
    replace_key(deployed, expires_at=int(clock.now) + 10)
    assert finder.find_key(f"Bearer {API_KEY}")
    clock.now += 10
    assert finder.find_key(f"Bearer {API_KEY}") is None


@pytest.mark.parametrize("tenant", ["", "a/b", "../x", "a" * 65, "Acme", "default", "quarantine", 7, None, ["acme"]])
def test_a_key_with_an_invalid_tenant_is_not_authorized(clock: Clock, tenant: Any) -> None:
    found: Any = SimpleNamespace(find=lambda _: an_api_key(tenant=tenant))
    assert not is_tenant_name(tenant)
    assert KeyFinder(keys=found, notes=lambda: found, clock=clock).find_key(f"Bearer {API_KEY}") is None


def test_a_test_key_is_authorized_for_the_sandbox(clock: Clock) -> None:
    secret = new_secret(bytes, Mode.TEST)
    found: Any = SimpleNamespace(find=lambda _: an_api_key(secret, tenant="acme.test", last_used_on="9999-01-01"))
    key = KeyFinder(keys=found, notes=lambda: found, clock=clock).find_key(f"Bearer {secret}")
    assert (key and key.tenant, key and key.mode) == ("acme.test", Mode.TEST)


@pytest.mark.parametrize(("mode", "tenant"), [(Mode.TEST, "acme"), (Mode.LIVE, "acme.test"), (Mode.TEST, "default.test")])
def test_a_key_whose_mode_is_not_that_of_its_tenant_is_not_authorized(clock: Clock, mode: Mode, tenant: str) -> None:
    secret = new_secret(bytes, mode)
    found: Any = SimpleNamespace(find=lambda _: an_api_key(secret, tenant=tenant))
    assert KeyFinder(keys=found, notes=lambda: found, clock=clock).find_key(f"Bearer {secret}") is None


def test_scopes_that_a_newer_version_wrote_are_passed_on(deployed: SimpleNamespace) -> None:
    replace_key(deployed, scopes=("jobs:read", "songs:sing"))
    assert handler("authorize")(event("authorize/bearer"))["context"]["scopes"] == "jobs:read songs:sing"


def test_the_day_of_use_is_written_once_a_day(
    deployed: SimpleNamespace, finder: KeyFinder, table: KeyTable, clock: Clock
) -> None:
    days, update = [], deployed.dynamodb.update_item
    with patch.object(deployed.dynamodb, "update_item", side_effect=update) as writes:
        for _ in range(3):
            for _ in range(2):
                finder.find_key(f"Bearer {API_KEY}")
            found = table.find(API_KEY)
            days.append(found and found.last_used_on)
            clock.now += DAY
    assert len(set(days)) == writes.call_count == 3
    assert days == sorted(days)  # type: ignore[type-var]


@pytest.mark.parametrize(
    "error", [ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem"), ReadTimeoutError(endpoint_url="https://x")]
)
def test_a_request_whose_use_cannot_be_recorded_is_authorized(
    table: KeyTable, clock: Clock, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    notes: Any = SimpleNamespace(note_use=fail)
    assert KeyFinder(keys=table, notes=lambda: notes, clock=clock).find_key(f"Bearer {API_KEY}")
    [line] = caplog.messages
    assert "key_0000000000000001" in line
    assert API_KEY not in line


def test_a_key_that_vanished_is_not_brought_back_by_its_use(table: KeyTable, deployed: SimpleNamespace) -> None:
    gone = an_api_key(key_hash="gone")
    table.note_use(gone, "2026-11-26")
    table.revoke(gone, 1)
    table.expire(gone, 1)
    assert deployed.dynamodb.scan(TableName="keys")["Count"] == 1


@given(st.binary(min_size=23, max_size=23), st.integers(8, 44), st.characters(codec="ascii"))
def test_every_key_is_well_formed_and_no_typing_error_is(random: bytes, place: int, typed: str) -> None:
    secret = new_secret(lambda size: random[:size])
    assert is_well_formed(secret)
    mistyped = secret[:place] + typed + secret[place + 1 :]
    assert is_well_formed(mistyped) == (mistyped == secret)


def test_a_key_is_never_replaced_by_another_one(table: KeyTable) -> None:
    with pytest.raises(Conflict):
        table.add(an_api_key(tenant="zenith"))
    assert table.find(API_KEY) == an_api_key()


def test_a_key_id_is_short_and_plain() -> None:
    assert new_key_id(bytes) == "key_0000000000000000"
    assert new_key_id(lambda size: b"\xff" * size) == "key_vvvvvvvvvvvvvvvv"


def test_a_key_is_read_back_as_it_was_stored() -> None:
    for key in (an_api_key(), an_api_key(expires_at=7, last_used_on="2026-11-26", revoked_at=8)):
        assert ApiKey.from_item(key.to_item()) == key
