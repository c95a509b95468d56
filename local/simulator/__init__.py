"""The gateway simulator: the documented wire of every gateway over real HTTP, with faults by name.

::

    with Simulator(task_seconds=1.0) as simulator:
        httpx.post(simulator.base_url("crun") + "/api/v1/client/job/CreateTask", ...)

It shares no code with the gateway adapters, so that the two cannot share a mistake.

Each gateway is a file of its own: ``ttapi``, ``crun``, ``acedata`` (and ``acedata_orders``), and the family ``sunoapi``,
``kie`` and ``anyint``, which share ``record_info`` (routes and envelopes), ``record_orders`` (what is submitted),
``record_replies`` and ``record_callbacks`` (what is told). ``wire`` says what such a file holds, ``gateways`` lists them. To
add a gateway: write its file after ``Wire``, with one function per operation that checks the fields and says what is made
(``parts``), and list it.

``tasks`` is the life of a task, ``archive`` what later operations refer to, ``faults`` the table of what can go wrong,
``studio`` what all gateways have in common, ``courier`` sends callbacks, ``cdn`` serves files, ``media`` and ``words`` make
them.
"""

from local.simulator.clock import Clock, HandClock
from local.simulator.faults import FAULTS, UnknownFault
from local.simulator.simulator import DEFAULT_KEYS, Simulator

__all__ = ["DEFAULT_KEYS", "FAULTS", "Clock", "HandClock", "Simulator", "UnknownFault"]
