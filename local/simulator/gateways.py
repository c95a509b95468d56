"""The gateways that are simulated."""

from __future__ import annotations

from collections.abc import Mapping

from local.simulator.acedata import AceData
from local.simulator.anyint import AnyInt
from local.simulator.crun import Crun
from local.simulator.evolink import EvoLink
from local.simulator.kie import Kie
from local.simulator.newapi import NewApi
from local.simulator.sunoapi import SunoApi
from local.simulator.ttapi import Ttapi
from local.simulator.wire import Wire

WIRES: Mapping[str, Wire] = {
    wire.name: wire for wire in (Ttapi(), AnyInt(), Crun(), AceData(), SunoApi(), Kie(), EvoLink(), NewApi())
}
