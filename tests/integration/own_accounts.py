"""Gateway accounts of single tenants on the local stack."""

from __future__ import annotations

import json

from local.simulator.studio import SECOND_ACCOUNT
from local.stack import LocalStack


def give_account(stack: LocalStack, gateway: str, tenant: str) -> str:
    """Adds the tenant's own account to the secret, and returns its key."""
    secrets, name = stack.client("secretsmanager"), stack.output("GatewayAccountsSecretArn")
    accounts = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
    key = stack.simulator.keys[gateway] + SECOND_ACCOUNT
    own = {f"{gateway}/{tenant}": accounts[f"{gateway}/default"] | {"api_key": key}}
    secrets.put_secret_value(SecretId=name, SecretString=json.dumps(accounts | own))
    return key
