"""Accounts of one's own at gateways: where their keys come from."""

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from suno_jobs.cli.problems import WrongArgument
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.traffic.accounts import Account

VARIABLE = "SUNO_JOBS_ACCOUNT_"
"""With the name of a gateway in capitals after it."""

NO_CALLBACKS = "https://callbacks.invalid"
"""Where gateways send callbacks that cannot reach this machine. No such host can exist (RFC 2606), so no one gets them."""

POLLING = {"FirstCheckSeconds": "20", "CheckIntervalSeconds": "10", "MaxCheckIntervalSeconds": "15"}
"""Where no callback arrives. A song takes minutes; the rate limiter enforces the limits of the gateways."""


def read_keys(given: Sequence[str], addressed: Collection[str]) -> dict[str, str]:
    """Keys by gateway; ``addressed`` gateways have a URL of their own. Raises WrongArgument, without a key in its message."""
    keys = {}
    for text in given:
        gateway, separator, value = text.partition("=")
        if gateway not in GATEWAYS:
            raise WrongArgument(f"--account: write GATEWAY=@FILE with one of {', '.join(GATEWAYS)}")
        if not GATEWAYS[gateway].base_url and gateway not in addressed:
            raise WrongArgument(f"--account {gateway}: this gateway has many addresses; give yours: --gateway {gateway}=URL")
        keys[gateway] = _checked(gateway, _read(gateway, value) if separator else _from_environment(gateway, os.environ))
    return keys


def _read(gateway: str, value: str) -> str:
    if not value.startswith("@"):
        return value
    try:
        return (sys.stdin.readline() if value == "@-" else Path(value[1:]).read_text(encoding="utf-8")).strip()
    except (OSError, UnicodeError) as error:
        raise WrongArgument(f"--account {gateway}: the file with the key cannot be read: {type(error).__name__}") from None


def _from_environment(gateway: str, environment: Mapping[str, str]) -> str:
    name = VARIABLE + gateway.upper()
    if name not in environment:
        raise WrongArgument(f"--account {gateway}: set {name}, or write {gateway}=@FILE")
    return environment[name]


def _checked(gateway: str, key: str) -> str:
    try:
        return Account(key, "").api_key
    except ValueError as error:
        raise WrongArgument(f"--account {gateway}: {error}") from None
