"""The documented replies about balances, and those that contain none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.protocol import Balance, BalanceReading, GatewayReply, ReadFailed
from suno_jobs.gateways.registry import GATEWAYS

READING = {name: each for name, each in GATEWAYS.items() if isinstance(each, BalanceReading)}
USER, TOKEN = {"remaining_credits": 90, "used_credits": 10}, {"remaining_credits": 5, "used_credits": 1}
NO_ROUTE = {"code": "not_found", "message": "no such route", "data": None}


def reply(body: Any, status: int = 200) -> GatewayReply:
    return GatewayReply(status, json.dumps(body).encode())


def read(gateway: str, replies: Sequence[GatewayReply]) -> Balance | ReadFailed:
    return READING[gateway].read_balance(replies)


def test_the_documented_endpoints_are_asked() -> None:
    assert {name: [(each.method, each.path) for each in gateway.balance_requests] for name, gateway in READING.items()} == {
        "crun": [("GET", "/api/v1/client/account/balance")],
        "sunoapi": [("GET", "/api/v1/generate/credit")],
        "kie": [("GET", "/api/v1/chat/credit")],
        "evolink": [("GET", "/v1/credits")],
        "newapi": [
            ("GET", "/v1/dashboard/billing/subscription"),
            ("GET", "/v1/dashboard/billing/usage"),
            ("GET", "/suno/account"),
        ],
    }


@pytest.mark.parametrize(
    ("gateway", "bodies", "amount", "unit"),
    [
        ("sunoapi", [{"code": 200, "msg": "success", "data": 100}], 100, "credits"),
        ("kie", [{"code": 200, "msg": "success", "data": 12.5}], 12.5, "credits"),
        ("kie", [{"code": 200, "msg": "success", "data": -3}], -3, "credits"),
        ("crun", [{"code": 200, "message": "success", "data": {"balance": "42"}}], 42, "credits"),
        ("evolink", [{"data": {"user": USER, "token": {**TOKEN, "unlimited_credits": True}}}], 90, "credits"),
        ("evolink", [{"data": {"user": USER, "token": {**TOKEN, "unlimited_credits": False}}}], 5, "credits"),
        ("evolink", [{"data": {"user": USER}}], 90, "credits"),
        ("newapi", [{"hard_limit_usd": 20.5}, {"total_usage": 550}, NO_ROUTE], 15, "USD"),
        ("newapi", [NO_ROUTE, NO_ROUTE, {"credits_left": 7, "monthly_limit": 10, "monthly_usage": 3}], 7, "credits"),
        ("newapi", [NO_ROUTE, NO_ROUTE, {"code": "success", "data": {"credits_left": 7}}], 7, "credits"),
    ],
)
def test_a_documented_reply_is_read(gateway: str, bodies: Sequence[Any], amount: float, unit: str) -> None:
    replies = [reply(body, 404 if body is NO_ROUTE else 200) for body in bodies]
    assert read(gateway, replies) == Balance(amount, unit)


@pytest.mark.parametrize(
    ("gateway", "body", "status"),
    [
        ("sunoapi", {"code": 401, "msg": "no", "data": 5}, 200),
        ("kie", {"code": 401, "msg": "no", "data": None}, 200),
        ("crun", {"code": 401, "message": "no", "data": {"balance": 5}}, 200),
        ("evolink", {"error": {"code": "unauthorized", "message": "no"}}, 401),
        ("newapi", {"code": "unauthorized", "message": "no"}, 401),
    ],
)
def test_a_refused_key_is_no_balance(gateway: str, body: Any, status: int) -> None:
    found = read(gateway, [reply(body, status)] * len(READING[gateway].balance_requests))
    assert isinstance(found, ReadFailed)
    assert found.fault.code is ErrorCode.AUTHENTICATION


@pytest.mark.parametrize("gateway", READING)
@given(
    body=st.one_of(
        st.binary(max_size=50),
        st.recursive(st.none() | st.floats() | st.text(max_size=5), st.lists).map(
            lambda value: json.dumps({"data": value, "hard_limit_usd": value, "total_usage": value}).encode()
        ),
    )
)
def test_no_reply_raises(gateway: str, body: bytes) -> None:
    found = read(gateway, [GatewayReply(200, body)] * len(READING[gateway].balance_requests))
    assert isinstance(found, Balance | ReadFailed)
