"""Which links are fetched, and how: plain links by HTTPS, names that resolve wrongly for a while, and our User-Agent."""

from __future__ import annotations

import io

import pytest

from suno_jobs.errors import AssetExpired, AssetNotReady, ErrorCode
from suno_jobs.network.download import USER_AGENT, Downloader
from suno_jobs.network.http import httpcore, httpx
from suno_jobs.network.ssrf_guard import GuardedTransport
from tests.slow_network import TLS, Line
from tests.world import Clock

PUBLIC, PRIVATE = "18.66.112.34", "10.1.2.3"


class Dialled(httpcore.NetworkBackend):
    """Records every connection, and opens none."""

    def __init__(self) -> None:
        self.targets: list[tuple[str, int]] = []

    def connect_tcp(self, host: str, port: int, *_options: object, **_named: object) -> httpcore.NetworkStream:
        self.targets.append((host, port))
        raise httpcore.ConnectError("closed")


def failure(network: Dialled, url: str, *addresses: str, trusted: frozenset[str] = frozenset()) -> AssetNotReady:
    downloader = Downloader(resolver=lambda _host, _port: addresses, network=network, ssl_context=TLS, trusted_origins=trusted)
    with pytest.raises(AssetNotReady) as caught:
        downloader.fetch(url, io.BytesIO(), max_bytes=1000, seconds=5)
    return caught.value


@pytest.mark.parametrize("url", ["http://cdn.example.com/a.mp3", "HTTP://cdn.example.com:80/a.mp3?sig=secret"])
def test_i10_a_plain_link_is_fetched_by_https(url: str) -> None:
    network = Dialled()
    assert failure(network, url, PUBLIC).fault.code is ErrorCode.ASSET_UNAVAILABLE
    assert network.targets == [(PUBLIC, 443)]


@pytest.mark.parametrize(
    "url", ["http://cdn.example.com:8080/a.mp3", "http://127.0.0.1/a.mp3", "http://user@cdn.example.com/a", "ftp://a.example/a"]
)
def test_i10_a_plain_link_passes_the_same_checks(url: str) -> None:
    network = Dialled()
    error = failure(network, url, PUBLIC)
    assert isinstance(error, AssetExpired)
    assert error.fault.code is ErrorCode.ASSET_FORBIDDEN_ADDRESS
    assert network.targets == []


def test_a_trusted_origin_stays_without_tls() -> None:
    network = Dialled()
    failure(network, "http://127.0.0.1:9000/a.mp3", "127.0.0.1", trusted=frozenset({"http://127.0.0.1:9000"}))
    assert network.targets == [("127.0.0.1", 9000)]


def test_i10_a_name_that_resolves_to_a_private_address_is_tried_again_and_not_connected_to() -> None:
    network, answers = Dialled(), iter([[PRIVATE], [PUBLIC, PRIVATE], [PUBLIC]])
    downloader = Downloader(resolver=lambda _host, _port: next(answers), network=network, ssl_context=TLS)
    codes = []
    for _ in range(3):
        with pytest.raises(AssetNotReady) as caught:
            downloader.fetch("https://cdn.example.com/a.mp3", io.BytesIO(), max_bytes=1000, seconds=5)
        assert not isinstance(caught.value, AssetExpired)
        codes.append(caught.value.fault.code)
    assert codes == [*[ErrorCode.ASSET_FORBIDDEN_ADDRESS] * 2, ErrorCode.ASSET_UNAVAILABLE]
    assert network.targets == [(PUBLIC, 443)]


def test_a_name_that_cannot_be_resolved_in_time_is_tried_again() -> None:
    late = Clock(0.0)

    def slow(_host: str, _port: int) -> list[str]:
        late.sleep(9)
        return [PUBLIC]

    network = Dialled()
    downloader = Downloader(resolver=slow, clock=late, network=network, ssl_context=TLS)
    with pytest.raises(AssetNotReady) as caught:
        downloader.fetch("https://cdn.example.com/a.mp3", io.BytesIO(), max_bytes=1000, seconds=5)
    assert caught.value.fault.code is ErrorCode.ASSET_UNAVAILABLE
    assert network.targets == []


def test_the_guard_sends_nothing_in_the_clear() -> None:
    transport = GuardedTransport(resolver=lambda _host, _port: [PUBLIC], network=Line(Clock(0.0)), ssl_context=TLS)
    with pytest.raises(httpx.TransportError, match="not https"):
        transport.handle_request(httpx.Request("GET", "http://cdn.example.com/a.mp3"))


def test_the_user_agent_has_the_product_token_of_browsers_and_names_us() -> None:
    assert USER_AGENT.startswith("Mozilla/5.0 (compatible; suno-jobs/")
