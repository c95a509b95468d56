"""A request to a gateway ends at its deadline, and says whether something was sent."""

from __future__ import annotations

import pytest

from suno_jobs.errors import GatewayUnreachable
from suno_jobs.gateways.protocol import GatewayRequest
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.lifecycle.task_reader import SLOW_READ_SECONDS
from suno_jobs.network.deadlines import TimedTransport
from suno_jobs.steps.check_task import CHECK_SECONDS
from suno_jobs.steps.create_task import SYNCHRONOUS_SECONDS
from suno_jobs.traffic import batch_reads
from suno_jobs.traffic.accounts import Account
from suno_jobs.traffic.client import CONNECT_SECONDS, REPLY_SECONDS, http_client, send
from tests.slow_network import DRIPS, TLS, Line, parts
from tests.world import Clock, template

POST = GatewayRequest("POST", "/suno/v1/music", json={"prompt": "rain"})
ACCOUNT = Account("ak_very-secret-key", "http://gateway.example")


def lost(line: Line) -> GatewayUnreachable:
    transport = TimedTransport(network=line, resolver=lambda host, _port: [host], ssl_context=TLS)
    with http_client(transport) as client, pytest.raises(GatewayUnreachable) as caught:
        send(client, GATEWAYS["ttapi"], ACCOUNT, POST, clock=line.clock)
    assert line.clock.now <= CONNECT_SECONDS + REPLY_SECONDS
    return caught.value


@pytest.mark.parametrize("kind", DRIPS)
def test_i1_a_reply_that_drips_is_a_lost_answer(kind: str) -> None:
    assert lost(Line(Clock(0.0), DRIPS[kind])).sent is True


@pytest.mark.parametrize(
    "part", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"]
)
def test_i1_a_reply_that_ends_in_the_middle_is_a_lost_answer(part: bytes) -> None:
    assert lost(Line(Clock(0.0), parts((1.0, part)))).sent is True


def test_a_connection_that_takes_too_long_has_sent_nothing() -> None:
    assert lost(Line(Clock(0.0), connecting=99.0)).sent is False


def timeout_of(function: str) -> float:
    seconds: float = template()["Resources"][function]["Properties"]["Timeout"]
    return seconds


def test_every_request_ends_well_before_its_function() -> None:
    longest = CONNECT_SECONDS + REPLY_SECONDS
    # After a request that took less than SLOW_READ_SECONDS, Check Task may send one more.
    assert timeout_of("CheckTaskFunction") == CHECK_SECONDS
    assert SLOW_READ_SECONDS + longest <= 0.8 * CHECK_SECONDS
    assert 0.95 * timeout_of("CreateTaskFunction") >= CONNECT_SECONDS + SYNCHRONOUS_SECONDS
    assert 0.1 * timeout_of("ReconcileJobsFunction") >= CONNECT_SECONDS + batch_reads.REPLY_SECONDS
