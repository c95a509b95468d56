"""Every gateway that the bundle can use, by name.

A new gateway is one module in ``adapters`` with a subclass of ``adapter.Adapter``, and one line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways.adapters.acedata import AceData
from suno_jobs.gateways.adapters.anyint import AnyInt
from suno_jobs.gateways.adapters.crun import Crun
from suno_jobs.gateways.adapters.evolink import EvoLink
from suno_jobs.gateways.adapters.kie import Kie
from suno_jobs.gateways.adapters.newapi import NewApi
from suno_jobs.gateways.adapters.sunoapi import SunoApi
from suno_jobs.gateways.adapters.ttapi import TTAPI
from suno_jobs.gateways.protocol import Gateway
from suno_jobs.gateways.sandbox import Sandbox
from suno_jobs.jobs.identifiers import Mode

if TYPE_CHECKING:
    from suno_jobs.jobs.record import Job

_ALL: tuple[Gateway, ...] = (TTAPI(), AnyInt(), Crun(), AceData(), SunoApi(), Kie(), EvoLink(), NewApi())

GATEWAYS: Mapping[str, Gateway] = MappingProxyType({each.name: each for each in _ALL})


_SANDBOXES: Mapping[str, Gateway] = MappingProxyType({name: Sandbox(each) for name, each in GATEWAYS.items()})


def gateway_of(job: Job) -> Gateway:
    """Whom the job is submitted to: its gateway, or in test mode the sandbox in place of it."""
    return (_SANDBOXES if job.mode is Mode.TEST else GATEWAYS)[job.gateway]


def gateways_offering(kind: Kind) -> tuple[str, ...]:
    return tuple(name for name, each in GATEWAYS.items() if kind in each.kinds)


def auto_gateways(names: str) -> tuple[str, ...]:
    """The gateways behind ``auto``: ``names`` joined by commas, or every gateway if empty. Raises ValueError."""
    chosen = tuple(names.split(",")) if names else tuple(GATEWAYS)
    if unknown := [name for name in chosen if name not in GATEWAYS]:
        raise ValueError(f"AUTO_GATEWAYS names {', '.join(unknown)}; the known gateways are {', '.join(GATEWAYS)}")
    return chosen
