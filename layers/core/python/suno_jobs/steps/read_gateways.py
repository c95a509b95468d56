"""Read Gateways: what each gateway can do, its recent health, and the balances that concern the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suno_jobs.gateways.capabilities import capabilities
from suno_jobs.jobs.identifiers import Mode, mode_of
from suno_jobs.traffic.balances import Balances
from suno_jobs.traffic.health import NEVER_CALLED, Health

if TYPE_CHECKING:
    from suno_jobs.gateways.answers import GatewayListAnswer


def read_gateways(health: Health, balances: Balances, tenant: str, *, operator: bool) -> GatewayListAnswer:
    """The body of the answer to one caller, ready for JSON. A tenant sees the balance of its own account only.

    A test key sees no balance: nothing is paid with it.
    """
    known = health.read(tenant)
    operator = operator and mode_of(tenant) is Mode.LIVE
    left = balances.read(lambda account: operator or account == tenant)
    return {
        "gateways": [
            {**each, "health": known.get(each["name"], NEVER_CALLED), "balances": left.get(each["name"], [])}
            for each in capabilities()
        ]
    }
