"""Read Gateways: what each gateway can do, and its recent health."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suno_jobs.gateways.capabilities import capabilities
from suno_jobs.traffic.health import NEVER_CALLED, Health

if TYPE_CHECKING:
    from suno_jobs.gateways.answers import GatewayListAnswer


def read_gateways(health: Health, tenant: str) -> GatewayListAnswer:
    """The body of the answer to one tenant, ready for JSON."""
    known = health.read(tenant)
    return {"gateways": [{**each, "health": known.get(each["name"], NEVER_CALLED)} for each in capabilities()]}
