from __future__ import annotations

import json
from types import SimpleNamespace

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.steps.read_gateways import read_gateways
from tests.builders import event, handler
from tests.world import World


def test_every_gateway_is_listed_with_its_kinds_and_its_health(world: World) -> None:
    health = world.calls().health
    health.record("ttapi", None)
    health.record("crun", Fault(ErrorCode.MAINTENANCE, "later"))
    gateways = {each["name"]: each for each in read_gateways(health, "acme")["gateways"]}
    assert list(gateways) == list(GATEWAYS)
    assert "music" in gateways["kie"]["kinds"]
    assert {name: gateways[name]["health"]["status"] for name in ("ttapi", "crun", "kie")} == {
        "ttapi": "ok",
        "crun": "failing",
        "kie": "unknown",
    }
    assert gateways["crun"]["health"]["last_error"] == "maintenance"


def test_the_handler_answers_with_the_gateways_as_json(deployed: SimpleNamespace, world: World) -> None:
    answer = handler("read_gateways")(event("read_gateways/gateways"))
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == read_gateways(world.calls().health, "acme")
