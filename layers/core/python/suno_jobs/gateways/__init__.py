"""Every gateway that we speak to, by name.

A new gateway is one module with an object that satisfies ``base.Gateway``, and one line here; docs/gateways.md tells how.
sunoapi.org, kie.ai and AnyInt share ``family``: only tables and paths are their own. A new kind on a gateway is one entry in
its ``kinds``, what builds its request, and what reads its result.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from suno_jobs.gateways.acedata import AceData
from suno_jobs.gateways.anyint import ANYINT
from suno_jobs.gateways.base import Gateway, Kind
from suno_jobs.gateways.crun import Crun
from suno_jobs.gateways.kie import KIE
from suno_jobs.gateways.sunoapi import SUNOAPI
from suno_jobs.gateways.ttapi import TTAPI

_ALL: tuple[Gateway, ...] = (TTAPI(), ANYINT, Crun(), AceData(), SUNOAPI, KIE)

GATEWAYS: Mapping[str, Gateway] = MappingProxyType({each.name: each for each in _ALL})


def gateways_with(kind: Kind) -> tuple[str, ...]:
    """The names of those that offer ``kind``."""
    return tuple(name for name, each in GATEWAYS.items() if kind in each.kinds)
