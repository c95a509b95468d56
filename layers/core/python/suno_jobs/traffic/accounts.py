"""Gateway accounts: API keys and base URLs, from the accounts secret."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from suno_jobs.gateways.protocol import Gateway
from suno_jobs.jobs.identifiers import SHARED_ACCOUNT
from suno_jobs.network import local_origins
from suno_jobs.runtime.secrets import Secret


class AccountUnusable(LookupError):
    """The accounts secret has no usable entry for this gateway and account; the operator has to correct it."""


class AccountReadFailed(AccountUnusable):
    """The accounts secret could not be read at the moment."""


@dataclass(frozen=True, slots=True)
class Account:
    """Our API key at a gateway, and the gateway's base URL. ``max_tasks``: how many tasks may be in flight at once, if known.

    Raises ValueError, without the key in its message, for a key that cannot be sent in a header.
    """

    api_key: str = field(repr=False)
    base_url: str
    max_tasks: int | None = None

    @property
    def digest(self) -> str:
        """Tells whether two requests went to the same account, without revealing its key."""
        return hashlib.sha256(f"{self.base_url}\n{self.api_key}".encode()).hexdigest()[:32]

    def __post_init__(self) -> None:
        if not self.api_key or not self.api_key.isascii() or not self.api_key.isprintable() or " " in self.api_key:
            raise ValueError("the api_key of a gateway account must be printable ASCII without spaces")


def account_name(accounts: Secret, gateway: Gateway, tenant: str) -> str:
    """The account that is named after the tenant, if there is one, else the shared one.

    Raises AccountUnusable, AccountReadFailed.
    """
    return tenant if f"{gateway.name}/{tenant}" in _entries(accounts) else SHARED_ACCOUNT


def account_names(accounts: Secret) -> list[tuple[str, str]]:
    """Gateway and account of every entry, whether it is usable or not. Raises AccountUnusable, AccountReadFailed."""
    names = [name.partition("/") for name in _entries(accounts)]
    return [(gateway, account) for gateway, _, account in names]


def balance_threshold(accounts: Secret, gateway: str, name: str) -> float | None:
    """``low_balance`` of the account: below it, the alarm is raised. In the unit of the gateway; None if it is not set.

    Raises AccountUnusable for a value that is no number. It does not concern submissions.
    """
    value = _entries(accounts)[f"{gateway}/{name}"].get("low_balance")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise AccountUnusable(f"the low_balance of {gateway}/{name} is not a number")
    return value


def _entries(accounts: Secret) -> Mapping[str, Any]:
    """Raises AccountUnusable, AccountReadFailed."""
    try:
        return accounts.values()
    except ValueError as error:
        raise AccountUnusable(f"the gateway accounts secret: {error}") from None
    except (AwsError, BotoCoreError) as error:
        raise AccountReadFailed(f"the gateway accounts secret could not be read: {type(error).__name__}") from error


def find_account(accounts: Secret, gateway: Gateway, name: str) -> Account:
    """Raises AccountUnusable. ``base_url`` may be set per account, for gateways that are reached under several names."""
    try:
        entry = accounts.values().get(f"{gateway.name}/{name}")
        if not isinstance(entry, dict):
            raise AccountUnusable(f"the gateway accounts secret has no entry {gateway.name}/{name}")
        base_url = str(entry.get("base_url") or gateway.base_url)
        if not base_url:
            raise AccountUnusable(f"the entry {gateway.name}/{name} has no base_url: this gateway has no common address")
        parts = urlsplit(base_url)
        if parts.scheme != "https" and f"{parts.scheme}://{parts.netloc}" not in local_origins.LOCAL_ORIGINS:
            raise AccountUnusable(f"the base_url of {gateway.name}/{name} is not https")
        max_tasks = entry.get("max_tasks")
        if max_tasks is not None and (type(max_tasks) is not int or max_tasks < 1):
            raise AccountUnusable(f"the max_tasks of {gateway.name}/{name} is not a whole number from 1 on")
        return Account(str(entry.get("api_key") or ""), base_url, max_tasks)
    except ValueError as error:
        raise AccountUnusable(f"{gateway.name}/{name}: {error}") from None
    except (AwsError, BotoCoreError) as error:
        raise AccountReadFailed(f"the gateway accounts secret could not be read: {type(error).__name__}") from error
