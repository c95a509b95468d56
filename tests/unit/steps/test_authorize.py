from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.steps.authorize import find_caller, key_hash
from tests.builders import API_KEY, event, handler


def test_a_known_key_authorizes_its_tenant(deployed: SimpleNamespace) -> None:
    context = {"tenant": "acme", "operator": False}
    assert handler("authorize")(event("authorize/bearer")) == {"isAuthorized": True, "context": context}


def test_an_unknown_key_is_not_authorized(deployed: SimpleNamespace) -> None:
    answer = handler("authorize")(event("authorize/unknown_key"))
    assert answer == {"isAuthorized": False, "context": {"tenant": ""}}


def test_a_request_without_the_header_is_not_authorized(deployed: SimpleNamespace) -> None:
    assert handler("authorize")({"headers": {}})["isAuthorized"] is False


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_key_belongs_to_its_tenant_in_either_spelling_of_the_scheme(deployed: SimpleNamespace, scheme: str) -> None:
    assert find_caller(deployed.dynamodb, "keys", f"{scheme} {API_KEY}") == ("acme", False)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", f"Basic {API_KEY}", API_KEY, f"Bearer {API_KEY} ", f"Bearer {API_KEY}\n"]
)
def test_a_malformed_header_belongs_to_no_tenant(deployed: SimpleNamespace, header: str) -> None:
    assert find_caller(deployed.dynamodb, "keys", header) is None


def test_a_disabled_key_is_not_authorized(deployed: SimpleNamespace) -> None:
    item = {"key_hash": {"S": key_hash(API_KEY)}, "tenant": {"S": "acme"}, "disabled": {"BOOL": True}}
    deployed.dynamodb.put_item(TableName="keys", Item=item)
    assert find_caller(deployed.dynamodb, "keys", f"Bearer {API_KEY}") is None
    assert handler("authorize")(event("authorize/bearer"))["isAuthorized"] is False


@pytest.mark.parametrize(("value", "operator"), [({"BOOL": True}, True), ({"BOOL": False}, False), ({"S": "true"}, False)])
def test_only_a_key_that_was_made_for_an_operator_is_one(deployed: SimpleNamespace, value: Any, operator: bool) -> None:
    item = {"key_hash": {"S": key_hash(API_KEY)}, "tenant": {"S": "acme"}, "operator": value}
    deployed.dynamodb.put_item(TableName="keys", Item=item)
    assert handler("authorize")(event("authorize/bearer"))["context"] == {"tenant": "acme", "operator": operator}
