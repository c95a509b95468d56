"""The gateway simulator: the documented wire of every gateway over real HTTP, with faults by name.

::

    with Simulator(task_seconds=1.0) as simulator:
        httpx.post(simulator.base_url("crun") + "/api/v1/client/job/CreateTask", ...)

It shares no code with the gateway adapters, so that the two cannot share a mistake. One file per gateway's wire
(``ttapi``, ``anyint``, ``crun``, ``acedata``); ``wire`` says what such a file holds. ``tasks`` is the life of a task,
``faults`` the table of what can go wrong, ``studio`` what all gateways have in common, ``courier`` sends callbacks,
``media`` makes the songs.
"""

from local.simulator.clock import Clock, HandClock
from local.simulator.command import add_arguments, run
from local.simulator.faults import FAULTS, UnknownFault
from local.simulator.simulator import DEFAULT_KEYS, Simulator

__all__ = ["DEFAULT_KEYS", "FAULTS", "Clock", "HandClock", "Simulator", "UnknownFault", "add_arguments", "run"]
