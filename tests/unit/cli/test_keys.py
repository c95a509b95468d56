"""``suno-jobs tenants`` and ``suno-jobs tenants keys``: an operator manages who may use the API."""

from __future__ import annotations

import itertools
import typing
from types import SimpleNamespace

import pytest

from suno_jobs.cli.main import main
from suno_jobs.cli.options import ScopeName
from suno_jobs.steps.authorize import KeyFinder
from suno_jobs.tenants.api_keys import ApiKey, Scope, is_well_formed
from suno_jobs.tenants.key_ring import DAY, KeyRing, NoSuchKey
from suno_jobs.tenants.key_table import KeyTable
from tests.world import API_KEYS_TABLE, TABLE, Clock

KEYS = ("--api-keys", "keys")
CREATE = ("tenants", "keys", "create", "acme", *KEYS, "--table", TABLE)
UNKNOWN = "key_vvvvvvvvvvvvvvvv"


@pytest.fixture
def table(aws: SimpleNamespace) -> KeyTable:
    aws.dynamodb.create_table(TableName="keys", **API_KEYS_TABLE)
    assert main(["tenants", "create", "acme", "--table", TABLE]) == 0
    return KeyTable(aws.dynamodb, "keys")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ring(table: KeyTable, clock: Clock) -> KeyRing:
    number = itertools.count()
    return KeyRing(table=table, clock=clock, random_bytes=lambda size: next(number).to_bytes(size))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(arguments) == 0
    return capsys.readouterr().out.strip()


def failed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(arguments)
    out, errors = capsys.readouterr()
    assert (out, errors.count("\n")) == ("", 1)
    return code, errors


def valid(table: KeyTable, clock: Clock, secret: str) -> ApiKey | None:
    return KeyFinder(keys=table, notes=lambda: table, clock=clock).find_key(f"Bearer {secret}")


def test_a_created_key_belongs_to_its_tenant_and_is_not_stored(
    table: KeyTable, aws: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = run(capsys, *CREATE, "--name", "web shop")
    assert is_well_formed(secret)
    found = table.find(secret)
    assert found is not None
    assert (found.tenant, found.name, found.scopes, found.expires_at) == ("acme", "web shop", ("jobs:read", "jobs:write"), None)
    stored = str(aws.dynamodb.scan(TableName="keys")["Items"])
    assert secret not in stored
    assert secret[8:20] not in stored
    assert run(capsys, *CREATE) != secret


def test_a_key_has_the_scopes_and_the_end_that_were_asked_for(table: KeyTable, capsys: pytest.CaptureFixture[str]) -> None:
    secret = run(capsys, *CREATE, "--scope", "jobs:read", "--scope", "operate", "--days", "2")
    found = table.find(secret)
    assert found is not None
    assert found.scopes == (Scope.READ_JOBS, Scope.OPERATE)
    assert found.expires_at == found.created_at + 2 * DAY


def test_a_test_key_is_for_the_sandbox_of_its_tenant(table: KeyTable, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    secret = run(capsys, *CREATE, "--test")
    assert secret.startswith("sj_test_")
    found = table.find(secret)
    assert found is not None
    assert (found.tenant, found.hint) == ("acme.test", secret[:12])
    live = run(capsys, *CREATE)
    assert live.startswith("sj_live_")
    listed = run(capsys, "tenants", "keys", "list", "acme", *KEYS)
    assert all(secret[:12] in listed for secret in (secret, live))
    assert run(capsys, "tenants", "keys", "rotate", "acme", found.key_id, *KEYS).startswith("sj_test_")
    run(capsys, "tenants", "keys", "revoke", "acme", found.key_id, *KEYS)
    assert valid(table, clock, secret) is None


def test_the_command_knows_every_scope() -> None:
    assert set(typing.get_args(ScopeName)) == set(Scope)


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["tenants", "keys", "create", "zenith", *KEYS, "--table", TABLE], 3, "suno-jobs tenants create zenith"),
        ([*CREATE, "--scope", "jobs:delete"], 2, "jobs:delete"),
        ([*CREATE, "--days", "0"], 2, "--days"),
        ([*CREATE, "--days", "3651"], 2, "--days"),
        (["tenants", "keys", "rotate", "acme", UNKNOWN, *KEYS], 3, UNKNOWN),
        (["tenants", "keys", "rotate", "acme", UNKNOWN, *KEYS, "--overlap-hours", "-1"], 2, "--overlap-hours"),
        (["tenants", "keys", "rotate", "acme", UNKNOWN, *KEYS, "--overlap-hours", "721"], 2, "--overlap-hours"),
        (["tenants", "keys", "revoke", "acme", UNKNOWN, *KEYS], 3, UNKNOWN),
        (["tenants", "create", "acme", "--table", TABLE], 3, "acme"),
        (["tenants", "create", "acme.test", "--table", TABLE], 2, "a-z"),
        (["tenants", "keys", "create", "acme.test", *KEYS, "--table", TABLE], 3, "acme.test"),
        (["tenants", "set-limits", "zenith", "--table", TABLE], 3, "zenith"),
        (["tenants", "set-limits", "acme", "--table", TABLE, "--jobs-per-day", "-1"], 2, "negative"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_created(
    table: KeyTable, aws: SimpleNamespace, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, named: str
) -> None:
    found, line = failed(capsys, *arguments)
    assert (found, named in line) == (code, True)
    assert aws.dynamodb.scan(TableName="keys")["Count"] == 0


def test_tenants_are_listed_by_name(table: KeyTable, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("zenith", "10cc"):
        run(capsys, "tenants", "create", name, "--table", TABLE)
    assert run(capsys, "tenants", "list", "--table", TABLE).split() == ["10cc", "acme", "zenith"]


def test_limits_are_replaced_and_listed(table: KeyTable, capsys: pytest.CaptureFixture[str]) -> None:
    change = ("tenants", "set-limits", "acme", "--table", TABLE)
    assert run(capsys, *change, "--jobs-in-progress", "5", "--usd-per-month", "12.5") == "acme limited"
    assert run(capsys, "tenants", "list", "--table", TABLE) == "acme  jobs_in_progress=5  usd_per_month=12.5"
    assert run(capsys, *change) == "acme has no limits"
    assert run(capsys, "tenants", "list", "--table", TABLE) == "acme"


def test_a_rotated_key_works_until_the_overlap_is_over(ring: KeyRing, table: KeyTable, clock: Clock) -> None:
    old, _ = ring.create("acme", "web shop", [Scope.READ_JOBS])
    [key] = table.of_tenant("acme")
    new, _ = ring.rotate(key, 24)
    replaced = valid(table, clock, new)
    assert replaced is not None
    assert (replaced.name, replaced.scopes, replaced.expires_at) == ("web shop", ("jobs:read",), None)
    clock.now += DAY - 1
    assert valid(table, clock, old)
    clock.now += 1
    assert valid(table, clock, old) is None
    assert valid(table, clock, new)


def test_a_rotation_lengthens_no_key(ring: KeyRing, table: KeyTable, clock: Clock) -> None:
    secret, _ = ring.create("acme", "", [Scope.READ_JOBS], days=1)
    [key] = table.of_tenant("acme")
    ring.rotate(key, 48)
    clock.now += DAY
    assert valid(table, clock, secret) is None


def test_a_revoked_key_has_ended_for_good(ring: KeyRing, table: KeyTable, clock: Clock) -> None:
    secret, _ = ring.create("acme", "", [Scope.READ_JOBS])
    [key] = table.of_tenant("acme")
    ring.revoke("acme", key.key_id)
    first = table.of_tenant("acme")
    clock.now += 60
    ring.revoke("acme", key.key_id)
    assert table.of_tenant("acme") == first
    assert valid(table, clock, secret) is None
    with pytest.raises(NoSuchKey, match="has ended"):
        ring.rotate(ring.find("acme", key.key_id), 24)


def test_a_key_of_another_tenant_is_no_key(ring: KeyRing, table: KeyTable) -> None:
    ring.create("zenith", "", [Scope.READ_JOBS])
    [key] = table.of_tenant("zenith")
    for change in (lambda: ring.revoke("acme", key.key_id), lambda: ring.find("acme", key.key_id)):
        with pytest.raises(NoSuchKey):
            change()
    assert table.of_tenant("zenith") == [key]


def test_a_list_shows_what_a_key_is_for_and_whether_it_still_works(
    ring: KeyRing, table: KeyTable, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    clock.now = 1e9
    secret, _ = ring.create("acme", "web shop", [Scope.READ_JOBS])
    valid(table, clock, secret)
    names = {"revoked": None, "expired": 1, "lasting": 100_000}
    for name, days in names.items():
        ring.create("acme", name, [Scope.READ_JOBS], days)
    ids = {key.name: key.key_id for key in table.of_tenant("acme")}
    ring.revoke("acme", ids["revoked"])
    lines = {line.split()[0]: line for line in run(capsys, "tenants", "keys", "list", "acme", *KEYS).splitlines()}
    assert lines.keys() == set(ids.values())
    assert lines[ids["web shop"]].split("  ")[1:4] == [f"{secret[:12]}...", "valid", "used 2001-09-09"]
    conditions = {name: lines[ids[name]].split("  ")[2] for name in names}
    assert conditions == {"revoked": "revoked 2001-09-09", "expired": "expired 2001-09-10", "lasting": "valid until 2275-06-25"}
    assert "never used" in lines[ids["lasting"]]
    assert secret not in str(lines)


def test_keys_are_rotated_and_revoked_by_command(table: KeyTable, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, *CREATE)
    [key] = table.of_tenant("acme")
    assert is_well_formed(run(capsys, "tenants", "keys", "rotate", "acme", key.key_id, *KEYS))
    assert run(capsys, "tenants", "keys", "revoke", "acme", key.key_id, *KEYS) == f"{key.key_id} revoked"
    assert sorted(each.revoked_at is None for each in table.of_tenant("acme")) == [False, True]
