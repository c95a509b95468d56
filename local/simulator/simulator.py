"""The simulator as one object: for tests, for the local stack and for the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from types import TracebackType
from typing import Any, Self

from local.simulator.clock import Clock
from local.simulator.courier import Courier
from local.simulator.faults import parse_faults
from local.simulator.gateways import WIRES
from local.simulator.server import LOOPBACK, Server
from local.simulator.studio import Studio, StudioSettings
from local.simulator.wire import Signing

DEFAULT_KEYS: Mapping[str, str] = {name: f"sim-key-{name}" for name in WIRES}
SIGNING = {name for name, wire in WIRES.items() if isinstance(wire, Signing)}


class Simulator:
    """All gateways on one loopback port while the context lasts; afterwards no thread and no socket is left.

    ``keys`` replaces the default key of single gateways. ``task_seconds`` is how long a task takes from submission to success.
    ``audio_seconds`` is the shortest and longest wanted length of a song. ``seed`` fixes task ids and so the audio;
    ``faults_seed`` draws faults for orders that ask for none. ``webhook_keys`` are what callbacks are signed with, for the
    gateways that document a signature.
    """

    def __init__(  # noqa: PLR0913 - all of them optional and by name
        self,
        port: int = 0,
        *,
        keys: Mapping[str, str] | None = None,
        webhook_keys: Mapping[str, str] | None = None,
        task_seconds: float = 2.0,
        audio_seconds: tuple[float, float] = (6.0, 11.0),
        callback_timeout_seconds: float = 10.0,
        seed: int | None = None,
        faults_seed: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.keys = {**DEFAULT_KEYS, **(keys or {})}
        if self.keys.keys() != DEFAULT_KEYS.keys() or not all(self.keys.values()):
            raise ValueError(f"keys may be given for {', '.join(DEFAULT_KEYS)}, and none may be empty")
        self.webhook_keys = dict(webhook_keys or {})
        if not self.webhook_keys.keys() <= SIGNING or not all(self.webhook_keys.values()):
            raise ValueError(f"webhook keys may be given for {', '.join(SIGNING)}, and none may be empty")
        self._port = port
        self._clock = clock or Clock()
        self._courier = Courier(self._clock, timeout_seconds=callback_timeout_seconds, webhook_keys=self.webhook_keys)
        settings = StudioSettings(task_seconds, audio_seconds, faults_seed)
        self._studio = Studio(
            settings,
            clock=self._clock,
            chance=Random(seed),  # noqa: S311 - no secret
            courier=self._courier,
            keys=self.keys,
            origin=lambda: self.url,
        )
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self._server = Server(self._port)
        self._port = int(self._server.server_address[1])
        self._server.start(self._studio)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._clock.stop()
        if self._server:
            self._server.stop()
        self._courier.stop()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def audio_origin(self) -> str:
        """The one origin of everything on the simulated CDNs."""
        return self.url

    def base_url(self, gateway: str) -> str:
        return f"{self.url}/{WIRES[gateway].name}"

    def tasks(self, gateway: str | None = None) -> list[dict[str, Any]]:
        return [task for task in self._studio.tasks() if gateway in (None, task["gateway"])]

    def orders(self) -> list[dict[str, Any]]:
        return self._studio.orders()

    def paid(self, callback_url: str) -> int:
        """How many tasks were created with a callback URL. More than one is money lost."""
        return sum(order["paid"] for order in self.orders() if order["callback_url"] == callback_url)

    def fail_next(self, gateway: str, *faults: str) -> None:
        """The next new order at the gateway meets these faults, each ``name`` or ``name=number``. Raises UnknownFault."""
        self._studio.fail_next(WIRES[gateway].name, parse_faults(faults))

    def forget_next(self, gateway: str) -> None:
        """Takes back what ``fail_next`` has put upon orders that never came."""
        self._studio.forget_next(WIRES[gateway].name)

    def call_back_directly(self, public_url: str, local_url: str) -> None:
        """Sends what is addressed to ``public_url`` to ``local_url``, where the same API is."""
        self._courier.detour = (public_url, local_url)

    def ready_line(self) -> str:
        """What ``suno-jobs simulate`` prints when it is ready."""
        gateways = {name: {"base_url": self.base_url(name), "api_key": self.keys[name]} for name in WIRES}
        return json.dumps({"simulator_url": self.url, "audio_origin": self.audio_origin, "gateways": gateways})
