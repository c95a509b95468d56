"""Each route needs the scope that docs/openapi.json names, and no other."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from openapi.operations import OPERATIONS, Operation
from suno_jobs.errors import ScopeMissing
from suno_jobs.tenants.api_keys import Scope
from tests.builders import event, handler
from tests.world import ROOT

SAMPLES = {f"{path.parent.name}/{path.stem}": event(f"{path.parent.name}/{path.stem}") for path in ROOT.glob("events/*/*.json")}
PROTECTED = [each for each in OPERATIONS if each.scope]


@pytest.mark.parametrize("operation", PROTECTED, ids=lambda each: each.name)
def test_a_route_needs_its_scope_and_no_other(deployed: SimpleNamespace, operation: Operation) -> None:
    [name, *_] = (name for name, each in SAMPLES.items() if each.get("routeKey") == f"{operation.method} {operation.path}")
    request, handle = SAMPLES[name], handler(name.partition("/")[0])
    for scopes, permitted in (({operation.scope}, True), (set(Scope) - {operation.scope}, False), ({"songs:sing"}, False)):
        request["requestContext"]["authorizer"]["lambda"]["scopes"] = " ".join(map(str, scopes))
        answer = handle(request)
        refused = (answer["statusCode"], detail_of(answer)) == (
            403,
            f"This request needs a key with the scope {operation.scope}.",
        )
        assert refused != permitted, scopes


def detail_of(answer: dict[str, Any]) -> str | None:
    body = json.loads(answer["body"] or "{}")
    return body.get("detail") if isinstance(body, dict) else None


def test_a_key_without_scopes_may_do_nothing(deployed: SimpleNamespace) -> None:
    request = event("read_jobs/job")
    del request["requestContext"]["authorizer"]["lambda"]["scopes"]
    assert handler("read_jobs")(request)["statusCode"] == ScopeMissing.status
