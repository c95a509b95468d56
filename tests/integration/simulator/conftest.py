from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from local.simulator import HandClock, Simulator
from tests.integration.simulator.clients import GATEWAYS, TASK_SECONDS, Client, Receiver


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def simulator(clock: HandClock) -> Iterator[Simulator]:
    with Simulator(clock=clock, task_seconds=TASK_SECONDS, audio_seconds=(1.0, 2.0), seed=1) as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().running() as running:
        yield running


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture(params=GATEWAYS)
def client(request: pytest.FixtureRequest, simulator: Simulator, http: httpx.Client, receiver: Receiver) -> Client:
    return Client(simulator, request.param, http, receiver.url)


@pytest.fixture
def anyint(simulator: Simulator, http: httpx.Client, receiver: Receiver) -> Client:
    return Client(simulator, "anyint", http, receiver.url)


@pytest.fixture
def acedata(simulator: Simulator, http: httpx.Client, receiver: Receiver) -> Client:
    return Client(simulator, "acedata", http, receiver.url)
