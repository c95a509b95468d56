"""``suno-jobs create-key`` and ``suno-jobs rotate-callback-secret``."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from suno_jobs.cli import aws
from suno_jobs.cli.problems import NotFound, WrongArgument
from suno_jobs.jobs.identifiers import TENANT_RULE, is_tenant_name
from suno_jobs.steps.authorize import key_hash
from suno_jobs.storage.attribute_values import pack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

NewSecret = Callable[[], str]


def create_key(client: DynamoDBClient, table: str, tenant: str, new_secret: NewSecret, *, operator: bool = False) -> str:
    """Creates an API key for a tenant and returns it. Only its digest is stored: it cannot be shown again.

    Raises WrongArgument if the tenant's name breaks TENANT_RULE.
    """
    if not is_tenant_name(tenant):
        raise WrongArgument(TENANT_RULE)
    key = new_secret()
    client.put_item(
        TableName=table,
        Item=pack({"key_hash": key_hash(key), "tenant": tenant, **({"operator": True} if operator else {})}),
        ConditionExpression="attribute_not_exists(key_hash)",
    )
    return key


def rotate_callback_secret(client: SecretsManagerClient, secret_id: str, new_secret: NewSecret) -> None:
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
    rotated = {**values, "current": new_secret(), "previous": values["current"]}
    client.put_secret_value(SecretId=secret_id, SecretString=json.dumps(rotated))


def print_new_key(
    tenant: str,
    /,
    *,
    table: Annotated[str, Parameter(help="the stack's output ApiKeysTable")],
    operator: Annotated[bool, Parameter(negative="", help="the key also shows the balance of every gateway account")] = False,
) -> None:
    """Create an API key for a tenant and print it once."""
    print(create_key(aws.dynamodb(), table, tenant, secrets.token_urlsafe, operator=operator))


def rotate_secret(*, secret: Annotated[str, Parameter(help="the stack's output CallbackSecretArn")]) -> None:
    """Replace the callback secret; the old one is still accepted."""
    rotate_callback_secret(aws.secrets_manager(), secret, secrets.token_urlsafe)
    print("rotated")
