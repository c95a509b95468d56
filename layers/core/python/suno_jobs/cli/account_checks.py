"""The checks of the gateway accounts: whether each key is accepted, at no cost."""

from __future__ import annotations

from collections.abc import Iterator

from suno_jobs.catalog.kinds import Kind
from suno_jobs.cli.checks import Check
from suno_jobs.cli.problems import CommandError
from suno_jobs.errors import ErrorCode, Fault, GatewayUnreachable, NoSlot
from suno_jobs.gateways.parsing import read_object
from suno_jobs.gateways.protocol import Balance, BalanceReading, ReadFailed
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.identifiers import SHARED_ACCOUNT, is_tenant_name
from suno_jobs.traffic.account_items import AccountId
from suno_jobs.traffic.accounts import Account, AccountUnusable, account_names, balance_threshold, find_account
from suno_jobs.traffic.balances import ask_balance
from suno_jobs.traffic.calls import GatewayCalls

UNKNOWN_TASK = "00000000-0000-0000-0000-000000000000"

_ABOUT_THE_TASK = frozenset({ErrorCode.NOT_FOUND, ErrorCode.INVALID_REQUEST})
"""The gateway looked at a task that does not exist, so it accepted the key."""

_REMEDIES = {
    ErrorCode.AUTHENTICATION: "Correct its api_key in the accounts secret.",
    ErrorCode.QUOTA: "Add credit at the gateway.",
}


def check_accounts(calls: GatewayCalls) -> Iterator[Check]:
    """One for each entry of the accounts secret. Raises CommandError if it cannot be read or is empty."""
    try:
        names = account_names(calls.accounts)
    except AccountUnusable as error:
        raise CommandError(str(error)) from error
    if not names:
        raise CommandError("The accounts secret has no entry. Add one for each gateway, as docs/settings.md shows.")
    for gateway, account in names:
        yield _check_entry(calls, gateway, account)


def _check_entry(calls: GatewayCalls, gateway: str, name: str) -> Check:
    entry = f"{gateway}/{name}"
    if gateway not in GATEWAYS:
        return Check(entry, f"there is no gateway {gateway}.", f"The names are {', '.join(GATEWAYS)}.")
    if name != SHARED_ACCOUNT and not is_tenant_name(name):
        return Check(entry, f"no tenant can be named {name!r}.", f"Use {gateway}/{SHARED_ACCOUNT}, or the name of a tenant.")
    try:
        account = find_account(calls.accounts, GATEWAYS[gateway], name)
        threshold = balance_threshold(calls.accounts, gateway, name)
        found = _ask(calls, AccountId(gateway, name), account)
    except AccountUnusable as error:
        return Check(entry, f"{error}.", "Correct the entry in the accounts secret.")
    except GatewayUnreachable as error:
        return Check(entry, f"no answer: {error}.", "Check its base_url and your network, or try again later.")
    except NoSlot as error:
        return Check(entry, f"{error}.", "Try again later.")
    return _judge(entry, found, threshold)


def _ask(calls: GatewayCalls, at: AccountId, account: Account) -> Balance | Fault | None:
    """None: the key was accepted, and the gateway reports no balance."""
    gateway = GATEWAYS[at.gateway]
    if isinstance(gateway, BalanceReading):
        balance = ask_balance(calls, gateway, at, account, lambda: True)
        return balance.fault if isinstance(balance, ReadFailed) else balance
    calls.take_slot(at)
    reply = calls.send(at, account, gateway.status_request(Kind.MUSIC, UNKNOWN_TASK))
    reading = gateway.read_status(Kind.MUSIC, reply)
    if not isinstance(reading, ReadFailed) or reading.fault.code in _ABOUT_THE_TASK:
        return None
    # Without an error in it. Ace Data Cloud is reported to answer {} about a task that it does not know.
    harmless = reading.fault.gateway_code == "200" and read_object(reply.body) is not None
    return None if harmless else reading.fault


def _judge(entry: str, found: Balance | Fault | None, threshold: float | None) -> Check:
    match found:
        case None:
            return Check(entry, "the key is accepted; the gateway reports no balance")
        case Balance() if threshold is not None and found.amount < threshold:
            return Check(entry, f"{found.amount:g} {found.unit}, less than {threshold:g}.", "Add credit at the gateway.")
        case Balance():
            return Check(entry, f"{found.amount:g} {found.unit}")
    return Check(entry, f"{found.code}: {found.message}.", _REMEDIES.get(found.code, "Try again later."))
