"""``suno-jobs tenants keys``: the API keys of any tenant, and ``suno-jobs rotate-callback-secret``."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from suno_jobs.cli import aws
from suno_jobs.cli.options import AsJson, JobsTable, KeyId, ScopeName, TenantName, show
from suno_jobs.cli.problems import NotFound
from suno_jobs.cli.stack import NO_STACK, Stack, StackOption
from suno_jobs.jobs.identifiers import sandbox_of
from suno_jobs.steps.manage_keys import key_view
from suno_jobs.tenants.api_keys import ApiKey
from suno_jobs.tenants.key_ring import KeyRing
from suno_jobs.tenants.key_table import KeyTable
from suno_jobs.tenants.tenant_list import TenantList

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

ApiKeysTable = Annotated[str | None, Parameter(help="the stack's output ApiKeysTable")]

MOST_DAYS, MOST_OVERLAP_HOURS = 3650, 720
"""As the API permits. A time after the year 9999 cannot be shown, and then no key of the tenant could be listed."""

app = App(name="keys", help="Create, list, rotate and revoke the API keys of a tenant.")


def _key_ring(stack: Stack, table: str | None) -> KeyRing:
    return KeyRing(table=_key_table(stack, table), clock=time.time, random_bytes=os.urandom)


def _key_table(stack: Stack, table: str | None) -> KeyTable:
    return KeyTable(aws.dynamodb(), stack.output("ApiKeysTable", table))


@app.command(name="create")
def create_key(  # noqa: PLR0913 - the options of a command
    tenant: TenantName,
    /,
    *,
    stack: StackOption = NO_STACK,
    api_keys: ApiKeysTable = None,
    table: JobsTable = None,
    name: Annotated[str, Parameter(help="what the key is for")] = "",
    scope: Annotated[Sequence[ScopeName], Parameter(negative="", help="what it may be used for; repeat it for several")] = (
        "jobs:read",
        "jobs:write",
    ),
    days: Annotated[
        int | None,
        Parameter(validator=Number(gte=1, lte=MOST_DAYS), help="days until it expires; without it, it never expires"),
    ] = None,
    test: Annotated[
        bool, Parameter(negative="", help="a key of the test mode: its jobs reach no gateway and cost nothing there")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create an API key for a tenant and print it once.

    ```
    suno-jobs tenants keys create acme --name "web shop" --stack suno-jobs-dev
    ```
    """
    if TenantList(aws.dynamodb(), stack.output("JobsTable", table)).read(tenant) is None:
        raise NotFound(f"There is no tenant {tenant}. Create it: suno-jobs tenants create {tenant}")
    secret, key = _key_ring(stack, api_keys).create(sandbox_of(tenant) if test else tenant, name, scope, days)
    show({"key": secret, "key_id": key.key_id}, [secret], as_json=as_json)


@app.command(name="list")
def list_keys(
    tenant: TenantName, /, *, stack: StackOption = NO_STACK, api_keys: ApiKeysTable = None, as_json: AsJson = False
) -> None:
    """Show the keys of a tenant, with their last day of use.

    ```
    suno-jobs tenants keys list acme --stack suno-jobs-dev
    ```
    """
    keys, now = [*_key_table(stack, api_keys).of_tenant(tenant)], time.time()
    show([key_view(key) for key in keys], [_line(key, now) for key in keys], as_json=as_json)


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
    stack: StackOption = NO_STACK,
    api_keys: ApiKeysTable = None,
    overlap_hours: Annotated[
        int, Parameter(validator=Number(gte=0, lte=MOST_OVERLAP_HOURS), help="hours for which the old key still works")
    ] = 24,
    as_json: AsJson = False,
) -> None:
    """Print a new key that replaces an old one, which works for some time yet.

    ```
    suno-jobs tenants keys rotate acme key_0123456789abcdef --stack suno-jobs-dev
    ```
    """
    ring = _key_ring(stack, api_keys)
    secret, key = ring.rotate(ring.find(tenant, key_id), overlap_hours)
    show({"key": secret, "key_id": key.key_id}, [secret], as_json=as_json)


@app.command(name="revoke")
def revoke_key(
    tenant: TenantName,
    key_id: KeyId,
    /,
    *,
    stack: StackOption = NO_STACK,
    api_keys: ApiKeysTable = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a key; API Gateway may accept it for AuthorizerCacheSeconds longer.

    ```
    suno-jobs tenants keys revoke acme key_0123456789abcdef --stack suno-jobs-dev
    ```
    """
    _key_ring(stack, api_keys).revoke(tenant, key_id)
    show({"revoked": key_id}, [f"{key_id} revoked"], as_json=as_json)


def rotate_callback_secret(client: SecretsManagerClient, secret_id: str, new_value: Callable[[], str]) -> None:
    """Replaces the current secret with a new one and keeps it as the previous one. Raises NotFound for any other secret.

    Callbacks in flight are still accepted. After a second rotation, callbacks of jobs that were submitted under the oldest
    secret are refused; polling still finds their results.
    """
    values = read_callback_secret(client, secret_id)
    rotated = {**values, "current": new_value(), "previous": values["current"]}
    client.put_secret_value(SecretId=secret_id, SecretString=json.dumps(rotated))


def read_callback_secret(client: SecretsManagerClient, secret_id: str) -> dict[str, str]:
    """Raises NotFound for any other secret."""
    try:
        values = json.loads(client.get_secret_value(SecretId=secret_id).get("SecretString", ""))
    except ValueError:
        values = None
    if not isinstance(values, dict) or not values.get("current"):
        raise NotFound("The secret is not the callback secret: it is no JSON object with a value current.")
    return values


def rotate_secret(
    *,
    stack: StackOption = NO_STACK,
    secret: Annotated[str | None, Parameter(help="the stack's output CallbackSecretArn")] = None,
    as_json: AsJson = False,
) -> None:
    """Replace the callback secret; the old one is still accepted.

    ```
    suno-jobs rotate-callback-secret --stack suno-jobs-dev
    ```
    """
    rotate_callback_secret(aws.secrets_manager(), stack.output("CallbackSecretArn", secret), secrets.token_urlsafe)
    show({"rotated": True}, ["rotated"], as_json=as_json)
