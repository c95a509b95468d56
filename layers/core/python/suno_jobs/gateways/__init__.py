"""Every gateway that we speak to, by name.

A new gateway is one module with a class that satisfies ``base.Gateway``, and one line here. sunoapi.org and kie.ai share the
replies of AnyInt: their reading lies in ``sunoapi``, only tables and paths are their own.

A new kind (lyrics, stems, wav, ...) is, per gateway, a method that builds its request beside ``music_request``, and a reading
of its replies; reading a submission and a callback stays as it is, because neither depends on the kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from suno_jobs.gateways.acedata import AceData
from suno_jobs.gateways.anyint import AnyInt
from suno_jobs.gateways.base import Gateway
from suno_jobs.gateways.crun import Crun
from suno_jobs.gateways.ttapi import TTAPI

_ALL: tuple[Gateway, ...] = (TTAPI(), AnyInt(), Crun(), AceData())

GATEWAYS: Mapping[str, Gateway] = MappingProxyType({each.name: each for each in _ALL})


def gateway(name: str) -> Gateway:
    """Raises KeyError for a name that is not in GATEWAYS."""
    return GATEWAYS[name]
