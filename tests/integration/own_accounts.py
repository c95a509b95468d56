"""Gateway accounts of single tenants on the local stack."""

from __future__ import annotations

import json
from collections.abc import Iterable

from local.simulator.studio import SECOND_ACCOUNT
from local.stack import LocalStack

OWNER, ADOPTER = "owner", "adopter"
OWNERS = (("kie", OWNER), ("crun", ADOPTER))


def own_key(stack: LocalStack, gateway: str) -> str:
    """The key of the tenant's own account at the simulated gateway."""
    return stack.simulator.keys[gateway] + SECOND_ACCOUNT


def give_accounts(stack: LocalStack, owners: Iterable[tuple[str, str]]) -> None:
    """Gives each tenant its own account at its gateway, given as (gateway, tenant).

    To be called before the first invocation: a running function may choose by the old secret for five minutes.
    """
    secrets, name = stack.client("secretsmanager"), stack.output("GatewayAccountsSecretArn")
    accounts = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
    own = {
        f"{gateway}/{tenant}": accounts[f"{gateway}/default"] | {"api_key": own_key(stack, gateway)}
        for gateway, tenant in owners
    }
    secrets.put_secret_value(SecretId=name, SecretString=json.dumps(accounts | own))
