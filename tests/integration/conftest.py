"""The whole bundle on this machine, once for all integration tests, with times of seconds."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.simulator import Simulator
from local.stack import LocalStack
from suno_jobs.network.download import Downloader
from tests.documented import check_answer
from tests.integration.faulty import HOSTS, Server, Street, certificate
from tests.integration.own_accounts import OWNERS, give_accounts
from tests.integration.secrets_of_stack import without_secrets_in_logs
from tests.integration.waiting import wait_for_end
from tests.integration.webhook_receiver import Receiver, serving

Json = dict[str, Any]

PARAMETERS = {
    "FirstCheckSeconds": "3",
    "CheckIntervalSeconds": "1",
    "MaxCheckIntervalSeconds": "2",
    "JobDeadlineSeconds": "40",
    "AmbiguousSubmitGraceSeconds": "4",
    "CorsOrigins": "https://app.example,https://other.example",
    # The faults of one test shall not hold up another.
    "BreakerFailures": "1000",
}


@pytest.fixture(scope="session")
def webhooks() -> Iterator[Receiver]:
    """An endpoint that the functions of the stack may reach."""
    receiver = Receiver()
    with serving(receiver):
        yield receiver


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, webhooks: Receiver) -> Iterator[LocalStack]:
    logs = tmp_path_factory.mktemp("logs")
    made = LocalStack(PARAMETERS, audio_origins=[webhooks.origin], simulator=Simulator(task_seconds=1.0), logs=logs)
    with without_secrets_in_logs(made) as running:
        give_accounts(running, OWNERS)
        yield running


def is_documented(response: httpx.Response) -> None:
    """Every answer of every test that needs the stack must be as docs/openapi.json says."""
    request = response.request
    text = response.read().decode()
    check_answer(request.method, request.url.path, response.status_code, response.headers, text)


@pytest.fixture
def as_tenant(stack: LocalStack) -> Iterator[Callable[[str], httpx.Client]]:
    """Makes a client with a fresh key of the tenant named."""
    clients: list[httpx.Client] = []

    def connect(tenant: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {stack.create_api_key(tenant)}"}
        hooks = {"response": [is_documented]}
        clients.append(httpx.Client(base_url=stack.api_url, headers=headers, timeout=40, trust_env=False, event_hooks=hooks))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def api(as_tenant: Callable[[str], httpx.Client]) -> httpx.Client:
    return as_tenant("local")


@pytest.fixture
def anonymous(stack: LocalStack) -> Iterator[httpx.Client]:
    """A client without a key."""
    hooks = {"response": [is_documented]}
    with httpx.Client(base_url=stack.api_url, timeout=40, trust_env=False, event_hooks=hooks) as client:
        yield client


@pytest.fixture
def finished(stack: LocalStack, api: httpx.Client) -> Callable[[str], Json]:
    """Waits for the end of a job and answers it."""
    return lambda job_id: wait_for_end(api, job_id, stack.logs)


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"), [host for host in HOSTS if not host.startswith("stranger")])


@pytest.fixture
def server(pem: Path) -> Iterator[Server]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    running = Server(tls)
    yield running
    running.close()


@pytest.fixture
def street(server: Server) -> Street:
    return Street(server.port)


@pytest.fixture
def downloader(street: Street, pem: Path) -> Downloader:
    return Downloader(
        resolver=lambda host, _port: HOSTS[host], network=street, ssl_context=ssl.create_default_context(cafile=str(pem))
    )
