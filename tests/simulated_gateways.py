"""The gateways of the simulator, as answers of the unit tests' wire: without a socket."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from local.simulator import Simulator
from local.simulator.gateways import WIRES
from local.simulator.server import route
from local.simulator.wire import Request
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.network.http import httpx
from tests.world import ACCOUNTS

_HOSTS = {
    urlsplit(ACCOUNTS[f"{name}/default"].get("base_url") or each.base_url).netloc: name for name, each in GATEWAYS.items()
}


def simulated(simulator: Simulator) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        path = f"/{WIRES[_HOSTS[request.url.host]].name}{request.url.path}"
        asked = Request(request.method, path, dict(parse_qsl(request.url.query.decode())), headers, request.content)
        reply = route(simulator._studio, asked)
        return httpx.Response(reply.status, content=reply.body, headers={"content-type": reply.content_type})

    return answer
