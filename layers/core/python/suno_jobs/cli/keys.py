"""``suno-jobs tenant keys``: the API keys of any tenant, and ``suno-jobs rotate-callback-secret``."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from suno_jobs.cli import aws
from suno_jobs.cli.options import JobsTable, KeyId, ScopeName, TenantName
from suno_jobs.cli.problems import NotFound, WrongArgument
from suno_jobs.jobs.identifiers import sandbox_of
from suno_jobs.tenants.api_keys import ApiKey
from suno_jobs.tenants.key_ring import KeyRing
from suno_jobs.tenants.key_table import KeyTable
from suno_jobs.tenants.tenant_list import TenantList

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

ApiKeysTable = Annotated[str, Parameter(help="the stack's output ApiKeysTable")]

app = App(name="keys", help="Create, list, rotate and revoke the API keys of a tenant.")


def _key_ring(table: str) -> KeyRing:
    return KeyRing(table=KeyTable(aws.dynamodb(), table), clock=time.time, random_bytes=os.urandom)


@app.command(name="create")
def create_key(  # noqa: PLR0913 - the options of a command
    tenant: TenantName,
    /,
    *,
    api_keys: ApiKeysTable,
    table: JobsTable,
    name: Annotated[str, Parameter(help="what the key is for")] = "",
    scope: Annotated[Sequence[ScopeName], Parameter(negative="", help="what it may be used for; repeat it for several")] = (
        "jobs:read",
        "jobs:write",
    ),
    days: Annotated[int | None, Parameter(help="days until it expires; without it, it never expires")] = None,
    test: Annotated[
        bool, Parameter(negative="", help="a key of the test mode: its jobs reach no gateway and cost nothing there")
    ] = False,
) -> None:
    """Create an API key for a tenant and print it once."""
    if days is not None and days < 1:
        raise WrongArgument("--days must be at least 1")
    if TenantList(aws.dynamodb(), table).read(tenant) is None:
        raise NotFound(f"There is no tenant {tenant}. Create it: suno-jobs tenant create {tenant} --table {table}")
    secret, _ = _key_ring(api_keys).create(sandbox_of(tenant) if test else tenant, name, scope, days)
    print(secret)


@app.command(name="list")
def list_keys(tenant: TenantName, /, *, api_keys: ApiKeysTable) -> None:
    """Show the keys of a tenant, with their last day of use."""
    for key in KeyTable(aws.dynamodb(), api_keys).of_tenant(tenant):
        print(_line(key, time.time()))


def _line(key: ApiKey, now: float) -> str:
    used = f"used {key.last_used_on}" if key.last_used_on else "never used"
    return f"{key.key_id}  {key.hint}...  {_condition(key, now)}  {used}  {','.join(key.scopes)}  {key.name}".rstrip()


def _condition(key: ApiKey, now: float) -> str:
    if key.revoked_at is not None:
        return f"revoked {_day(key.revoked_at)}"
    if key.expires_at is None:
        return "valid"
    return f"{'valid until' if key.is_valid(now) else 'expired'} {_day(key.expires_at)}"


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


@app.command(name="rotate")
def rotate_key(
    tenant: TenantName,
    key_id: KeyId,
    /,
    *,
    api_keys: ApiKeysTable,
    overlap_hours: Annotated[int, Parameter(help="hours for which the old key still works")] = 24,
) -> None:
    """Print a new key that replaces an old one, which works for some time yet."""
    if overlap_hours < 0:
        raise WrongArgument("--overlap-hours must not be negative")
    ring = _key_ring(api_keys)
    secret, _ = ring.rotate(ring.find(tenant, key_id), overlap_hours)
    print(secret)


@app.command(name="revoke")
def revoke_key(tenant: TenantName, key_id: KeyId, /, *, api_keys: ApiKeysTable) -> None:
    """End a key now; API Gateway may accept it for AuthorizerCacheSeconds longer."""
    _key_ring(api_keys).revoke(tenant, key_id)
    print(f"{key_id} revoked")


def rotate_callback_secret(client: SecretsManagerClient, secret_id: str, new_value: Callable[[], str]) -> None:
    """Replaces the current secret with a new one and keeps it as the previous one. Raises NotFound for any other secret.

    Callbacks in flight are still accepted. After a second rotation, callbacks of jobs that were submitted under the oldest
    secret are refused; polling still finds their results.
    """
    try:
        values = json.loads(client.get_secret_value(SecretId=secret_id).get("SecretString", ""))
    except ValueError:
        values = None
    if not isinstance(values, dict) or not values.get("current"):
        raise NotFound("The secret is not the callback secret: it is no JSON object with a value current.")
    rotated = {**values, "current": new_value(), "previous": values["current"]}
    client.put_secret_value(SecretId=secret_id, SecretString=json.dumps(rotated))


def rotate_secret(*, secret: Annotated[str, Parameter(help="the stack's output CallbackSecretArn")]) -> None:
    """Replace the callback secret; the old one is still accepted."""
    rotate_callback_secret(aws.secrets_manager(), secret, secrets.token_urlsafe)
    print("rotated")
